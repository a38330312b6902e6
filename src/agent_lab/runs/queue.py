"""Says which runs may begin: so many at once, so many of each caller, in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.run_ports import Queued


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """How many runs go on at once in one process, and how many may wait."""

    at_once: int = 64
    waiting: int = 1000
    of_caller: Callable[[str], int | None] = lambda _: None
    """How many runs of that caller go on at once at the most; None: no bound of its own."""
    waiting_of_caller: Callable[[str], int | None] = lambda _: None
    """How many runs of that caller may wait at the most; None: no bound of its own."""

    def may_begin(self, caller: str, going: Mapping[str, int]) -> bool:
        """Whether one more run of that caller may begin, beside those that are going on (by caller)."""
        most = self.of_caller(caller)
        return sum(going.values()) < self.at_once and (most is None or going.get(caller, 0) < most)

    def next(self, queued: Sequence[Queued], going: Mapping[str, int]) -> Queued | None:
        """Of the queued runs (oldest first) the one that may begin now. A caller at its bound lets others pass."""
        full: set[str] = set()
        for run in queued:
            if run.caller not in full and self.may_begin(run.caller, going):
                return run
            full.add(run.caller)
        return None

    def why_full(self, caller: str, ahead: int, own: int) -> str | None:
        """Why one more run of that caller may not wait behind `ahead` others, `own` of them its; None where it may."""
        if ahead >= self.waiting:
            return f"{ahead:,} runs are waiting for their turn already; try again later."
        most = self.waiting_of_caller(caller)
        if most is None or own < most:
            return None
        if not most:
            return f"As many runs go on as may at once, and none of the access key {caller!r} may wait; try later."
        return f"The access key {caller!r} may have {most:,} of its runs waiting, and has {own:,}; try again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """Runs by state, and the bounds of this process."""

    queued: int
    running: int
    waiting: int
    paused: int
    active: int
    """Those that this process works on."""
    limit: int
    queue_limit: int
