"""What each run adds to its flow's tally. Runs that are there already are counted when a tally is read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "run_tallies",
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("readable", sa.Boolean, nullable=False),
        sa.Column("first_draft", sa.String(16), nullable=False),
        sa.Column("vote", sa.String(16), nullable=False),
        sa.Column("tied", sa.Boolean, nullable=False),
        sa.Column("best_draft", sa.String(16), nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("draft_tokens", "drafts_tokens", "run_tokens")),
        *(sa.Column(name, sa.BigInteger) for name in ("draft_usd", "drafts_usd", "run_usd")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("run_tallies")
