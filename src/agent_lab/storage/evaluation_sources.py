"""Keeps in the database what evaluations draw on and what they leave: datasets, answers already paid for, badges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from agent_lab.contracts.evaluation import ArmOrigin, Dataset, DatasetInfo, Item
from agent_lab.contracts.evaluation_report import Badge
from agent_lab.contracts.generation import GenerationResult
from agent_lab.storage import evaluation_rules as rules
from agent_lab.storage.database import Database, insert_into
from agent_lab.storage.rules import utc_now
from agent_lab.storage.tables import ANSWERS, BADGES, DATASET_PARTS, DATASETS

KEYS_AT_ONCE = 500
"""Parameters that one question to a database may have anywhere."""
Clock = Callable[[], datetime]


class SqlDatasets:
    """The dataset store (`contracts.evaluation_ports.DatasetStore`) on a database that others use too, and close."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def put(self, dataset: Dataset) -> None:
        """Keep it; from now on its name means this one."""
        info = rules.stamped(dataset, self._clock())
        named = {
            "name": info.name,
            "content_hash": info.content_hash,
            "created_at": info.created_at,
            "body": rules.body_of(info),
        }
        rows = [
            {"content_hash": info.content_hash, "number": number, "body": rules.items_body(part)}
            for number, part in rules.parts(dataset.items)
        ]

        def work(connection: Connection) -> None:
            before = _named(connection, info.name)
            new = insert_into(connection, DATASETS)
            change = {name: new.excluded[name] for name in ("content_hash", "created_at", "body")}
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=change), named)
            # Written anew where it is there: the splits and the columns of its items may be others.
            connection.execute(delete(DATASET_PARTS).where(DATASET_PARTS.c.content_hash == info.content_hash))
            if rows:
                connection.execute(insert(DATASET_PARTS), rows)
            if before is not None:
                _sweep(connection, before.content_hash)

        await self._database.write(work)

    async def get(self, name: str) -> Dataset:
        """By name, else by hash. Raises NotFoundError."""

        def work(connection: Connection) -> Dataset:
            row = _named(connection, name)
            if row is None:
                by_hash = select(DATASETS).where(DATASETS.c.content_hash == name).order_by(DATASETS.c.created_at.desc())
                row = connection.execute(by_hash).first()
            if row is None:
                known = list(connection.execute(select(DATASETS.c.name)).scalars())
                raise rules.unknown_dataset(name, known)
            return Dataset(info=_info(row), items=tuple(_items(connection, row.content_hash)))

        return await self._database.read(work)

    async def list(self) -> Sequence[DatasetInfo]:
        """By name."""
        query = select(DATASETS).order_by(DATASETS.c.name)
        return await self._database.read(lambda connection: [_info(row) for row in connection.execute(query)])

    async def delete(self, name: str) -> None:
        """Forget a name, and its items where no other name means them. Raises NotFoundError."""

        def work(connection: Connection) -> None:
            row = _named(connection, name)
            if row is None:
                raise rules.unknown_dataset(name, list(connection.execute(select(DATASETS.c.name)).scalars()))
            connection.execute(delete(DATASETS).where(DATASETS.c.name == name))
            _sweep(connection, row.content_hash)

        await self._database.write(work)


class SqlAnswers:
    """The cache (`contracts.evaluation_ports.AnswerCache`) on a database that others use too, and close."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def get(self, keys: Iterable[str]) -> Mapping[str, GenerationResult]:
        """Those that are there."""
        wanted = list(dict.fromkeys(keys))

        def work(connection: Connection) -> dict[str, GenerationResult]:
            found: dict[str, GenerationResult] = {}
            for start in range(0, len(wanted), KEYS_AT_ONCE):
                some = wanted[start : start + KEYS_AT_ONCE]
                rows = connection.execute(select(ANSWERS.c.key, ANSWERS.c.body).where(ANSWERS.c.key.in_(some)))
                found.update((key, rules.read_body(GenerationResult, body, what="An answer")) for key, body in rows)
            return found

        return await self._database.read(work)

    async def put(self, answers: Mapping[str, GenerationResult]) -> None:
        """Keep them; what is there already stays as it is."""
        now = self._clock()
        rows = [{"key": key, "created_at": now, "body": rules.body_of(answer)} for key, answer in answers.items()]

        def work(connection: Connection) -> None:
            if rows:
                connection.execute(insert_into(connection, ANSWERS).on_conflict_do_nothing(), rows)

        await self._database.write(work)


class SqlBadges:
    """The badge store (`contracts.evaluation_ports.BadgeStore`) on a database that others use too, and close."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, badge: Badge, origins: Sequence[ArmOrigin]) -> None:
        """Keep it in place of the one that the flow has."""
        row = {"flow": badge.flow, "body": rules.body_of(badge), "origins": rules.origins_body(origins)}

        def work(connection: Connection) -> None:
            new = insert_into(connection, BADGES)
            change = {"body": new.excluded.body, "origins": new.excluded.origins}
            connection.execute(new.on_conflict_do_update(index_elements=["flow"], set_=change), row)

        await self._database.write(work)

    async def get(self, flow: str) -> tuple[Badge, Sequence[ArmOrigin]] | None:
        """That of the flow."""
        query = select(BADGES).where(BADGES.c.flow == flow)

        def work(connection: Connection) -> tuple[Badge, Sequence[ArmOrigin]] | None:
            row = connection.execute(query).first()
            return None if row is None else _badge(row)

        return await self._database.read(work)

    async def list(self) -> Sequence[tuple[Badge, Sequence[ArmOrigin]]]:
        """By flow."""
        query = select(BADGES).order_by(BADGES.c.flow)
        return await self._database.read(lambda connection: [_badge(row) for row in connection.execute(query)])


def _named(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(DATASETS).where(DATASETS.c.name == name)).first()


def _items(connection: Connection, content_hash: str) -> list[Item]:
    table = DATASET_PARTS.c
    query = select(table.body).where(table.content_hash == content_hash).order_by(table.number)
    bodies = connection.execute(query).scalars()
    return [item for body in bodies for item in rules.read_items(body, what=f"The dataset {content_hash}")]


def _sweep(connection: Connection, content_hash: str) -> None:
    """Let the items go that no name means any more."""
    named = select(DATASETS.c.name).where(DATASETS.c.content_hash == content_hash)
    if connection.execute(named).first() is None:
        connection.execute(delete(DATASET_PARTS).where(DATASET_PARTS.c.content_hash == content_hash))


def _info(row: Row[Any]) -> DatasetInfo:
    return rules.read_body(DatasetInfo, row.body, what=f"The dataset {row.name!r}")


def _badge(row: Row[Any]) -> tuple[Badge, Sequence[ArmOrigin]]:
    what = f"The badge of {row.flow!r}"
    return rules.read_body(Badge, row.body, what=what), rules.read_origins(row.origins, what=what)
