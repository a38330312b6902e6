"""Keeps runs in memory, under the same rules as the database: for tests, and for a lab that shall leave nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent_lab.contracts.errors import ConflictError, NotFoundError
from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow_ports import PastRun
from agent_lab.contracts.run import RunInfo
from agent_lab.contracts.run_ports import ALL_RUNS, RunFilter
from agent_lab.storage import rules
from agent_lab.storage.rules import Standing, utc_now


@dataclass(slots=True)
class _Kept:
    info: RunInfo
    bodies: list[str] = field(default_factory=list)
    answer: str | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None

    @property
    def standing(self) -> Standing:
        return Standing(
            run_id=self.info.run_id,
            status=self.info.status,
            last_seq=len(self.bodies),
            lease_owner=self.lease_owner,
            lease_until=self.lease_until,
        )


class MemoryRuns:
    """The run store (`contracts.ports.RunStore`) without a disk. No method awaits, so each is one transaction."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._runs: dict[str, _Kept] = {}

    async def create(
        self, run: RunInfo, events: Sequence[RunEvent] = (), *, owner: str | None = None, seconds: float = 0.0
    ) -> Sequence[RunEvent]:
        """Add a run with its first events, held by `owner` where one is given: all of it, or nothing.

        Returns the events numbered. Raises ConflictError where there is a run of that id, and what `append` raises.
        """
        if run.run_id in self._runs:
            raise ConflictError(f"There is a run {run.run_id} already; take another id.")
        kept = _Kept(rules.row_of(run))
        numbered = _append(kept, events)
        if owner is not None:
            kept.lease_owner, kept.lease_until = owner, self._clock() + timedelta(seconds=seconds)
        self._runs[run.run_id] = kept
        return numbered

    async def get(self, run_id: str) -> RunInfo:
        """The run's row. Raises NotFoundError."""
        return self._kept(run_id).info

    async def list(self, *, limit: int, before: str | None = None, only: RunFilter = ALL_RUNS) -> Sequence[RunInfo]:
        """Newest first. Raises NotFoundError where there is no run `before`."""
        rules.check_page(limit)
        mark = None if before is None else _place(self._kept(before).info)
        rows = [
            info
            for info in self._newest_first()
            if (mark is None or _place(info) < mark)
            and only.flow_id in (None, info.flow_id)
            and only.status in (None, info.status)
        ]
        return rows[:limit]

    async def append(self, run_id: str, events: Sequence[RunEvent], *, owner: str) -> Sequence[RunEvent]:
        """Append all events or none; returns them numbered, as they will be read back.

        Raises NotFoundError, ConflictError (the run has ended, or another worker holds it), ValidationError (an event
        that no JSON can hold) and ValueError (a token, a finish without an end, events behind the finish).
        """
        kept = self._kept(run_id)
        kept.standing.check_writable(owner, self._clock())
        return _append(kept, events)

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        """The run's events behind number `after`. Raises NotFoundError."""
        bodies = self._kept(run_id).bodies
        start = max(after, 0)
        return [rules.read_record(run_id, seq, body) for seq, body in enumerate(bodies[start:], start + 1)]

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        """Take or renew the lease for `seconds` from now; False where another holds it or the run has ended."""
        kept, now = self._kept(run_id), self._clock()
        if not kept.standing.claimable(owner, now):
            return False
        kept.lease_owner, kept.lease_until = owner, now + timedelta(seconds=seconds)
        return True

    async def release(self, run_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""
        kept = self._kept(run_id)
        if kept.lease_owner == owner:
            kept.lease_owner = kept.lease_until = None

    async def abandoned(self) -> Sequence[str]:
        """Runs that have not ended and that nobody holds, oldest first."""
        now = self._clock()
        standings = [self._runs[info.run_id].standing for info in reversed(self._newest_first())]
        return [standing.run_id for standing in standings if not standing.ended and not standing.held(now)]

    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]:
        """Of the latest completed runs those whose question shares most words with this one, the most alike first."""
        done = [
            (PastRun(run_id=info.run_id, prompt=info.prompt, answer=answer), info.prompt)
            for info in self._newest_first()
            if info.status == "completed" and (answer := self._runs[info.run_id].answer) is not None
        ]
        return rules.most_alike(prompt, done, limit=limit)

    async def close(self) -> None:
        """Nothing to close: what was kept goes with the object."""

    def _kept(self, run_id: str) -> _Kept:
        if run_id not in self._runs:
            raise NotFoundError(f"There is no run {run_id[:80]!r}; `agent-lab runs list` shows those that there are.")
        return self._runs[run_id]

    def _newest_first(self) -> Sequence[RunInfo]:
        return sorted((kept.info for kept in self._runs.values()), key=_place, reverse=True)


def _place(info: RunInfo) -> tuple[datetime, str]:
    return info.created_at, info.run_id


def _append(kept: _Kept, events: Sequence[RunEvent]) -> Sequence[RunEvent]:
    records = rules.number(events, last_seq=len(kept.bodies))
    numbered = [record.event for record in records]
    change = rules.change_by(numbered)
    kept.bodies += [record.body for record in records]
    if change is not None:
        kept.info = kept.info.model_copy(update={"status": change.status, "finished_at": change.finished_at})
        kept.answer = change.answer
    return numbered
