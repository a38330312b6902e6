"""The tables of the database, in types that every SQL database has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

from agent_lab.storage.utf8 import storable

SCHEMA_VERSION = "0009"
"""The newest revision in `migrations/versions`: a database of this version is opened without loading alembic."""

METADATA = MetaData()
PICO = Decimal("1e-12")
_MOST_PICO = 2**63 - 1


def pico_of(usd: Decimal) -> int:
    """The nearest whole number of 1e-12 USD, or the largest that a row holds: nine million dollars."""
    return min(int((usd / PICO).to_integral_value(ROUND_HALF_EVEN)), _MOST_PICO)


class AnyText(TypeDecorator[str]):
    """Text that may be anything, also in a question for a row: what a database does not take is replaced."""

    impl: type[String] = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text without U+0000 and lone surrogates."""
        return None if value is None else storable(value)


class ShortText(AnyText):
    """The same with a longest length."""

    impl = String
    cache_ok = True


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


class PicoUsd(TypeDecorator[Decimal]):
    """Money as a whole number of 1e-12 USD: it adds up and sorts exactly in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """The nearest whole number of 1e-12 USD."""
        return None if value is None else pico_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """USD."""
        return None if value is None else value * PICO


_OF_A_VERSION = text("flow_version IS NOT NULL")
RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", ShortText(128), primary_key=True),
    Column("flow_id", ShortText(64), nullable=False),
    Column("flow_hash", ShortText(128), nullable=False),
    Column("status", ShortText(32), nullable=False),
    Column("prompt", AnyText, nullable=False),
    Column("request_id", ShortText(256), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    # Status, time and answer repeat what the events say, written in the same transaction: lists and the search for
    # similar runs would else read every run's events.
    Column("answer", AnyText),
    Column("lease_owner", ShortText(256)),
    Column("lease_until", UtcTime),
    Column("flow_version", Integer),
    Column("parent_run_id", ShortText(128)),
    # The number of the newest event: an append needs it, and counting the events for it would cost a look-up each time.
    Column("last_seq", Integer, nullable=False, server_default="0"),
    Column("calls", Integer),
    Column("cost_usd", PicoUsd),
    Column("seconds", Float),
    Column("caller", ShortText(64), nullable=False, server_default=""),
    Column("idempotency_key", ShortText(256)),
    Column("only_node", ShortText(64)),
    Index("runs_by_time", "created_at", "run_id"),
    Index("runs_by_flow", "flow_id", "created_at", "run_id"),
    Index("runs_by_status", "status", "created_at", "run_id"),
    Index("runs_by_key", "idempotency_key", unique=True),
    Index("runs_by_version", "flow_id", "flow_version", sqlite_where=_OF_A_VERSION, postgresql_where=_OF_A_VERSION),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("run_id", ShortText(128), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", ShortText(64), nullable=False),
    Column("body", Text, nullable=False),
)

# Which models answered in a run: it repeats what the events say, written with them, so that a list can be asked for it.
RUN_MODELS = Table(
    "run_models",
    METADATA,
    Column("run_id", ShortText(128), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("model_key", ShortText(64), primary_key=True),
    # The number of its first answer: a list names the models in this order.
    Column("first_seq", Integer, nullable=False, server_default="0"),
)

# What a completed run adds to its flow's tally. It repeats what the events say; a run without a row is not counted yet.
RUN_TALLIES = Table(
    "run_tallies",
    METADATA,
    Column("run_id", ShortText(128), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("readable", Boolean, nullable=False),
    Column("first_draft", ShortText(16), nullable=False),
    Column("vote", ShortText(16), nullable=False),
    Column("tied", Boolean, nullable=False),
    Column("best_draft", ShortText(16), nullable=False),
    # None in all of these where the run's costs cannot be compared.
    Column("draft_tokens", BigInteger),
    Column("drafts_tokens", BigInteger),
    Column("run_tokens", BigInteger),
    Column("draft_usd", PicoUsd),
    Column("drafts_usd", PicoUsd),
    Column("run_usd", PicoUsd),
)

# What was asked of a run by somebody who does not hold it; followed and taken away by whoever does.
ORDERS = Table(
    "orders",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ShortText(128), ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", ShortText(32), nullable=False),
    Column("node", ShortText(256)),
    Column("visit", Integer),
    Column("text", AnyText),
    # A number that was settled is never given again: settling it twice must not take another order away.
    sqlite_autoincrement=True,
)

FLOWS = Table(
    "flows",
    METADATA,
    Column("flow_id", ShortText(64), primary_key=True),
    Column("newest", Integer, nullable=False),
    Column("published", Integer),
    Column("revision", Integer, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # A deleted flow keeps its versions: runs name them.
    Column("deleted", Boolean, nullable=False, default=False),
)

FLOW_VERSIONS = Table(
    "flow_versions",
    METADATA,
    Column("flow_id", ShortText(64), ForeignKey("flows.flow_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("flow_hash", ShortText(128), nullable=False),
    Column("document", Text, nullable=False),
    Column("note", AnyText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("autosaved", Boolean, nullable=False, server_default=false()),
)

SPENDING = Table(
    "spending",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("model_key", ShortText(64), primary_key=True),
    # A whole number adds up exactly in every database: 1e-12 USD is one token at $0.000001 for a million, and nine
    # million dollars a day fit.
    Column("pico_usd", BigInteger, nullable=False),
)

# A name of a dataset. Its questions are kept under the hash of their content, for as long as a name means them.
DATASETS = Table(
    "datasets",
    METADATA,
    Column("name", ShortText(300), primary_key=True),
    Column("content_hash", ShortText(128), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("body", AnyText, nullable=False),
)

DATASET_PARTS = Table(
    "dataset_parts",
    METADATA,
    Column("content_hash", ShortText(128), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Several hundred items as one JSON list: a row for each would cost more than the items.
    Column("body", AnyText, nullable=False),
)

EVALUATIONS = Table(
    "evaluations",
    METADATA,
    Column("evaluation_id", ShortText(128), primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("status", ShortText(32), nullable=False),
    Column("body", AnyText, nullable=False),
    Column("lease_owner", ShortText(256)),
    Column("lease_until", UtcTime),
    Index("evaluations_by_time", "created_at", "evaluation_id"),
)

EVALUATION_ITEMS = Table(
    "evaluation_items",
    METADATA,
    Column(
        "evaluation_id", ShortText(128), ForeignKey("evaluations.evaluation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", AnyText, nullable=False),
)

EVALUATION_CELLS = Table(
    "evaluation_cells",
    METADATA,
    Column(
        "evaluation_id", ShortText(128), ForeignKey("evaluations.evaluation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("arm", ShortText(120), primary_key=True),
    Column("item", ShortText(200), primary_key=True),
    Column("sample", Integer, primary_key=True, autoincrement=False),
    Column("body", AnyText, nullable=False),
)

EVALUATION_ORIGINS = Table(
    "evaluation_origins",
    METADATA,
    Column(
        "evaluation_id", ShortText(128), ForeignKey("evaluations.evaluation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("arm", ShortText(120), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("body", AnyText, nullable=False),
)

# Answers that were paid for in evaluations, by the content of what was asked.
ANSWERS = Table(
    "answers",
    METADATA,
    Column("key", ShortText(64), primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("body", AnyText, nullable=False),
)

BADGES = Table(
    "badges",
    METADATA,
    Column("flow", ShortText(80), primary_key=True),
    Column("body", AnyText, nullable=False),
    Column("origins", AnyText, nullable=False),
)
