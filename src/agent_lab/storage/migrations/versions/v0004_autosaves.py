"""Versions of flows that an editor kept on its own, and whether a run names one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAMED = sa.text("flow_version IS NOT NULL")


def upgrade() -> None:
    """Every version so far was saved by hand."""
    op.add_column("flow_versions", sa.Column("autosaved", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("runs_by_version", "runs", ["flow_id", "flow_version"], sqlite_where=NAMED, postgresql_where=NAMED)


def downgrade() -> None:
    """Take both away."""
    op.drop_index("runs_by_version", "runs")
    op.drop_column("flow_versions", "autosaved")
