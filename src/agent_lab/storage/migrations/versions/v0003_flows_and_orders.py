"""Stored flows, what is asked of runs, and what a list of runs shows beside them."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, fill them from what is there, make the tables."""
    op.add_column("runs", sa.Column("flow_version", sa.Integer))
    op.add_column("runs", sa.Column("parent_run_id", sa.String(128)))
    op.add_column("runs", sa.Column("last_seq", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("calls", sa.Integer))
    op.add_column("runs", sa.Column("cost_usd", sa.BigInteger))
    op.add_column("runs", sa.Column("seconds", sa.Float))
    op.add_column("runs", sa.Column("caller", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("idempotency_key", sa.String(256)))
    op.create_index("runs_by_key", "runs", ["idempotency_key"], unique=True)
    op.execute(
        "UPDATE runs SET last_seq = (SELECT coalesce(max(seq), 0) FROM events WHERE events.run_id = runs.run_id)"
    )
    _fill_seconds()
    op.create_table(
        "orders",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("node", sa.String(256)),
        sa.Column("visit", sa.Integer),
        sa.Column("text", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_run_id", "orders", ["run_id"])
    op.create_table(
        "flows",
        sa.Column("flow_id", sa.String(64), primary_key=True),
        sa.Column("newest", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "flow_versions",
        sa.Column("flow_id", sa.String(64), sa.ForeignKey("flows.flow_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("flow_hash", sa.String(128), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def _fill_seconds() -> None:
    """How long each run took stands in its last event. What it cost was not summed up then, and stays unknown."""
    connection = op.get_bind()
    ends = sa.text("SELECT run_id, body FROM events WHERE type = 'run_finished'")
    known = [{"run_id": row.run_id, "seconds": _seconds(row.body)} for row in connection.execute(ends)]
    if known:
        connection.execute(sa.text("UPDATE runs SET seconds = :seconds WHERE run_id = :run_id"), known)


def _seconds(body: str) -> float | None:
    try:
        return float(json.loads(body)["seconds"])
    except (ValueError, TypeError, KeyError):
        return None  # a damaged event is told when its run is read


def downgrade() -> None:
    """Take all of it away."""
    op.drop_table("flow_versions")
    op.drop_table("flows")
    op.drop_table("orders")
    op.drop_index("runs_by_key", "runs")
    names = "idempotency_key caller seconds cost_usd calls last_seq parent_run_id flow_version"
    for name in names.split():
        op.drop_column("runs", name)
