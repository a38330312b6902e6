"""Runs and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(128), primary_key=True),
        sa.Column("flow_id", sa.String(64), nullable=False),
        sa.Column("flow_hash", sa.String(128), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(256), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text),
        sa.Column("lease_owner", sa.String(256)),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
    )
    op.create_index("runs_by_time", "runs", ["created_at", "run_id"])
    op.create_index("runs_by_flow", "runs", ["flow_id", "created_at", "run_id"])
    op.create_index("runs_by_status", "runs", ["status", "created_at", "run_id"])
    op.create_table(
        "events",
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Take both away."""
    op.drop_table("events")
    op.drop_table("runs")
