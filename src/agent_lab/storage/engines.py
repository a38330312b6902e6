"""Makes the SQLAlchemy engine of a place: how connections are set up, and how transactions begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from agent_lab.storage.place import Place

BUSY_TIMEOUT_MS = 5000
"""How long a write waits for another process's write; one takes milliseconds."""


def sqlite_engine(place: Place, *, connections: int) -> Engine:
    """An engine whose transactions are SQLite's own, reads included."""
    # isolation_level None: the driver's own way of opening transactions leaves out reads and DDL.
    engine = create_engine(
        place.url,
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: one fsync for each append. NORMAL would survive a kill just as well, but not a loss of power, and each
    # recorded step is a model call that took seconds and perhaps money: an fsync is nothing beside it.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    # SQLite's own knows the letters of ASCII only.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _begin(connection: Connection) -> None:
    # Writers take the lock at once: one that read first and then had to wait would be refused outright.
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    return engine.execution_options(begin="BEGIN IMMEDIATE")
