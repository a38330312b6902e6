"""Keeps runs in a SQL database: each append is one durable transaction, and the list of runs follows the events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agent_lab.contracts.errors import ConflictError, NotFoundError
from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow_ports import PastRun
from agent_lab.contracts.run import TERMINAL, RunInfo
from agent_lab.contracts.run_ports import ALL_RUNS, RunFilter
from agent_lab.storage import rules
from agent_lab.storage.database import Database
from agent_lab.storage.rules import Standing, utc_now
from agent_lab.storage.tables import EVENTS, RUNS

_INFO = [RUNS.c[name] for name in RunInfo.model_fields]


class SqlRuns:
    """The run store (`contracts.ports.RunStore`) on a database, which it closes with itself."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, run: RunInfo, events: Sequence[RunEvent] = (), *, owner: str | None = None, seconds: float = 0.0
    ) -> Sequence[RunEvent]:
        """Add a run with its first events, held by `owner` where one is given: all in one transaction, or nothing.

        Returns the events numbered. Raises ConflictError where there is a run of that id, and what `append` raises.
        """
        row = rules.row_of(run)

        async def work(connection: AsyncConnection) -> Sequence[RunEvent]:
            if await _exists(connection, run.run_id):
                raise ConflictError(f"There is a run {run.run_id} already; take another id.")
            await connection.execute(insert(RUNS).values(row.model_dump()))
            numbered = await _append(connection, run.run_id, events, last_seq=0)
            if owner is not None:
                await _set_lease(connection, run.run_id, owner, self._clock() + timedelta(seconds=seconds))
            return numbered

        return await self._database.write(work)

    async def get(self, run_id: str) -> RunInfo:
        """The run's row. Raises NotFoundError."""

        async def work(connection: AsyncConnection) -> RunInfo:
            row = (await connection.execute(select(*_INFO).where(RUNS.c.run_id == run_id))).one_or_none()
            if row is None:
                raise _unknown(run_id)
            return _info(row)

        return await self._database.read(work)

    async def list(self, *, limit: int, before: str | None = None, only: RunFilter = ALL_RUNS) -> Sequence[RunInfo]:
        """Newest first. Raises NotFoundError where there is no run `before`."""
        rules.check_page(limit)
        query = select(*_INFO).order_by(RUNS.c.created_at.desc(), RUNS.c.run_id.desc()).limit(limit)
        if only.flow_id is not None:
            query = query.where(RUNS.c.flow_id == only.flow_id)
        if only.status is not None:
            query = query.where(RUNS.c.status == only.status)

        async def work(connection: AsyncConnection) -> Sequence[RunInfo]:
            page = query if before is None else query.where(await _older_than(connection, before))
            return [_info(row) for row in await connection.execute(page)]

        return await self._database.read(work)

    async def append(self, run_id: str, events: Sequence[RunEvent], *, owner: str) -> Sequence[RunEvent]:
        """Append all events or none; returns them numbered, as they will be read back.

        Raises NotFoundError, ConflictError (the run has ended, or another worker holds it), ValidationError (an event
        that no JSON can hold) and ValueError (a token, a finish without an end, events behind the finish).
        """

        async def work(connection: AsyncConnection) -> Sequence[RunEvent]:
            standing = await _standing(connection, run_id)
            standing.check_writable(owner, self._clock())
            return await _append(connection, run_id, events, last_seq=standing.last_seq)

        return await self._database.write(work)

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        """The run's events behind number `after`. Raises NotFoundError."""
        query = select(EVENTS.c.seq, EVENTS.c.body).where(EVENTS.c.run_id == run_id, EVENTS.c.seq > after)

        async def work(connection: AsyncConnection) -> Sequence[Any]:
            rows = (await connection.execute(query.order_by(EVENTS.c.seq))).all()
            if not rows and not await _exists(connection, run_id):
                raise _unknown(run_id)
            return rows

        return [rules.read_record(run_id, row.seq, row.body) for row in await self._database.read(work)]

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        """Take or renew the lease for `seconds` from now; False where another holds it or the run has ended."""

        async def work(connection: AsyncConnection) -> bool:
            now = self._clock()
            if not (await _standing(connection, run_id)).claimable(owner, now):
                return False
            await _set_lease(connection, run_id, owner, now + timedelta(seconds=seconds))
            return True

        return await self._database.write(work)

    async def release(self, run_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""

        async def work(connection: AsyncConnection) -> None:
            if (await _standing(connection, run_id)).lease_owner == owner:
                await _set_lease(connection, run_id, None, None)

        await self._database.write(work)

    async def abandoned(self) -> Sequence[str]:
        """Runs that have not ended and that nobody holds, oldest first."""
        free = or_(RUNS.c.lease_until.is_(None), RUNS.c.lease_until <= self._clock())
        query = select(RUNS.c.run_id).where(RUNS.c.status.not_in(TERMINAL), free)

        async def work(connection: AsyncConnection) -> Sequence[str]:
            ordered = query.order_by(RUNS.c.created_at, RUNS.c.run_id)
            return list((await connection.execute(ordered)).scalars())

        return await self._database.read(work)

    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]:
        """Of the latest completed runs those whose question shares most words with this one, the most alike first."""

        async def work(connection: AsyncConnection) -> Sequence[PastRun]:
            heads = [(row.run_id, row.head) for row in await connection.execute(_latest_completed())]
            chosen = rules.most_alike(prompt, heads, limit=limit)
            query = select(RUNS.c.run_id, RUNS.c.prompt, RUNS.c.answer).where(RUNS.c.run_id.in_(chosen))
            found = {row.run_id: PastRun(**row._mapping) for row in await connection.execute(query)}
            return [found[run_id] for run_id in chosen]

        return await self._database.read(work)

    async def close(self) -> None:
        """Close the database; the write in progress ends first."""
        await self._database.close()


def _unknown(run_id: str) -> NotFoundError:
    return NotFoundError(f"There is no run {run_id[:80]!r}; `agent-lab runs list` shows those that there are.")


def _info(row: Any) -> RunInfo:
    return RunInfo.model_validate(dict(row._mapping))


async def _exists(connection: AsyncConnection, run_id: str) -> bool:
    return bool((await connection.execute(select(exists().where(RUNS.c.run_id == run_id)))).scalar())


async def _append(
    connection: AsyncConnection, run_id: str, events: Sequence[RunEvent], *, last_seq: int
) -> Sequence[RunEvent]:
    records = rules.number(events, last_seq=last_seq)
    numbered = [record.event for record in records]
    change = rules.change_by(numbered)
    if records:
        await connection.execute(insert(EVENTS), [_event_row(run_id, record) for record in records])
    if change is not None:
        await connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(asdict(change)))
    return numbered


async def _older_than(connection: AsyncConnection, run_id: str) -> Any:
    mark = (await connection.execute(select(RUNS.c.created_at).where(RUNS.c.run_id == run_id))).scalar()
    if mark is None:
        raise _unknown(run_id)
    return tuple_(RUNS.c.created_at, RUNS.c.run_id) < tuple_(mark, run_id)


async def _standing(connection: AsyncConnection, run_id: str) -> Standing:
    last_seq = select(func.coalesce(func.max(EVENTS.c.seq), 0)).where(EVENTS.c.run_id == run_id).scalar_subquery()
    columns = [RUNS.c.run_id, RUNS.c.status, RUNS.c.lease_owner, RUNS.c.lease_until, last_seq.label("last_seq")]
    # FOR UPDATE keeps two workers apart where a database has more than one writer; SQLite leaves it out.
    query = select(*columns).where(RUNS.c.run_id == run_id).with_for_update(of=RUNS)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _unknown(run_id)
    return Standing(**row._mapping)


async def _set_lease(connection: AsyncConnection, run_id: str, owner: str | None, until: datetime | None) -> None:
    values = {"lease_owner": owner, "lease_until": until}
    await connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(values))


def _event_row(run_id: str, record: rules.Record) -> dict[str, object]:
    return {"run_id": run_id, "seq": record.event.seq, "type": record.event.type, "body": record.body}


def _latest_completed() -> Select[Any]:
    head = func.substr(RUNS.c.prompt, 1, rules.SIMILAR_CHARS).label("head")
    done = select(RUNS.c.run_id, head).where(RUNS.c.status == "completed", RUNS.c.answer.is_not(None))
    return done.order_by(RUNS.c.created_at.desc(), RUNS.c.run_id.desc()).limit(rules.SIMILAR_AMONG)
