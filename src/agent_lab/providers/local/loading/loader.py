"""Puts a model's weights into memory with transformers: the one door where its loading errors are translated."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from agent_lab.contracts.errors import AgentLabError, CapacityError, UnusableError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.engine import Engine, EngineState, Job, Reader
from agent_lab.providers.local.files.hub import HubCache, ProgressSink, silent
from agent_lab.providers.local.files.refusals import refuse_templates
from agent_lab.providers.local.files.weights import Weights, inspect, locate
from agent_lab.providers.local.gpu_guard import Capability, devices, import_torch, limit_bytes
from agent_lab.providers.local.letting_go import give_back
from agent_lab.providers.local.loading.checkpoint import Report, end_ids, read_model, read_tokenizer, settle_four_bit
from agent_lab.providers.local.loading.compiling import compiled
from agent_lab.providers.local.loading.footprint import refuse_unreadable
from agent_lab.providers.local.plan import Device, LoadPlan, Placement
from agent_lab.providers.local.strategies import load_plan
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.providers.local.threads import compute_with, default_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A model whose files are checked and whose need of memory is known."""

    weights: Weights
    plan: LoadPlan


@dataclass(slots=True, kw_only=True, eq=False)
class Loaded:
    """A model in memory with what is needed to speak to it."""

    model: Any
    """None where it is in a process of its own, and when it is closed."""
    tokenizer: Any
    engine: Engine
    plan: LoadPlan
    window_tokens: int
    """What the model really reads, prompt and answer together."""
    end_ids: tuple[int, ...]
    worker_pid: int | None = None

    def close(self) -> None:
        """End the engine and let go of the memory; whoever else holds the model holds its memory, too."""
        self.engine.close()
        self.model = None


class Loader(Protocol):
    """Finds and checks a model's files, and loads them."""

    def prepare(
        self, spec: ModelSpec, strategy: StrategySpec, machine: Capability, on_progress: ProgressSink = silent
    ) -> Prepared: ...

    def load(
        self, spec: ModelSpec, prepared: Prepared, placement: Placement, on_progress: ProgressSink = silent
    ) -> Loaded: ...

    def adapter_folder(self, spec: ModelSpec) -> Path: ...


class Opened(Protocol):
    """An engine at work, and what its user should know."""

    @property
    def engine(self) -> Engine: ...

    @property
    def notes(self) -> tuple[str, ...]: ...


OpenEngine = Callable[[str, Any, Any, LoadPlan, Sequence[int]], Opened]
"""(model key, model, tokenizer, plan, end ids): starts what writes the answers."""


class NoEngine:
    """Stands where a model was loaded for other ends than answering. Fulfils `engine.Engine`."""

    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        """Always refused."""
        raise UnusableError("This model was loaded without what writes answers.")

    def add_adapter(self, key: str, folder: Path) -> None:
        """Always refused."""
        raise UnusableError("This model was loaded without what writes answers.")

    def state(self) -> EngineState:
        """Nothing is being done."""
        return EngineState(active=0, waiting=0, unused_bytes=0)

    def close(self) -> None:
        """There is nothing to end."""


# transformers patches its own classes and torch's default type while it builds a model: two loads at once leave
# models without their tied weights, and may leave the patch in place for good.
_ONE_AT_A_TIME = threading.Lock()


class TransformersLoader:
    """Loads safetensors checkpoints with transformers; never code, never pickles, never the network.

    `max_usage_gb`: what models may take of each device. Without `open_engine` the model is loaded and nothing else.
    """

    def __init__(
        self,
        cache: HubCache | Path | None = None,
        templates: Templates | None = None,
        *,
        open_engine: OpenEngine | None = None,
        max_usage_gb: float | None = None,
        devices: Callable[[], Sequence[Device]] = devices,
    ) -> None:
        self._cache = cache
        self._templates = templates
        self._open_engine = open_engine
        self._max_usage_gb = max_usage_gb
        self._devices = devices

    def prepare(
        self, spec: ModelSpec, strategy: StrategySpec, machine: Capability, on_progress: ProgressSink = silent
    ) -> Prepared:
        """Find the files (fetching them where the hub can be reached), check, count and plan.

        Raises UnusableError for files that cannot be used and CapacityError for a model that can never fit.
        """
        weights = inspect(locate(spec, self._cache, on_progress))
        if self._templates is not None:
            refuse_templates(weights.folder, self._templates)
        refuse_unreadable(weights, spec.key, lambda package: importlib.util.find_spec(package) is not None)
        limits = {device.name: limit_bytes(device, self._max_usage_gb) for device in self._devices()}
        return Prepared(weights=weights, plan=load_plan(spec, strategy, machine, weights, limits))

    def load(
        self, spec: ModelSpec, prepared: Prepared, placement: Placement, on_progress: ProgressSink = silent
    ) -> Loaded:
        """Load it onto the devices of the placement.

        Raises CapacityError where memory ran out, what was taken given back, and UnusableError for every other failure.
        """
        import_torch()
        compute_with(default_threads())
        try:
            return self._load(spec, prepared, placement, on_progress)
        except Exception as error:  # noqa: BLE001  (transformers raises whatever a broken file leads it into)
            failure = _told(spec, prepared, error)
        # The frames of the failed load hold what it had read; here they are gone, and so can the memory be.
        give_back()
        raise failure

    def adapter_folder(self, spec: ModelSpec) -> Path:
        """The folder of a LoRA adapter's files, fetched where it is not here yet. Raises UnusableError."""
        return locate(spec, self._cache)

    def _load(self, spec: ModelSpec, prepared: Prepared, placement: Placement, on_progress: ProgressSink) -> Loaded:
        plan, weights = prepared.plan, prepared.weights
        report = Report(spec.key, time.monotonic(), on_progress)
        with _ONE_AT_A_TIME:
            tokenizer = read_tokenizer(weights.folder)
            model = read_model(spec, plan, weights, placement, report)
        ends = end_ids(weights.folder, tokenizer)
        if plan.compile:
            plan = compiled(model, plan)
        engine: Engine = NoEngine()
        if self._open_engine is not None:
            if plan.quantised and plan.device == "cpu":
                settle_four_bit(model)
            opened = self._open_engine(spec.key, model, tokenizer, plan, ends)
            engine, plan = opened.engine, replace(plan, notes=(*plan.notes, *opened.notes))
        return Loaded(
            model=model,
            tokenizer=tokenizer,
            engine=engine,
            plan=plan,
            window_tokens=plan.context_tokens,
            end_ids=ends,
        )


def _told(spec: ModelSpec, prepared: Prepared, error: Exception) -> AgentLabError:
    """The error in words for the user, without the frames that hold on to tensors."""
    import torch

    lines = str(error).strip().splitlines()
    reason = (lines[0] if lines else repr(error))[:200]
    failure: AgentLabError
    if isinstance(error, AgentLabError):
        failure = error
    elif isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        failure = CapacityError(
            said(
                "memory_ran_out_loading",
                "Memory ran out while {model!r} was loaded; unload other models or use a smaller one.",
                model=spec.key,
            )
        )
        failure.__cause__ = error
    else:
        failure = UnusableError(
            said(
                "model_in_not_loaded",
                "The model {model!r} in {folder} cannot be loaded ({reason}); fetch it again or use another model.",
                model=spec.key,
                folder=str(prepared.weights.folder),
                reason=reason,
            )
        )
        failure.__cause__ = error
    _drop_frames(failure)
    return failure


def _drop_frames(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
