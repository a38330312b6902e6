"""Opens the database, brings it to this version's schema, and runs reads and writes on it to their end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, inspect, literal_column, text
from sqlalchemy.dialects import postgresql, sqlite

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.storage.engines import make_engine, reading, writing
from agent_lab.storage.faults import told
from agent_lab.storage.place import Place
from agent_lab.storage.tables import METADATA, SCHEMA_VERSION

READERS = 4
"""Reads that go on at once."""
SQLITE_WRITERS = 1
"""SQLite has one writer at a time. Its own waiting is by polling and is not fair: ours stand in a queue."""
POSTGRES_WRITERS = 4
_ONE_AT_A_TIME = 4_242_073_214
"""The name of the lock under which processes bring a PostgreSQL database up to date."""

_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

Result = TypeVar("Result")
Work = Callable[[Connection], Result]


class Database:
    """A database in use. Reads go beside each other and beside the writes; each is one hop to a thread."""

    def __init__(self, place: Place, engine: Engine, *, writers: int) -> None:
        self.place = place
        self.engine = engine
        self._reading = reading(engine)
        self._writing = writing(engine)
        self._readers = ThreadPoolExecutor(READERS, "database-reader")
        self._writers = ThreadPoolExecutor(writers, "database-writer")

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, all of it as of one moment."""
        return await self._in(self._readers, self._reading, work)

    async def write(self, work: Work[Result]) -> Result:
        """What `work` returns, once all that it wrote is on the disk.

        A write is finished even when its caller is cancelled, who is told so after it.
        """
        return await self._in(self._writers, self._writing, work)

    async def close(self) -> None:
        """Close it; what was begun ends first."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()

    async def _in(self, threads: ThreadPoolExecutor, engine: Engine, work: Work[Result]) -> Result:
        try:
            done = asyncio.get_running_loop().run_in_executor(threads, self._transaction, engine, work)
        except RuntimeError as error:
            raise EnvironmentFaultError("The database is closed already; start again.") from error
        return await to_its_end(done)

    def _transaction(self, engine: Engine, work: Work[Result]) -> Result:
        with told(self.place), engine.begin() as connection:
            return work(connection)


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`, the same in both databases."""
    return _INSERT[connection.dialect.name](table)


def insert_or_leave(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Add the row; False, and nothing done, where one of its keys is taken, also by a transaction beside this one."""
    added = insert_into(connection, table).on_conflict_do_nothing().returning(literal_column("1"))
    return connection.execute(added, row).first() is not None


async def open_database(place: Place | Path, *, migrate: bool = True) -> Database:
    """The database at `place`, made or brought up to date where need be (`migrate`).

    Raises EnvironmentFaultError, whose sentence says what is wrong with the file, its folder or its version.
    """
    database = await asyncio.to_thread(_database, place if isinstance(place, Place) else Place.of_file(place))
    try:
        if migrate and await database.read(schema_version) != SCHEMA_VERSION:
            await database.write(lambda connection: _bring_up_to_date(connection, database.place))
    except BaseException:
        await database.close()
        raise
    return database


def _database(place: Place) -> Database:
    writers = POSTGRES_WRITERS if place.path is None else SQLITE_WRITERS
    if place.path is not None:
        with told(place):
            _make_file(place.path)
    return Database(place, make_engine(place, connections=READERS + writers), writers=writers)


def _make_file(path: Path) -> None:
    # Questions and answers are private: what we make is for its owner alone; what exists keeps its mode.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def schema_version(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _make_schema(connection: Connection) -> None:
    """This version's tables in an empty database: what all migrations together would make."""
    METADATA.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": SCHEMA_VERSION})


def _bring_up_to_date(connection: Connection, place: Place) -> None:
    if place.path is None:
        _prepare_server(connection, place)
    stored = schema_version(connection)  # again, under the lock: another process may have been here
    if stored is None and not inspect(connection).get_table_names():
        _make_schema(connection)
        return
    from agent_lab.storage import migrations  # loads alembic: a tenth of a second and 10 MB that a new file saves

    if stored is None:
        raise EnvironmentFaultError(
            f"The database {place} belongs to another program; name another one in DATABASE_URL, or move it away."
        )
    if stored not in migrations.known_versions():
        raise EnvironmentFaultError(
            f"The database {place} was written by a newer version of AI Agent Lab (schema {stored[:40]}; this version "
            f"knows {SCHEMA_VERSION}); install that version, or name another one in DATABASE_URL."
        )
    migrations.upgrade(connection)


def _prepare_server(connection: Connection, place: Place) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise EnvironmentFaultError(
            f"The database {place} has the encoding {encoding}, which has not all letters; make one with "
            "createdb --encoding=UTF8 --template=template0, and name that in DATABASE_URL."
        )
    # A migration of many rows takes longer than a write may.
    connection.execute(text("SET LOCAL lock_timeout = '10min'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _ONE_AT_A_TIME})


async def to_its_end(done: asyncio.Future[Result]) -> Result:
    """What comes of it. A caller that is cancelled meanwhile waits for its end all the same, and is cancelled then."""
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        while not done.done():
            try:
                await asyncio.wait([done])
            except asyncio.CancelledError:
                continue
        _ = done.cancelled() or done.exception()  # looked at, or asyncio would report it as lost
        raise
