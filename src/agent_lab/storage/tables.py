"""The tables of the database, in types that every SQL database has."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = "0002"
"""The newest revision in `migrations/versions`: a database of this version is opened without loading alembic."""

METADATA = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware on the way in, UTC on the way out, also where the database keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant in UTC, so that texts of times sort as the times do."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant with its time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String(128), primary_key=True),
    Column("flow_id", String(64), nullable=False),
    Column("flow_hash", String(128), nullable=False),
    Column("status", String(32), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("request_id", String(256), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    # Status, time and answer repeat what the events say, written in the same transaction: lists and the search for
    # similar runs would else read every run's events.
    Column("answer", Text),
    Column("lease_owner", String(256)),
    Column("lease_until", UtcTime),
    Index("runs_by_time", "created_at", "run_id"),
    Index("runs_by_flow", "flow_id", "created_at", "run_id"),
    Index("runs_by_status", "status", "created_at", "run_id"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("run_id", String(128), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", String(64), nullable=False),
    Column("body", Text, nullable=False),
)

SPENDING = Table(
    "spending",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("model_key", String(64), primary_key=True),
    # A whole number adds up exactly in every database: 1e-12 USD is one token at $0.000001 for a million, and nine
    # million dollars a day fit.
    Column("pico_usd", BigInteger, nullable=False),
)
