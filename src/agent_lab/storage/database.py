"""Opens the database, brings it to this version's schema, and runs reads and writes on it to their end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.settings import Settings
from agent_lab.storage.faults import told
from agent_lab.storage.tables import METADATA, SCHEMA_VERSION

BUSY_TIMEOUT_MS = 5000
"""How long a write waits for another process's write; one takes milliseconds."""

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Awaitable[Result]]


def database_path(settings: Settings) -> Path:
    """The database file that the settings name. Raises ValidationError for a DATABASE_URL that is not SQLite's."""
    if not settings.database_url:
        return settings.data_dir / "agent-lab.db"
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise ValidationError(
            "DATABASE_URL is not a database URL; write sqlite:////full/path/to/file.db, or leave it out."
        ) from error
    if kind != "sqlite":
        raise ValidationError(
            f"DATABASE_URL names a {kind[:40]} database, and this version keeps its runs in SQLite only; write "
            "sqlite:////full/path/to/file.db, or leave it out."
        )
    if not url.database or url.database == ":memory:" or url.query:
        raise ValidationError(
            "DATABASE_URL must name a file and nothing besides, or runs would be forgotten; write "
            "sqlite:////full/path/to/file.db, or leave it out."
        )
    return Path(url.database).expanduser().absolute()


class Database:
    """A database file in use. Reads go beside each other and beside the one write at a time."""

    def __init__(self, path: Path, engine: AsyncEngine) -> None:
        self.path = path
        self.engine = engine
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        # Within the process writers queue here, in order; SQLite's own waiting is by polling and is not fair.
        self._one_writer = asyncio.Lock()

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, all of it as of one moment."""
        return await _to_its_end(self._transaction(self.engine, work))

    async def write(self, work: Work[Result]) -> Result:
        """What `work` returns, once all that it wrote is on the disk.

        A write that has begun is finished even when its caller is cancelled, who is told so after it.
        """
        async with self._one_writer:
            return await _to_its_end(self._transaction(self._writer, work))

    async def close(self) -> None:
        """Close the file; the write in progress ends first."""
        async with self._one_writer:
            await self.engine.dispose()

    async def _transaction(self, engine: AsyncEngine, work: Work[Result]) -> Result:
        with told(self.path):
            async with engine.begin() as connection:
                return await work(connection)


async def open_database(path: Path) -> Database:
    """The database at `path`, made or brought up to date where need be.

    Raises EnvironmentFaultError, whose sentence says what is wrong with the file, its folder or its version.
    """
    with told(path):
        await asyncio.to_thread(_make_file, path)
    database = Database(path, _engine(path))
    try:
        if await database.read(_version) != SCHEMA_VERSION:
            await database.write(lambda connection: _bring_up_to_date(connection, path))
    except BaseException:
        await database.close()
        raise
    return database


def _make_file(path: Path) -> None:
    # Questions and answers are private: what we make is for its owner alone; what exists keeps its mode.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _engine(path: Path) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(path))
    # isolation_level None: the driver's own way of opening transactions leaves out reads and DDL.
    engine = create_async_engine(url, connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: one fsync for each append. NORMAL would survive a kill just as well, but not a loss of power, and each
    # recorded step is a model call that took seconds and perhaps money: an fsync is nothing beside it.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # Writers take the lock at once: one that read first and then had to wait would be refused outright.
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


async def _version(connection: AsyncConnection) -> str | None:
    def stored(sync: Connection) -> str | None:
        if not inspect(sync).has_table("alembic_version"):
            return None
        version: str | None = sync.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version

    return await connection.run_sync(stored)


def _make_schema(connection: Connection) -> None:
    """This version's tables in an empty file: what all migrations together would make."""
    METADATA.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": SCHEMA_VERSION})


def _has_tables(connection: Connection) -> bool:
    return bool(inspect(connection).get_table_names())


async def _bring_up_to_date(connection: AsyncConnection, path: Path) -> None:
    stored = await _version(connection)  # again, under the lock: another process may have been here
    if stored is None and not await connection.run_sync(_has_tables):
        await connection.run_sync(_make_schema)
        return
    from agent_lab.storage import migrations  # loads alembic: a tenth of a second and 10 MB that a new file saves

    if stored is None:
        raise EnvironmentFaultError(
            f"The database {path} belongs to another program; name another file in DATABASE_URL, or move it away."
        )
    if stored is not None and stored not in migrations.known_versions():
        raise EnvironmentFaultError(
            f"The database {path} was written by a newer version of AI Agent Lab (schema {stored[:40]}; this version "
            f"knows {SCHEMA_VERSION}); install that version, or name another file in DATABASE_URL."
        )
    await connection.run_sync(migrations.upgrade)


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Let `work` end also when the caller is cancelled: half a transaction would leave its connection unusable."""
    task = asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        _ = task.cancelled() or task.exception()  # looked at, or asyncio would report it as lost
        raise asyncio.CancelledError
    return task.result()
