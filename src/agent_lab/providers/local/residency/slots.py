"""What the manager keeps of each model that is not absent, and of each request for one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent_lab.contracts.ports import ResidentModel
from agent_lab.contracts.registry import Loading, ModelSpec, StrategySpec
from agent_lab.providers.local.gpu_guard import GB
from agent_lab.providers.local.loading.loader import Loaded, Prepared
from agent_lab.providers.local.plan import Placement
from agent_lab.providers.local.residency.feed import LoadFeed
from agent_lab.providers.local.residency.state import Ticket

SlotKey = tuple[str, Loading]
"""Two strategies that load alike share one copy of the weights."""


@dataclass(slots=True, eq=False, kw_only=True)
class Slot:
    """A model on its way into memory, in it, or on its way out. Changed under the lock of `Residents` alone."""

    spec: ModelSpec
    strategy: StrategySpec
    feed: LoadFeed
    prepared: Prepared | None = None
    loaded: Loaded | None = None
    placement: Placement = field(default_factory=dict)
    taken_bytes: Mapping[str, int] = field(default_factory=dict)
    """By device, what its load has really taken, as far as that can be told."""
    adapters: dict[str, Future[None]] = field(default_factory=dict)
    """LoRA adapters, by the key of their row, each put on once."""
    hits: int = 0
    prepared_s: float = 0.0
    began_s: float = 0.0
    ready_s: float = 0.0
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_used_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when its memory is back."""

    @property
    def key(self) -> SlotKey:
        """What it is found by."""
        return self.spec.key, self.strategy.loading

    @property
    def size_gb(self) -> float:
        """What is reserved for it."""
        return sum(self.placement.values()) / GB

    @property
    def device(self) -> str:
        """The devices that it is on, apart by `+`."""
        return "+".join(sorted(self.placement))

    @property
    def adapter_keys(self) -> tuple[str, ...]:
        """The adapters that can be used."""
        return tuple(
            key for key, done in sorted(self.adapters.copy().items()) if done.done() and done.exception() is None
        )

    def view(self, *, in_use: int, pinned: bool) -> ResidentModel:
        """What others may see of it."""
        return ResidentModel(
            model_key=self.spec.key,
            strategy=self.strategy.name,
            size_gb=self.size_gb,
            loaded_at=self.loaded_at,
            last_used_at=self.last_used_at,
            hits=self.hits,
            in_use=in_use,
            device=self.device,
            pinned=pinned,
            worker_pid=None if self.loaded is None else self.loaded.worker_pid,
            adapters=self.adapter_keys,
            notes=() if self.loaded is None else self.loaded.plan.notes,
        )

    def anew(self) -> Slot:
        """The same model before it is prepared; whoever listens goes on listening."""
        return Slot(spec=self.spec, strategy=self.strategy, feed=self.feed)

    def shares_s(self, asked_s: float, granted_s: float) -> tuple[float, float]:
        """Of a request's wait: the seconds for files and loading, and those for room or for its turn."""
        if self.ready_s <= asked_s:
            return 0.0, granted_s - asked_s
        room_s = max(0.0, self.began_s - max(asked_s, self.prepared_s))
        return self.ready_s - asked_s - room_s, room_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request for a model. Whoever made it releases its ticket, or cancels it, whatever became of it."""

    ticket: Ticket
    spec: ModelSpec
    """The model asked for: the slot's own, or an adapter on it."""
    slot: Future[Slot]
    """Done when the model may be used, or with the reason why not."""
    feed: LoadFeed
    """How far its model is on the way into memory."""
    cache_hit: bool
    asked_s: float
