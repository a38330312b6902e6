"""Keeps runs in a SQL database: each append is durable, and the list of runs follows the events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow_ports import PastRun
from agent_lab.contracts.run import TERMINAL, RunInfo, RunStatus
from agent_lab.contracts.run_ports import ALL_RUNS, Held, Order, Queued, RunFilter
from agent_lab.storage import rules, run_rows
from agent_lab.storage.appends import Appends
from agent_lab.storage.database import Database, insert_or_leave
from agent_lab.storage.rules import utc_now
from agent_lab.storage.run_rows import INFO
from agent_lab.storage.tables import EVENTS, ORDERS, RUNS

_NEWEST_FIRST = (RUNS.c.created_at.desc(), RUNS.c.run_id.desc())
_OLDEST_FIRST = (RUNS.c.created_at, RUNS.c.run_id)


class SqlRuns:
    """The run store (`contracts.run_ports.RunStore`) on a database, which it closes with itself."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._appends = Appends(database, clock=clock)

    async def create(
        self,
        run: RunInfo,
        events: Sequence[RunEvent] = (),
        *,
        owner: str | None = None,
        seconds: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Sequence[RunEvent]:
        """Add a run with its first events, held by `owner` where one is given: all in one transaction, or nothing.

        Returns the events numbered. Raises ConflictError for an id or a key that is taken, and what `append` raises.
        """
        key = None if idempotency_key is None else rules.key_of(idempotency_key)
        row = rules.row_of(run).model_dump(include=set(rules.STORED)) | {"idempotency_key": key}
        if owner is not None:
            row |= {"lease_owner": owner, "lease_until": self._clock() + timedelta(seconds=seconds)}

        def work(connection: Connection) -> Sequence[RunEvent]:
            if not insert_or_leave(connection, RUNS, row):
                taken = run_rows.known(connection, run.run_id) or key is None
                raise rules.taken_run(run.run_id) if taken else rules.taken_key(key or "")
            return run_rows.append(connection, run.run_id, events, last_seq=0)

        return await self._database.write(work)

    async def get(self, run_id: str) -> RunInfo:
        """The run's row. Raises NotFoundError."""

        def work(connection: Connection) -> RunInfo:
            row = connection.execute(select(*INFO).where(RUNS.c.run_id == run_id)).one_or_none()
            if row is None:
                raise rules.unknown_run(run_id)
            return run_rows.info(row)

        return await self._database.read(work)

    async def by_key(self, idempotency_key: str) -> RunInfo | None:
        """The run that was started under that key."""
        query = select(*INFO).where(RUNS.c.idempotency_key == rules.key_of(idempotency_key))

        def work(connection: Connection) -> RunInfo | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else run_rows.info(row)

        return await self._database.read(work)

    async def list(self, *, limit: int, before: str | None = None, only: RunFilter = ALL_RUNS) -> Sequence[RunInfo]:
        """Newest first. Raises NotFoundError where there is no run `before`."""
        rules.check_page(limit)
        query = select(*INFO).where(*run_rows.passing(rules.filter_of(only))).order_by(*_NEWEST_FIRST).limit(limit)

        def work(connection: Connection) -> Sequence[RunInfo]:
            page = query if before is None else query.where(run_rows.older_than(connection, before))
            return [run_rows.info(row) for row in connection.execute(page)]

        return await self._database.read(work)

    async def counts(self, caller: str | None = None) -> Mapping[RunStatus, int]:
        """How many runs there are in each state that is no end; with a caller, how many of that caller's."""
        query = select(RUNS.c.status, func.count()).where(RUNS.c.status.in_(rules.GOING_ON)).group_by(RUNS.c.status)
        if caller is not None:
            query = query.where(RUNS.c.caller == caller)

        def work(connection: Connection) -> Mapping[RunStatus, int]:
            found = {row[0]: row[1] for row in connection.execute(query)}
            return {status: found.get(status, 0) for status in rules.GOING_ON}

        return await self._database.read(work)

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
    ) -> Sequence[RunEvent]:
        """Append all events or none; returns them numbered, as they will be read back.

        Raises NotFoundError, ConflictError (the run has ended, another worker holds it, or its last event is not
        number `after`), ValidationError (an event that no JSON can hold) and ValueError (a token, a finish without an
        end, events behind the finish).
        """
        return await self._appends.append(run_id, events, owner=owner, after=after)

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        """The run's events behind number `after`. Raises NotFoundError."""
        query = select(EVENTS.c.seq, EVENTS.c.body).where(EVENTS.c.run_id == run_id, EVENTS.c.seq > after)

        def work(connection: Connection) -> Sequence[RunEvent]:
            rows = connection.execute(query.order_by(EVENTS.c.seq)).all()
            if not rows and not run_rows.known(connection, run_id):
                raise rules.unknown_run(run_id)
            return [rules.read_record(run_id, row.seq, row.body) for row in rows]

        return await self._database.read(work)

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        """Take or renew the lease for `seconds` from now; False where another holds it or the run has ended."""

        def work(connection: Connection) -> bool:
            now = self._clock()
            if not run_rows.standing(connection, run_id).claimable(owner, now):
                return False
            run_rows.set_lease(connection, run_id, owner, now + timedelta(seconds=seconds))
            return True

        return await self._database.write(work)

    async def release(self, run_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""

        def work(connection: Connection) -> None:
            if run_rows.standing(connection, run_id).lease_owner == owner:
                run_rows.set_lease(connection, run_id, None, None)

        await self._database.write(work)

    async def abandoned(self) -> Sequence[str]:
        """Runs that are `running` and that nobody holds, oldest first."""
        free = run_rows.free(self._clock())
        query = select(RUNS.c.run_id).where(RUNS.c.status == "running", free).order_by(*_OLDEST_FIRST)
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def held(self) -> Sequence[Held]:
        """Every lease that was not given back, oldest run first."""
        columns = (RUNS.c.run_id, RUNS.c.lease_owner, RUNS.c.status, RUNS.c.lease_until)
        query = select(*columns).where(RUNS.c.lease_owner.is_not(None)).order_by(*_OLDEST_FIRST)
        now = self._clock()

        def work(connection: Connection) -> Sequence[Held]:
            return [
                Held(
                    run_id=row.run_id, owner=row.lease_owner, ended=row.status in TERMINAL, over=row.lease_until <= now
                )
                for row in connection.execute(query)
            ]

        return await self._database.read(work)

    async def queued(self, *, limit: int) -> Sequence[Queued]:
        """Runs that are `queued` and that nobody holds, oldest first."""
        rules.check_page(limit)
        free = run_rows.free(self._clock())
        columns = (RUNS.c.run_id, RUNS.c.caller)
        query = select(*columns).where(RUNS.c.status == "queued", free).order_by(*_OLDEST_FIRST).limit(limit)
        return await self._database.read(
            lambda connection: [Queued(run_id=row.run_id, caller=row.caller) for row in connection.execute(query)]
        )

    async def order(self, order: Order) -> Order:
        """Keep it; returns it with its number. Raises NotFoundError, ConflictError where the run has ended, and
        BusyError where too many wait."""

        def work(connection: Connection) -> Order:
            run_rows.standing(connection, order.run_id).check_going_on()
            count = select(func.count()).select_from(ORDERS).where(ORDERS.c.run_id == order.run_id)
            kept = rules.order_of(order, waiting=connection.execute(count).scalar_one())
            row = {name: getattr(kept, name) for name in ("run_id", "kind", "node", "visit", "text")}
            number = connection.execute(insert(ORDERS).values(row).returning(ORDERS.c.number)).scalar_one()
            return replace(kept, number=number)

        return await self._database.write(work)

    async def orders(self, *, owner: str) -> Sequence[Order]:
        """Those of runs that `owner` holds or nobody does, oldest first."""
        mine = or_(RUNS.c.lease_owner == owner, run_rows.free(self._clock()))
        query = select(ORDERS).join(RUNS).where(mine).order_by(ORDERS.c.number).limit(rules.ORDERS_AT_ONCE)
        return await self._database.read(
            lambda connection: [Order(**row._mapping) for row in connection.execute(query)]
        )

    async def settle(self, numbers: Sequence[int]) -> None:
        """They were followed, or never can be."""
        if numbers:
            gone = delete(ORDERS).where(ORDERS.c.number == bindparam("settled"))
            settled = [{"settled": number} for number in numbers]
            await self._database.write(lambda connection: connection.execute(gone, settled))

    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]:
        """Of the latest completed runs those whose question shares most words with this one, the most alike first."""

        def work(connection: Connection) -> Sequence[PastRun]:
            heads = [(row.run_id, row.head) for row in connection.execute(run_rows.latest_completed())]
            chosen = rules.most_alike(prompt, heads, limit=limit)
            query = select(RUNS.c.run_id, RUNS.c.prompt, RUNS.c.answer).where(RUNS.c.run_id.in_(chosen))
            found = {row.run_id: PastRun(**row._mapping) for row in connection.execute(query)}
            return [found[run_id] for run_id in chosen]

        return await self._database.read(work)

    async def close(self) -> None:
        """Close the database; the write in progress ends first."""
        await self._appends.close()
        await self._database.close()
