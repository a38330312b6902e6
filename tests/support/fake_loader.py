"""A loader and its machine without any weights: memory is counted, loads last and fail as the test says."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import Loading, ModelSpec, Residency, StrategySpec
from agent_lab.providers.local.engine import EngineState, Job, Reader
from agent_lab.providers.local.gpu_guard import GB, Capability
from agent_lab.providers.local.host import LocalHost
from agent_lab.providers.local.manager import ModelManager
from agent_lab.providers.local.plan import Device, Footprint, LoadPlan, Placement
from agent_lab.providers.local.residency.slots import Claim
from agent_lab.providers.local.residency.state import Rules
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import load_strategies

STANDARD = StrategySpec(name="standard", description="as it is", loading=Loading())
QUICK = Rules(max_wait_s=0.3, longest_residency_s=0.1, patience_s=0.1, look_again_s=0.05)
PATIENCE_S = 60.0
"""No test waits longer for an event that should come."""


def spec(key: str, *, base: str | None = None, **residency: Any) -> ModelSpec:
    """A row of a local model, or of an adapter."""
    stay = Residency.model_validate(residency)
    return ModelSpec(key=key, provider="local", context_window=512, base=base, residency=stay)


@dataclass
class FakeMachine:
    """Devices whose memory models take and give back. GB."""

    totals: dict[str, float] = field(default_factory=lambda: {"cpu": 20.0})
    taken: dict[str, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)
    owed: dict[str, float] = field(default_factory=dict)
    """What models that are gone have not given back yet."""
    is_late: bool = False
    worst: dict[str, float] = field(default_factory=dict)
    """The most that models ever took."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, placement: Placement, sign: float = 1.0) -> None:
        with self.lock:
            for name, part in placement.items():
                self.taken[name] = self.taken.get(name, 0.0) + sign * part / GB
                self.worst[name] = max(self.worst.get(name, 0.0), self.taken[name])
                if sign < 0 and self.is_late:
                    self.owed[name] = self.owed.get(name, 0.0) + part / GB

    def give_back(self) -> None:
        with self.lock:
            self.owed = {}

    def devices(self) -> Sequence[Device]:
        with self.lock:
            return [
                Device(
                    name=name,
                    total_bytes=int(total * GB),
                    free_bytes=int(
                        (total - sum(held.get(name, 0.0) for held in (self.taken, self.others, self.owed))) * GB
                    ),
                )
                for name, total in self.totals.items()
            ]


@dataclass
class FakeEngine:
    """Says what it is told to say, and remembers what was done to it."""

    is_closed: bool = False
    adapters: list[str] = field(default_factory=list)
    unused_bytes: int = 0
    adapter_error: Exception | None = None
    death: Callable[[], None] | None = None

    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        raise UnusableError("It writes nothing.")

    def add_adapter(self, key: str, folder: Path) -> None:
        if self.adapter_error is not None:
            raise self.adapter_error
        self.adapters.append(key)

    def state(self) -> EngineState:
        return EngineState(active=0, waiting=0, unused_bytes=self.unused_bytes)

    def close(self) -> None:
        self.is_closed = True

    def when_lost(self, call: Callable[[], None]) -> None:
        self.death = call


class FakeModel:
    """No weights. Whether anybody still holds it can be told, as of a real one; else garbage would be looked for."""


@dataclass(eq=False)
class FakeLoaded:
    """In memory until it is closed."""

    plan: LoadPlan
    machine: FakeMachine
    placement: Placement
    engine: FakeEngine = field(default_factory=FakeEngine)
    model: Any = field(default_factory=FakeModel)
    tokenizer: Any = None
    window_tokens: int = 512
    end_ids: tuple[int, ...] = ()
    worker_pid: int | None = None

    def close(self) -> None:
        self.engine.close()
        self.model = None
        self.machine.take(self.placement, -1.0)


@dataclass
class FakePrepared:
    plan: LoadPlan
    weights: Any = None


@dataclass
class FakeLoader:
    """Sizes in GB by key. Every load waits for its gate, where it has one."""

    machine: FakeMachine
    sizes: Mapping[str, float]
    gates: dict[str, threading.Event] = field(default_factory=dict)
    begun: dict[str, threading.Event] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    """Raised by the loads to come, one after the other."""
    prepare_failures: list[Exception] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    tells_on: bool = False
    """Loads tell once more how far they are, behind their gate."""
    loaded: dict[str, FakeLoaded] = field(default_factory=dict)

    def gate(self, key: str) -> threading.Event:
        """Loads of this model wait until it is set; `begun` says that one does."""
        self.begun[key] = threading.Event()
        return self.gates.setdefault(key, threading.Event())

    def prepare(
        self,
        spec: ModelSpec,
        strategy: StrategySpec,
        machine: Capability,
        on_progress: Callable[[LoadProgress], None],
    ) -> Any:
        self.prepared.append(spec.key)
        if self.prepare_failures:
            raise self.prepare_failures.pop(0)
        footprint = Footprint(weights_bytes=int(self.sizes[spec.key] * GB), kv_bytes_per_token=0, margin_bytes=0)
        plan = LoadPlan(
            device="cpu",
            dtype="float32",
            quantised=False,
            attention="sdpa",
            compile=False,
            context_tokens=strategy.loading.context,
            parallel=strategy.loading.parallel,
            footprint=footprint,
        )
        return FakePrepared(plan)

    def load(
        self, spec: ModelSpec, prepared: Any, placement: Placement, on_progress: Callable[[LoadProgress], None]
    ) -> Any:
        self.loads.append(spec.key)
        need_bytes = prepared.plan.need_bytes
        on_progress(LoadProgress(model_key=spec.key, stage="loading", done_bytes=0, total_bytes=need_bytes))
        if spec.key in self.gates:
            self.begun[spec.key].set()
            assert self.gates[spec.key].wait(PATIENCE_S)
        if self.tells_on:
            on_progress(LoadProgress(model_key=spec.key, stage="loading", done_bytes=1, total_bytes=need_bytes))
        if self.failures:
            raise self.failures.pop(0)
        self.machine.take(placement)
        found = self.loaded[spec.key] = FakeLoaded(prepared.plan, self.machine, placement)
        return found

    def adapter_folder(self, spec: ModelSpec) -> Path:
        return Path(spec.model_id)


@dataclass
class Shelf:
    """A manager over such a loader."""

    manager: ModelManager
    host: LocalHost
    loader: FakeLoader
    machine: FakeMachine

    def keys(self) -> list[str]:
        """What is in memory, the least recently used first."""
        return [model.model_key for model in self.manager.resident()]


OPEN: list[Shelf] = []


def shelf(
    sizes: Mapping[str, float],
    *,
    machine: FakeMachine | None = None,
    limit_gb: float | None = None,
    rules: Rules | None = None,
    rows: Sequence[ModelSpec] = (),
) -> Shelf:
    """A manager of models of these sizes (GB); `rows` stand for the plain ones of the same key."""
    machine = machine or FakeMachine()
    loader = FakeLoader(machine, sizes)
    own = {row.key: row for row in rows}
    manager = ModelManager(
        models=ModelRegistry([own.pop(key, None) or spec(key) for key in sizes] + list(own.values())),
        strategies=load_strategies(Path("no such folder")),
        loader=loader,
        max_usage_gb=limit_gb,
        devices=machine.devices,
        machine=lambda: Capability(device="cpu"),
        rules=rules,
    )
    made = Shelf(manager, LocalHost(manager), loader, machine)
    OPEN.append(made)
    return made


def close_all() -> None:
    """End the threads of every shelf that was made."""
    while OPEN:
        made = OPEN.pop()
        made.machine.give_back()
        for gate in made.loader.gates.values():
            gate.set()
        made.manager.close()


def claim(on: Shelf, key: str, patience_s: float = PATIENCE_S) -> Claim:
    """A request for a model, which may be waiting."""
    return on.manager.claim(spec(key), STANDARD, patience_s=patience_s)


def lent(on: Shelf, key: str) -> Claim:
    """Of a model in memory."""
    held = claim(on, key)
    held.slot.result(PATIENCE_S)
    return held


def soon(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does and tells nobody."""
    ends_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends_s
        time.sleep(0.002)
