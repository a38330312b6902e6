"""Keeps flows and all their versions in the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.flow_ports import FlowVersion, NewVersion, StoredFlow, VersionRow
from agent_lab.contracts.sentences import said
from agent_lab.storage import flow_rules as rules
from agent_lab.storage.database import Database
from agent_lab.storage.flow_rules import Kept
from agent_lab.storage.rules import utc_now
from agent_lab.storage.tables import FLOW_VERSIONS, FLOWS, RUNS

Clock = Callable[[], datetime]
_ROW = [column for column in FLOW_VERSIONS.c if column.name != "document"]


class SqlFlows:
    """The flow store (`contracts.flow_ports.FlowStore`) on a database that others use too, and close."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def list(self) -> Sequence[StoredFlow]:
        """Those that are not deleted, by id."""
        query = select(FLOWS).where(FLOWS.c.deleted.is_(False)).order_by(FLOWS.c.flow_id)
        return await self._database.read(lambda connection: [_flow(row) for row in connection.execute(query)])

    async def get(self, flow_id: str) -> StoredFlow | None:
        """The flow; None where there is none, or it is deleted."""
        kept = await self._database.read(lambda connection: _kept(connection, flow_id))
        return None if kept is None or kept.deleted else kept.flow

    async def version(self, flow_id: str, number: int) -> FlowVersion | None:
        """One version, also of a deleted flow."""
        table = FLOW_VERSIONS.c
        query = select(FLOW_VERSIONS).where(table.flow_id == flow_id, table.number == number)

        def work(connection: Connection) -> FlowVersion | None:
            row = connection.execute(query).first()
            return None if row is None else FlowVersion(**row._asdict() | {"document": json.loads(row.document)})

        return await self._database.read(work)

    async def versions(self, flow_id: str, *, limit: int, before: int | None = None) -> Sequence[VersionRow]:
        """Newest first, without their documents."""
        table = FLOW_VERSIONS.c
        query = (
            select(*_ROW)
            .where(table.flow_id == flow_id, *([] if before is None else [table.number < before]))
            .order_by(table.number.desc())
            .limit(max(limit, 0))
        )
        return await self._database.read(
            lambda connection: [VersionRow(**row._asdict()) for row in connection.execute(query)]
        )

    async def add(self, flow_id: str, versions: Sequence[NewVersion], *, published: int | None = None) -> StoredFlow:
        """Add a flow with its versions in one transaction. Raises ConflictError for a flow that exists."""
        now = self._clock()

        def work(connection: Connection) -> StoredFlow:
            kept = _kept(connection, flow_id, lock=True)
            flow = rules.added(kept, flow_id, len(versions), published, now)
            _write(connection, flow, new=kept is None)
            _keep(connection, rules.numbered(flow_id, versions, flow.newest - len(versions) + 1, now))
            return flow

        try:
            return await self._database.write(work)
        except IntegrityError as error:  # PostgreSQL: somebody else added it at this moment
            raise ConflictError(
                said("stored_flow_taken", "There is a stored flow {flow!r} already; take another id.", flow=flow_id)
            ) from error

    async def save(self, flow_id: str, version: NewVersion, *, expected: int | None = None) -> StoredFlow:
        """Add a version, unless the newest one has that hash. Raises NotFoundError, StaleError."""
        now = self._clock()

        def work(connection: Connection) -> StoredFlow:
            flow = rules.living(_kept(connection, flow_id, lock=True), flow_id, expected)
            newest = _newest(connection, flow)
            if rules.same(newest, version):
                return flow
            if rules.overtaken(newest, version) and not _was_run(connection, newest):
                _drop(connection, newest)
            saved = rules.next_version(flow, now)
            _write(connection, saved)
            _keep(connection, rules.numbered(flow_id, [version], saved.newest, now))
            return saved

        return await self._database.write(work)

    async def publish(self, flow_id: str, number: int | None, *, expected: int | None = None) -> StoredFlow:
        """Make a version the published one; None withdraws it. Raises NotFoundError, StaleError."""
        now = self._clock()

        def work(connection: Connection) -> StoredFlow:
            living = rules.living(_kept(connection, flow_id, lock=True), flow_id, expected)
            flow = rules.published(living, number, now, there=_hold(connection, flow_id, number))
            _write(connection, flow)
            return flow

        return await self._database.write(work)

    async def delete(self, flow_id: str, *, expected: int | None = None) -> None:
        """Take the flow away; its versions stay. Raises NotFoundError, StaleError."""
        now = self._clock()

        def work(connection: Connection) -> None:
            flow = rules.living(_kept(connection, flow_id, lock=True), flow_id, expected)
            _write(connection, rules.gone(flow, now), deleted=True)

        await self._database.write(work)


def _kept(connection: Connection, flow_id: str, *, lock: bool = False) -> Kept | None:
    query = select(FLOWS).where(FLOWS.c.flow_id == flow_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Kept(flow=_flow(row), deleted=row.deleted)


def _flow(row: Row[Any]) -> StoredFlow:
    columns = row._asdict()
    del columns["deleted"]
    return StoredFlow(**columns)


def _newest(connection: Connection, flow: StoredFlow) -> VersionRow:
    query = select(*_ROW).where(*_is(flow.flow_id, flow.newest))
    return VersionRow(**connection.execute(query).one()._asdict())


def _is(flow_id: str, number: int | None) -> tuple[ColumnElement[bool], ...]:
    return FLOW_VERSIONS.c.flow_id == flow_id, FLOW_VERSIONS.c.number == number


def _was_run(connection: Connection, version: VersionRow) -> bool:
    named = exists().where(RUNS.c.flow_id == version.flow_id, RUNS.c.flow_version == version.number)
    return bool(connection.execute(select(named)).scalar())


def _drop(connection: Connection, version: VersionRow) -> None:
    connection.execute(delete(FLOW_VERSIONS).where(*_is(version.flow_id, version.number)))


def _hold(connection: Connection, flow_id: str, number: int | None) -> bool:
    """Keep a version for good, whoever saved it; False where it is not there."""
    held = update(FLOW_VERSIONS).where(*_is(flow_id, number)).values(autosaved=False)
    return number is not None and connection.execute(held).rowcount == 1


def _write(connection: Connection, flow: StoredFlow, *, new: bool = False, deleted: bool = False) -> None:
    values = {
        "newest": flow.newest,
        "published": flow.published,
        "revision": flow.revision,
        "updated_at": flow.updated_at,
        "deleted": deleted,
    }
    if new:
        connection.execute(insert(FLOWS).values(flow_id=flow.flow_id, **values))
    else:
        connection.execute(update(FLOWS).where(FLOWS.c.flow_id == flow.flow_id).values(**values))


def _keep(connection: Connection, versions: Sequence[FlowVersion]) -> None:
    for version in versions:
        connection.execute(
            insert(FLOW_VERSIONS).values(
                flow_id=version.flow_id,
                number=version.number,
                flow_hash=version.flow_hash,
                document=json.dumps(version.document),  # the order of its fields is its author's
                note=version.note,
                created_at=version.created_at,
                autosaved=version.autosaved,
            )
        )
