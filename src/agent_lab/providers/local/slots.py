"""A model's place in memory: who waits for it, who uses it, and when it was used last."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent_lab.contracts.ports import ResidentModel
from agent_lab.contracts.registry import Loading, ModelSpec, StrategySpec
from agent_lab.providers.local.loader import Loaded

SlotKey = tuple[str, Loading]
"""Two strategies that load alike share one copy of the weights."""


def _running() -> Future[Loaded]:
    future: Future[Loaded] = Future()
    # A future that runs cannot be cancelled by one of those that wait for it.
    future.set_running_or_notify_cancel()
    return future


@dataclass(slots=True, eq=False)
class Slot:
    """Changed only under the manager's lock."""

    spec: ModelSpec
    strategy: StrategySpec
    in_use: int = 0
    hits: int = 0
    size_gb: float = 0.0
    device: str = ""
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_used_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    turn: int = 0
    """Grows with each use of any slot; times may be equal, turns are not."""
    ready: Future[Loaded] = field(default_factory=_running)

    @property
    def key(self) -> SlotKey:
        return (self.spec.key, self.strategy.loading)

    @property
    def is_loaded(self) -> bool:
        return self.ready.done()

    def view(self) -> ResidentModel:
        """What others may see of it."""
        return ResidentModel(
            model_key=self.spec.key,
            strategy=self.strategy.name,
            size_gb=self.size_gb,
            loaded_at=self.loaded_at,
            last_used_at=self.last_used_at,
            hits=self.hits,
            in_use=self.in_use,
            device=self.device,
        )
