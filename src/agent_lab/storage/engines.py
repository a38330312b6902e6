"""Makes the SQLAlchemy engine of a place: how connections are set up, and how transactions begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.storage.place import Place

BUSY_TIMEOUT_MS = 5000
"""How long a write waits for another process's write; one takes milliseconds."""

# A process that stops in the middle of a write, or vanishes with its machine, must not hold others up for ever.
_SERVER_OPTIONS = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c idle_in_transaction_session_timeout=60000"
_POSTGRES: dict[str, str | int] = {
    "application_name": "agent-lab",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": _SERVER_OPTIONS,
}


def make_engine(place: Place, *, connections: int) -> Engine:
    """The engine; nothing is connected yet. Raises EnvironmentFaultError where PostgreSQL's driver is not installed."""
    return _postgres(place, connections) if place.path is None else _sqlite(place, connections)


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that see all of the database as of one moment."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    # SQLite: one that read first and then had to wait for the lock would be refused outright.
    return engine.execution_options(begin="BEGIN IMMEDIATE") if engine.dialect.name == "sqlite" else engine


def postgres_arguments(place: Place) -> dict[str, Any]:
    """What a connection is opened with: what the URL says, and our own words where it says nothing."""
    _, said = place.url.get_dialect()().create_connect_args(place.url)
    return {**_POSTGRES, **said}


def _postgres(place: Place, connections: int) -> Engine:
    try:
        return create_engine(
            place.url,
            connect_args={name: value for name, value in _POSTGRES.items() if name not in place.url.query},
            hide_parameters=True,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,  # a server that was started anew is found at the next use, not after it
        )
    except ImportError as error:
        raise EnvironmentFaultError(
            "DATABASE_URL names a PostgreSQL database, and its driver is not installed: "
            "pip install 'agent-lab[postgres]'."
        ) from error


def _sqlite(place: Place, connections: int) -> Engine:
    # isolation_level None: the driver's own way of opening transactions leaves out reads and DDL.
    engine = create_engine(
        place.url,
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: one fsync for each transaction. NORMAL would survive a kill just as well, but not a loss of power, and each
    # recorded step is a model call that took seconds and perhaps money: an fsync is nothing beside it.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    # SQLite's own knows the letters of ASCII only.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
