"""Appends events of many runs in few transactions: whatever waits while one goes on shares the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, update

from agent_lab.contracts.events import RunEvent
from agent_lab.storage import rules, run_rows
from agent_lab.storage.database import Database, to_its_end
from agent_lab.storage.rules import Change, Standing
from agent_lab.storage.tables import EVENTS, RUNS

AT_ONCE = 256
"""Appends that share a transaction at most, so that other writes come in between."""

_NAMED = RUNS.c.run_id == bindparam("named")
_CHANGED = ("status", "finished_at", "answer", "calls", "cost_usd", "seconds")
_COUNT = update(RUNS).where(_NAMED).values(last_seq=bindparam("last_seq"))
_CHANGE = update(RUNS).where(_NAMED).values({name: bindparam(name) for name in _CHANGED})
_ADD = insert(EVENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An append that waits, and who waits for it."""

    run_id: str
    events: Sequence[RunEvent]
    owner: str
    after: int | None
    outcome: asyncio.Future[Sequence[RunEvent]]


@dataclass(slots=True)
class Batch:
    """What a transaction will write, worked out from how the runs stand; an append that is refused adds nothing."""

    standings: dict[str, Standing]
    now: datetime
    records: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    changes: list[dict[str, object]] = field(default_factory=list)
    models: list[dict[str, object]] = field(default_factory=list)

    def take(self, run_id: str, events: Sequence[RunEvent], owner: str, after: int | None = None) -> Sequence[RunEvent]:
        """Add an append; returns its events numbered. Raises whatever refuses it."""
        standing = self.standings.get(run_id)
        if standing is None:
            raise rules.unknown_run(run_id)
        standing.check_writable(owner, self.now, after)
        records = rules.number(events, last_seq=standing.last_seq)
        numbered = [record.event for record in records]
        change = rules.change_by(numbered)
        if records:
            self._note(standing, records, change)
            self.models += run_rows.model_rows(run_id, numbered)
        return numbered

    def _note(self, standing: Standing, records: Sequence[rules.Record], change: Change | None) -> None:
        run_id, last_seq = standing.run_id, records[-1].event.seq
        self.records += [run_rows.event_row(run_id, record) for record in records]
        self.counts[run_id] = last_seq
        if change is not None:
            self.changes.append({"named": run_id, **asdict(change)})
        status = standing.status if change is None else change.status
        self.standings[run_id] = replace(standing, last_seq=last_seq, status=status)

    def write(self, connection: Connection) -> None:
        """Put it into the tables, in a statement each."""
        if self.records:
            connection.execute(_ADD, self.records)
            connection.execute(_COUNT, [{"named": run_id, "last_seq": seq} for run_id, seq in self.counts.items()])
        if self.changes:
            connection.execute(_CHANGE, self.changes)
        run_rows.add_models(connection, self.models)


class Appends:
    """The queue of appends before a database."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[Asked] = deque()
        self._going_on: asyncio.Task[None] | None = None

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
    ) -> Sequence[RunEvent]:
        """Append all events or none; returns them numbered, once they are on the disk.

        Finished also when the caller is cancelled. Raises what refuses this append, and what kept the transaction that
        it was in from the disk.
        """
        outcome: asyncio.Future[Sequence[RunEvent]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Asked(run_id=run_id, events=events, owner=owner, after=after, outcome=outcome))
        if self._going_on is None:
            self._going_on = asyncio.create_task(self._work_off())
        return await to_its_end(outcome)

    async def close(self) -> None:
        """Return when nothing waits any more."""
        while self._going_on is not None:
            await asyncio.wait([self._going_on])

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                await self._together([self._waiting.popleft() for _ in range(min(len(self._waiting), AT_ONCE))])
        finally:
            self._going_on = None
            while self._waiting:  # the loop ends, and those who wait with it
                self._waiting.popleft().outcome.cancel()

    async def _together(self, batch: Sequence[Asked]) -> None:
        try:
            outcomes = await self._database.write(lambda connection: self._write(connection, batch))
        except Exception as error:  # noqa: BLE001 -- it kept all of them from the disk, and each caller is told
            outcomes = [error] * len(batch)
        except asyncio.CancelledError:
            for asked in batch:
                asked.outcome.cancel()
            raise
        for asked, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                asked.outcome.set_exception(outcome)
            else:
                asked.outcome.set_result(outcome)

    def _write(self, connection: Connection, batch: Sequence[Asked]) -> Sequence[Sequence[RunEvent] | Exception]:
        names = sorted({asked.run_id for asked in batch})
        sheet = Batch(run_rows.standings(connection, names), self._clock())
        outcomes: list[Sequence[RunEvent] | Exception] = []
        for asked in batch:
            try:
                outcomes.append(sheet.take(asked.run_id, asked.events, asked.owner, asked.after))
            except Exception as error:  # noqa: BLE001 -- whatever is wrong with this one, the others are written
                outcomes.append(error)
        sheet.write(connection)
        return outcomes
