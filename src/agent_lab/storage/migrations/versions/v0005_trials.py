"""Runs of one node alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the runs that there are were of whole flows."""
    op.add_column("runs", sa.Column("only_node", sa.String(64)))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("runs", "only_node")
