"""Stored flows, what is asked of runs, and what a list of runs shows beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, fill them from what is there, make the tables."""
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("flow_version", sa.Integer))
        runs.add_column(sa.Column("parent_run_id", sa.String(128)))
        runs.add_column(sa.Column("last_seq", sa.Integer, nullable=False, server_default="0"))
        runs.add_column(sa.Column("calls", sa.Integer))
        runs.add_column(sa.Column("cost_usd", sa.BigInteger))
        runs.add_column(sa.Column("seconds", sa.Float))
        runs.add_column(sa.Column("caller", sa.String(64), nullable=False, server_default=""))
        runs.add_column(sa.Column("idempotency_key", sa.String(256)))
        runs.create_unique_constraint("runs_idempotency_key", ["idempotency_key"])
    op.execute(
        "UPDATE runs SET last_seq = (SELECT coalesce(max(seq), 0) FROM events WHERE events.run_id = runs.run_id)"
    )
    op.create_table(
        "orders",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("node", sa.String(256)),
        sa.Column("visit", sa.Integer),
        sa.Column("text", sa.Text),
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


def downgrade() -> None:
    """Take all of it away."""
    op.drop_table("flow_versions")
    op.drop_table("flows")
    op.drop_table("orders")
    with op.batch_alter_table("runs") as runs:
        runs.drop_constraint("runs_idempotency_key")
        for name in (
            "idempotency_key",
            "caller",
            "seconds",
            "cost_usd",
            "calls",
            "last_seq",
            "parent_run_id",
            "flow_version",
        ):
            runs.drop_column(name)
