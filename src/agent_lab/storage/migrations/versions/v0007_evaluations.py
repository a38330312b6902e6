"""Evaluations, their datasets, the answers that were paid for in them, and the badges that came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("content_hash", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_datasets_content_hash", "datasets", ["content_hash"])
    op.create_table(
        "dataset_parts",
        sa.Column("content_hash", sa.String(128), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "evaluations",
        sa.Column("evaluation_id", sa.String(128), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("lease_owner", sa.String(256)),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
    )
    op.create_index("evaluations_by_time", "evaluations", ["created_at", "evaluation_id"])
    _of_evaluations()
    op.create_table(
        "answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "badges",
        sa.Column("flow", sa.String(80), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("origins", sa.Text, nullable=False),
    )


def _of_evaluations() -> None:
    op.create_table(
        "evaluation_items",
        _evaluation(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "evaluation_cells",
        _evaluation(),
        sa.Column("arm", sa.String(120), primary_key=True),
        sa.Column("item", sa.String(200), primary_key=True),
        sa.Column("sample", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "evaluation_origins",
        _evaluation(),
        sa.Column("arm", sa.String(120), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def _evaluation() -> sa.Column[str]:
    named = sa.ForeignKey("evaluations.evaluation_id", ondelete="CASCADE")
    return sa.Column("evaluation_id", sa.String(128), named, primary_key=True)


def downgrade() -> None:
    """Take them away."""
    for table in ("evaluation_items", "evaluation_cells", "evaluation_origins", "evaluations"):
        op.drop_table(table)
    for table in ("datasets", "dataset_parts", "answers", "badges"):
        op.drop_table(table)
