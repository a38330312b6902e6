"""Keeps evaluations, their questions and their answers in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, tuple_, update

from agent_lab.contracts.evaluation import ENDED, ArmOrigin, Cell, EvaluationInfo, Item
from agent_lab.storage import evaluation_rules as rules
from agent_lab.storage.database import Database, insert_into
from agent_lab.storage.rules import utc_now
from agent_lab.storage.tables import EVALUATION_CELLS, EVALUATION_ITEMS, EVALUATION_ORIGINS, EVALUATIONS

_TABLE = EVALUATIONS.c


class SqlEvaluations:
    """The store (`contracts.evaluation_ports.EvaluationStore`) on a database that others use too, and close."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def create(self, info: EvaluationInfo, items: Sequence[Item]) -> None:
        """Add it with its items, all of it or nothing."""
        rows = [
            {"evaluation_id": info.evaluation_id, "number": number, "body": rules.items_body(part)}
            for number, part in rules.parts(items)
        ]
        row = {
            "evaluation_id": info.evaluation_id,
            "created_at": info.created_at,
            "status": info.status,
            "body": rules.info_body(info),
        }

        def work(connection: Connection) -> None:
            connection.execute(insert(EVALUATIONS), row)
            if rows:
                connection.execute(insert(EVALUATION_ITEMS), rows)

        await self._database.write(work)

    async def get(self, evaluation_id: str) -> EvaluationInfo:
        """Raises NotFoundError."""
        query = select(_TABLE.body).where(_TABLE.evaluation_id == evaluation_id)
        body = await self._database.read(lambda connection: connection.execute(query).scalar())
        if body is None:
            raise rules.unknown_evaluation(evaluation_id)
        return _info(body, evaluation_id)

    async def items(self, evaluation_id: str) -> Sequence[Item]:
        """In the order in which they are asked. Raises NotFoundError."""
        table = EVALUATION_ITEMS.c
        query = select(table.body).where(table.evaluation_id == evaluation_id).order_by(table.number)

        def work(connection: Connection) -> list[Item]:
            _check(connection, evaluation_id)
            bodies = connection.execute(query).scalars()
            return [item for body in bodies for item in rules.read_items(body, what=_what(evaluation_id))]

        return await self._database.read(work)

    async def list(self, *, limit: int = 50, before: str | None = None) -> Sequence[EvaluationInfo]:
        """The newest first. Raises NotFoundError where there is none `before`."""
        order = (_TABLE.created_at.desc(), _TABLE.evaluation_id.desc())
        query = select(_TABLE.evaluation_id, _TABLE.body).order_by(*order).limit(max(limit, 0))

        def work(connection: Connection) -> list[EvaluationInfo]:
            rows = connection.execute(query if before is None else query.where(_older(connection, before)))
            return [_info(row.body, row.evaluation_id) for row in rows]

        return await self._database.read(work)

    async def update(self, info: EvaluationInfo) -> None:
        """Its status, progress, fault and end. Raises NotFoundError."""
        change = (
            update(EVALUATIONS)
            .where(_TABLE.evaluation_id == info.evaluation_id)
            .values(status=info.status, body=rules.info_body(info))
        )
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise rules.unknown_evaluation(info.evaluation_id)

    async def delete(self, evaluation_id: str) -> None:
        """With all that it has. Raises NotFoundError."""

        def work(connection: Connection) -> int:
            for table in (EVALUATION_CELLS, EVALUATION_ORIGINS, EVALUATION_ITEMS):
                connection.execute(delete(table).where(table.c.evaluation_id == evaluation_id))
            gone = delete(EVALUATIONS).where(_TABLE.evaluation_id == evaluation_id)
            return connection.execute(gone).rowcount

        if not await self._database.write(work):
            raise rules.unknown_evaluation(evaluation_id)

    async def claim(self, evaluation_id: str, *, owner: str, seconds: float, instead_of: str | None = None) -> bool:
        """Take or renew the lease; False where somebody else holds it. Raises NotFoundError."""
        now = self._clock()
        row = select(_TABLE.lease_owner, _TABLE.lease_until).where(_TABLE.evaluation_id == evaluation_id)
        taken = update(EVALUATIONS).where(_TABLE.evaluation_id == evaluation_id)
        values = {"lease_owner": owner, "lease_until": now + timedelta(seconds=seconds)}

        def work(connection: Connection) -> bool:
            held = connection.execute(row.with_for_update()).first()
            if held is None:
                raise rules.unknown_evaluation(evaluation_id)
            free = rules.free_for(owner, held.lease_owner, held.lease_until, now, instead_of=instead_of)
            if free:
                connection.execute(taken.values(values))
            return free

        return await self._database.write(work)

    async def release(self, evaluation_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""
        mine = (_TABLE.evaluation_id == evaluation_id, _TABLE.lease_owner == owner)
        change = update(EVALUATIONS).where(*mine).values(lease_owner=None, lease_until=None)
        await self._database.write(lambda connection: connection.execute(change))

    async def unfinished(self) -> Sequence[tuple[str, str | None]]:
        """Those that have not ended, the oldest first, with whoever holds them."""
        query = (
            select(_TABLE.evaluation_id, _TABLE.lease_owner, _TABLE.lease_until)
            .where(_TABLE.status.not_in(sorted(ENDED)))
            .order_by(_TABLE.created_at, _TABLE.evaluation_id)
        )
        now = self._clock()

        def work(connection: Connection) -> list[tuple[str, str | None]]:
            rows = connection.execute(query)
            return [
                (row.evaluation_id, row.lease_owner if row.lease_until and now < row.lease_until else None)
                for row in rows
            ]

        return await self._database.read(work)

    async def add_cells(self, evaluation_id: str, cells: Sequence[Cell]) -> None:
        """Keep them; one that is there already is replaced. Raises NotFoundError."""
        rows = {
            (cell.arm, cell.item, cell.sample): {
                "evaluation_id": evaluation_id,
                "arm": cell.arm,
                "item": cell.item,
                "sample": cell.sample,
                "body": rules.cell_body(cell),
            }
            for cell in cells
        }
        if not rows:
            return

        def work(connection: Connection) -> None:
            _check(connection, evaluation_id)
            new = insert_into(connection, EVALUATION_CELLS)
            key = ["evaluation_id", "arm", "item", "sample"]
            connection.execute(
                new.on_conflict_do_update(index_elements=key, set_={"body": new.excluded.body}), [*rows.values()]
            )

        await self._database.write(work)

    async def cells(self, evaluation_id: str) -> Sequence[Cell]:
        """By arm, item and sample. Raises NotFoundError."""
        table = EVALUATION_CELLS.c
        query = (
            select(table.arm, table.item, table.sample, table.body)
            .where(table.evaluation_id == evaluation_id)
            .order_by(table.arm, table.item, table.sample)
        )

        def work(connection: Connection) -> list[Cell]:
            _check(connection, evaluation_id)
            rows = connection.execute(query)
            return [rules.read_cell(arm, item, sample, body) for arm, item, sample, body in rows]

        return await self._database.read(work)

    async def put_origins(self, evaluation_id: str, origins: Sequence[ArmOrigin]) -> None:
        """Keep them in place of those that are there. Raises NotFoundError."""
        rows = [
            {"evaluation_id": evaluation_id, "arm": one.arm, "number": number, "body": rules.body_of(one)}
            for number, one in enumerate(origins)
        ]

        def work(connection: Connection) -> None:
            _check(connection, evaluation_id)
            connection.execute(delete(EVALUATION_ORIGINS).where(EVALUATION_ORIGINS.c.evaluation_id == evaluation_id))
            if rows:
                connection.execute(insert(EVALUATION_ORIGINS), rows)

        await self._database.write(work)

    async def origins(self, evaluation_id: str) -> Sequence[ArmOrigin]:
        """In the order in which they were put. Raises NotFoundError."""
        table = EVALUATION_ORIGINS.c
        query = select(table.body).where(table.evaluation_id == evaluation_id).order_by(table.number)

        def work(connection: Connection) -> list[ArmOrigin]:
            _check(connection, evaluation_id)
            bodies = connection.execute(query).scalars()
            return [rules.read_body(ArmOrigin, body, what=_what(evaluation_id)) for body in bodies]

        return await self._database.read(work)


def _older(connection: Connection, before: str) -> ColumnElement[bool]:
    place = (_TABLE.created_at, _TABLE.evaluation_id)
    row = connection.execute(select(*place).where(_TABLE.evaluation_id == before)).first()
    if row is None:
        raise rules.unknown_evaluation(before)
    return tuple_(*place) < tuple_(*row)


def _check(connection: Connection, evaluation_id: str) -> None:
    there = select(_TABLE.evaluation_id).where(_TABLE.evaluation_id == evaluation_id)
    if connection.execute(there).first() is None:
        raise rules.unknown_evaluation(evaluation_id)


def _info(body: str, evaluation_id: str) -> EvaluationInfo:
    return rules.read_body(EvaluationInfo, body, what=_what(evaluation_id))


def _what(evaluation_id: str) -> str:
    return f"Evaluation {evaluation_id}"
