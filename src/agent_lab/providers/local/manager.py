"""Keeps local models in memory: loads each once however many ask, and lets the least recently used make way."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from agent_lab.contracts.errors import CapacityError, ConflictError, unknown_name
from agent_lab.contracts.ports import ResidentModel
from agent_lab.contracts.registry import Loading, ModelSpec, StrategySpec
from agent_lab.providers.local.eviction import Idle, evictions
from agent_lab.providers.local.gpu_guard import GB, Capability, capability, limit_gb, memory_gb, room_gb
from agent_lab.providers.local.loader import Loaded, Loader
from agent_lab.providers.local.slots import Slot, SlotKey
from agent_lab.providers.local.strategies import Standing, standing
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory, as `load_model` and `get_model` give it."""

    model_key: str
    strategy: str
    size_gb: float
    device: str
    model: Any
    tokenizer: Any
    notes: tuple[str, ...] = ()


class LoadingOptions(TypedDict, total=False):
    """What `load_model` may be told over the strategy's own way of loading."""

    precision: str
    attention: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A place in memory that is held until it is released, and whether its model has to be loaded by the holder."""

    slot: Slot
    must_load: bool
    cache_hit: bool
    standing: Standing


class ModelManager:
    """The models in memory, by model and way of loading. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        models: ModelRegistry,
        strategies: StrategyRegistry,
        loader: Loader,
        max_usage_gb: float | None = None,
        memory: Callable[[], tuple[str, float, float]] = memory_gb,
        machine: Callable[[], Capability] = capability,
    ) -> None:
        self._models = models
        self._strategies = strategies
        self._loader = loader
        self._max_usage_gb = max_usage_gb
        self._memory = memory
        self._machine = machine
        self._lock = threading.RLock()
        self._slots: dict[SlotKey, Slot] = {}
        self._turn = 0
        self._counts = {"hits": 0, "loads": 0, "evictions": 0}

    # --- the seeds' names ---------------------------------------------------------------------------------------
    def load_model(self, model_key: str, strategy: str, **options: Unpack[LoadingOptions]) -> LoadedModel:
        """The model in memory, loaded where it is not yet. Blocks while it loads.

        Raises NotFoundError, UnusableError (files), CapacityError (memory), EnvironmentFaultError (no torch).
        """
        chosen = self._strategies.get_strategy(strategy)
        if options:
            loading = Loading.model_validate({**chosen.loading.model_dump(), **options})
            chosen = chosen.model_copy(update={"loading": loading})
        claim = self.claim(self._models.get_model(model_key), chosen)
        try:
            if claim.must_load:
                self.fill(claim.slot)
            return _public(claim.slot, claim.slot.ready.result(), claim.standing.notes)
        finally:
            self.release(claim.slot)

    def get_model(self, model_key: str, strategy: str) -> LoadedModel | None:
        """The model if it is in memory; it is not loaded for this."""
        found = self._standing(self._strategies.get_strategy(strategy))
        with self._lock:
            slot = self._slots.get((model_key, found.strategy.loading))
            if slot is None or not slot.is_loaded:
                return None
            return _public(slot, slot.ready.result(), found.notes)

    def unload_model(self, model_key: str, strategy: str | None = None) -> list[str]:
        """Unload a model, under one strategy or all. Returns the keys unloaded.

        Raises NotFoundError where it is not in memory and ConflictError where it is answering just now.
        """
        loading = None if strategy is None else self._standing(self._strategies.get_strategy(strategy)).strategy.loading
        with self._lock:
            slots = [
                s for s in self._slots.values() if s.spec.key == model_key and loading in {None, s.strategy.loading}
            ]
            if not slots:
                raise unknown_name(
                    "model", model_key, {slot.spec.key for slot in self._slots.values()}, place="in memory"
                )
            if any(slot.in_use or not slot.is_loaded for slot in slots):
                raise ConflictError(f"The model {model_key!r} is in use just now; unload it when it has answered.")
            self._drop(slots)
        _free_memory()
        return [model_key]

    def cleanup_all(self) -> list[str]:
        """Unload every model that nobody uses. Returns the keys unloaded."""
        with self._lock:
            slots = [slot for slot in self._slots.values() if slot.is_loaded and not slot.in_use]
            self._drop(slots)
        _free_memory()
        return sorted({slot.spec.key for slot in slots})

    def get_memory_stats(self) -> dict[str, Any]:
        """What is in memory and what may be, GB (1e9 bytes), with the counts since the start."""
        kind, total_gb, available_gb = self._memory()
        models = [
            {
                "model_key": model.model_key,
                "strategy": model.strategy,
                "size_gb": model.size_gb,
                "hits": model.hits,
                "in_use": model.in_use,
                "device": model.device,
                "last_used_at": model.last_used_at.isoformat(),
            }
            for model in self.resident()
        ]
        return {
            "memory": kind,
            "total_gb": total_gb,
            "available_gb": available_gb,
            "limit_gb": limit_gb(total_gb, self._max_usage_gb),
            "used_gb": self.used_gb(),
            "loaded_models": len(models),
            "models": models,
            **self._counts,
        }

    # --- for the host and the executor --------------------------------------------------------------------------
    def resident(self) -> Sequence[ResidentModel]:
        """The models in memory, the least recently used first."""
        with self._lock:
            loaded = [slot for slot in self._slots.values() if slot.is_loaded]
            return [slot.view() for slot in sorted(loaded, key=lambda slot: slot.turn)]

    def used_gb(self) -> float:
        """What the models take, those that are being loaded included."""
        with self._lock:
            return sum(slot.size_gb for slot in self._slots.values())

    def look_at_machine(self) -> Capability:
        """What the machine can do. Slow the first time on a machine with a GPU: torch is imported to find out."""
        return self._machine()

    def claim(self, spec: ModelSpec, strategy: StrategySpec) -> Claim:
        """Hold the model's place. Where `must_load` is true the holder calls `fill`; everyone waits for `slot.ready`.

        Never blocks on a load. Whoever claims releases. Raises UnusableError where the machine cannot do the strategy.
        """
        found = self._standing(strategy)
        with self._lock:
            slot = self._slots.get((spec.key, found.strategy.loading))
            must_load = slot is None
            if slot is None:
                slot = Slot(spec=spec, strategy=found.strategy)
                self._slots[slot.key] = slot
            cache_hit = slot.is_loaded
            slot.in_use += 1
            slot.hits += cache_hit
            self._counts["hits"] += cache_hit
            self._touch(slot)
            return Claim(slot=slot, must_load=must_load, cache_hit=cache_hit, standing=found)

    def fill(self, slot: Slot) -> None:
        """Load the model of a slot that was claimed with `must_load`; every waiter gets it, or the error."""
        try:
            self._refuse_hopeless(slot.spec)
            prepared = self._loader.prepare(slot.spec, slot.strategy, self._machine())
            need_bytes = prepared.plan.need_bytes
            self._make_room(slot, need_bytes / GB)
            loaded = self._loader.load(slot.spec, prepared, {self._device_name(): need_bytes})
        except BaseException as error:
            with self._lock:
                self._slots.pop(slot.key, None)
            slot.ready.set_exception(error)
            raise
        with self._lock:
            slot.device = loaded.plan.device
            slot.loaded_at = datetime.now(UTC)
            self._counts["loads"] += 1
            self._touch(slot)
            slot.ready.set_result(loaded)

    def _device_name(self) -> str:
        return "cuda:0" if self._machine().device == "cuda" else "cpu"

    def release(self, slot: Slot) -> None:
        """Let go of a claimed place."""
        with self._lock:
            slot.in_use -= 1
            self._touch(slot)

    def _standing(self, strategy: StrategySpec) -> Standing:
        return standing(strategy, self._machine(), self._strategies.get_strategy)

    def _touch(self, slot: Slot) -> None:
        self._turn += 1
        slot.turn = self._turn
        slot.last_used_at = datetime.now(UTC)

    def _refuse_hopeless(self, spec: ModelSpec) -> None:
        """Before gigabytes are fetched: what needs more than the limit at its smallest will never fit."""
        kind, total_gb, _ = self._memory()
        allowed_gb = limit_gb(total_gb, self._max_usage_gb)
        if spec.min_vram_gb > allowed_gb:
            raise CapacityError(
                f"The model {spec.key!r} needs {spec.min_vram_gb:g} GB of {kind} at the least and models may take "
                f"{allowed_gb:.1f} GB; use a smaller one or raise MAX_VRAM_USAGE_GB."
            )

    def _make_room(self, slot: Slot, need_gb: float) -> None:
        kind, total_gb, available_gb = self._memory()
        allowed_gb = limit_gb(total_gb, self._max_usage_gb)
        with self._lock:
            loading_gb = sum(other.size_gb for other in self._slots.values() if not other.is_loaded)
            free_gb = room_gb(limit_gb=allowed_gb, used_gb=self.used_gb(), available_gb=available_gb - loading_gb)
            idle = {other.key: other for other in self._slots.values() if other.is_loaded and not other.in_use}
            candidates = [Idle(key=key, size_gb=one.size_gb, last_used=one.turn) for key, one in idle.items()]
            leaving = evictions(candidates, need_gb=need_gb, room_gb=free_gb)
            if leaving is None:
                raise CapacityError(
                    f"The model {slot.spec.key!r} takes {need_gb:.2f} GB; of the {allowed_gb:.2f} GB of {kind} that "
                    f"models may take, {self.used_gb():.2f} GB are taken, and {available_gb:.2f} GB are free at all. "
                    "Use a smaller model or one with fewer bits, or raise MAX_VRAM_USAGE_GB."
                )
            self._counts["evictions"] += len(leaving)
            self._drop([idle[key] for key in leaving])
            slot.size_gb = need_gb
        if leaving:
            _free_memory()

    def _drop(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            del self._slots[slot.key]
            slot.ready.result().close()


def _public(slot: Slot, loaded: Loaded, notes: tuple[str, ...]) -> LoadedModel:
    return LoadedModel(
        model_key=slot.spec.key,
        strategy=slot.strategy.name,
        size_gb=slot.size_gb,
        device=slot.device,
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        notes=notes + loaded.plan.notes,
    )


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
