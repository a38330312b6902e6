"""Keeps local models in memory: loads each once however many ask, and lets the least recently used make way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypedDict, Unpack

import pydantic

from agent_lab.contracts.errors import NotFoundError, ValidationError, unknown_name
from agent_lab.contracts.ports import LoadProgress, ResidentModel
from agent_lab.contracts.registry import Loading, ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.gpu_guard import GB, Capability, capability, devices, limit_bytes
from agent_lab.providers.local.loading.loader import Loader
from agent_lab.providers.local.plan import Device
from agent_lab.providers.local.residency.feed import LoadFeed
from agent_lab.providers.local.residency.hands import LoadingHands
from agent_lab.providers.local.residency.residents import Residents
from agent_lab.providers.local.residency.slots import Claim, Slot
from agent_lab.providers.local.residency.state import Rules
from agent_lab.providers.local.strategies import Standing, standing
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry

LONGEST_LOAD_S = 6 * 3600.0
"""How long those wait who load a model for its own sake: its files may have to be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory, as `load_model` and `get_model` give it."""

    model_key: str
    strategy: str
    size_gb: float
    device: str
    model: Any
    """None where the model runs in a process of its own."""
    tokenizer: Any
    notes: tuple[str, ...] = ()


class LoadingOptions(TypedDict, total=False):
    """What `load_model` may be told over the strategy's own way of loading."""

    precision: str
    attention: str
    compile: bool
    context: int
    parallel: int


class ModelManager:
    """The models in memory, by model and way of loading. Every method may be called from any thread.

    `max_usage_gb` bounds what models take of each GPU, or of the RAM of a machine without one.
    """

    def __init__(
        self,
        *,
        models: ModelRegistry,
        strategies: StrategyRegistry,
        loader: Loader,
        max_usage_gb: float | None = None,
        devices: Callable[[], Sequence[Device]] = devices,
        machine: Callable[[], Capability] = capability,
        rules: Rules | None = None,
    ) -> None:
        self._models = models
        self._strategies = strategies
        self._devices = devices
        self._machine = machine
        self._limit_bytes = partial(limit_bytes, configured_gb=max_usage_gb)
        self._stop = threading.Event()
        hands = partial(
            LoadingHands,
            loader=loader,
            machine=machine,
            look=devices,
            limit_bytes=self._limit_bytes,
            stop=self._stop,
        )
        self._residents = Residents(rules=rules or Rules(), look=devices, limit_bytes=self._limit_bytes, hands=hands)

    # --- the seeds' names ---------------------------------------------------------------------------------------
    def load_model(self, model_key: str, strategy: str, **options: Unpack[LoadingOptions]) -> LoadedModel:
        """The model in memory, loaded where it is not yet. Blocks while it loads.

        Raises NotFoundError, ValidationError (an option), UnusableError (files), CapacityError (it never fits),
        BusyError (others are in use), EnvironmentFaultError (no torch).
        """
        chosen = self._strategies.get_strategy(strategy)
        if options:
            loading = _loading(chosen.loading, options)
            chosen = chosen.model_copy(update={"loading": loading})
        found = self.standing(chosen)
        claim = self.claim(self._models.get_model(model_key), found.strategy, patience_s=LONGEST_LOAD_S)
        try:
            return _public(model_key, claim.slot.result(), found)
        finally:
            self.release(claim)

    def get_model(self, model_key: str, strategy: str) -> LoadedModel | None:
        """The model if it is in memory; it is not loaded for this."""
        found = self.standing(self._strategies.get_strategy(strategy))
        base_key = self._base_key(model_key)
        slot = self._residents.find((base_key, found.strategy.loading))
        if slot is None or slot.loaded is None or model_key not in {base_key, *slot.adapter_keys}:
            return None
        return _public(model_key, slot, found)

    def unload_model(self, model_key: str, strategy: str | None = None) -> list[str]:
        """Unload a model, pinned or not, under one strategy or all, and wait until its memory is back.

        Returns the keys unloaded. Raises NotFoundError where it is not in memory, ConflictError where it is in use.
        """
        loading = None if strategy is None else self.standing(self._strategies.get_strategy(strategy)).strategy.loading
        known = self._residents.present()
        slots = [slot for slot in known if slot.spec.key == model_key and loading in {None, slot.strategy.loading}]
        if not slots:
            raise unknown_name(
                "model", model_key, {slot.spec.key for slot in known}, place=said("in_memory", "in memory")
            )
        self._residents.put_out(slots)
        return [model_key]

    def cleanup_all(self) -> list[str]:
        """Unload every model that nobody uses, pinned or not. Returns the keys unloaded."""
        return sorted({slot.spec.key for slot in self._residents.put_out_idle()})

    def get_memory_stats(self) -> dict[str, Any]:
        """What is in memory and what may be, GB (1e9 bytes), all together and by device; counts since the start."""
        seen, used = self._devices(), self.used_by_device_gb()
        by_device = [
            {
                "name": device.name,
                "total_gb": device.total_bytes / GB,
                "available_gb": device.free_bytes / GB,
                "limit_gb": self._limit_bytes(device) / GB,
                "used_gb": used.get(device.name, 0.0),
            }
            for device in seen
        ]
        models = [_stats(model) for model in self.resident()]
        states = [slot.loaded.engine.state() for slot, _, _ in self._residents.ready() if slot.loaded is not None]
        names = ("total_gb", "available_gb", "limit_gb", "used_gb")
        return {
            "memory": "ram" if all(device.name == "cpu" for device in seen) else "vram",
            **{name: sum(one[name] for one in by_device) for name in names},
            "devices": by_device,
            "loaded_models": len(models),
            "models": models,
            **asdict(self._residents.counts),
            "waiting": self._residents.waiting,
            "answers_active": sum(state.active for state in states),
            "answers_waiting": sum(state.waiting for state in states),
        }

    # --- for the host and the monitor -----------------------------------------------------------------------------
    def resident(self) -> Sequence[ResidentModel]:
        """The models in memory, the least recently used first."""
        return [slot.view(in_use=in_use, pinned=pinned) for slot, in_use, pinned in self._residents.ready()]

    def loading(self) -> Sequence[LoadProgress]:
        """The models on their way into memory."""
        return self._residents.loading()

    def used_gb(self) -> float:
        """What is reserved for models, those included that are being loaded or unloaded."""
        return sum(self.used_by_device_gb().values())

    def used_by_device_gb(self) -> dict[str, float]:
        """The same, by the name of the device."""
        return {name: reserved / GB for name, reserved in self._residents.reserved_bytes().items()}

    def standing(self, strategy: StrategySpec) -> Standing:
        """The strategy that this machine can do in its place.

        Slow the first time on a machine with a GPU: torch is imported to find out. Raises UnusableError.
        """
        return standing(strategy, self._machine(), self._strategies.get_strategy)

    def claim(self, spec: ModelSpec, strategy: StrategySpec, *, patience_s: float) -> Claim:
        """Ask for a model under a strategy that this machine can do; never blocks on a load. Whoever claims releases.

        `claim.slot` is refused with BusyError after `patience_s`.
        """
        base = spec if spec.base is None else self._models.get_model(spec.base)
        slot = Slot(spec=base, strategy=strategy, feed=LoadFeed(base.key))
        return self._residents.ask(slot, spec, patience_s=patience_s)

    def release(self, claim: Claim) -> None:
        """Let go of what was claimed, whatever became of it. Nothing happens the second time."""
        self._residents.release(claim.ticket)

    def pin(self, model_key: str, *, pinned: bool) -> ResidentModel:
        """Keep a model in memory whatever else wants its place, or no longer. Raises NotFoundError.

        An adapter's base is kept for it.
        """
        slot = self._residents.pin(self._base_key(model_key), pinned=pinned)
        if slot is None:
            raise unknown_name(
                "model", model_key, {one.model_key for one in self.resident()}, place=said("in_memory", "in memory")
            )
        return self.view(slot)

    def view(self, slot: Slot) -> ResidentModel:
        """What others may see of it."""
        for known, in_use, pinned in self._residents.ready():
            if known is slot:
                return slot.view(in_use=in_use, pinned=pinned)
        return slot.view(in_use=0, pinned=False)

    def _base_key(self, model_key: str) -> str:
        """The key of the model that is in memory for it: the base of an adapter, else itself."""
        with suppress(NotFoundError):
            return self._models.get_model(model_key).base or model_key
        return model_key

    def close(self) -> None:
        """Refuse all who wait, end every engine and let go of every model. Nothing is loaded after that."""
        self._stop.set()
        self._residents.close()


def _loading(plain: Loading, options: LoadingOptions) -> Loading:
    try:
        return Loading.model_validate({**plain.model_dump(), **options})
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise ValidationError(
            f"The option {name!r} of a load is {first['input']!r}: {first['msg']}.", where=name
        ) from error


def _public(model_key: str, slot: Slot, found: Standing) -> LoadedModel:
    loaded = slot.loaded
    return LoadedModel(
        model_key=model_key,
        strategy=slot.strategy.name,
        size_gb=slot.size_gb,
        device=slot.device,
        model=None if loaded is None else loaded.model,
        tokenizer=None if loaded is None else loaded.tokenizer,
        notes=found.notes + (loaded.plan.notes if loaded is not None else ()),
    )


def _stats(model: ResidentModel) -> dict[str, Any]:
    told = asdict(model)
    times = {name: told[name].isoformat() for name in ("loaded_at", "last_used_at")}
    return {**told, **times, "adapters": list(model.adapters), "notes": list(model.notes)}
