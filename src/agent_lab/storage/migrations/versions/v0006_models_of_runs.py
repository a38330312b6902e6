"""Which models answered in a run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from agent_lab.storage.utf8 import storable

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_READ_ROWS = 4
"""Answers in memory at once: one may be long."""
_AT_ONCE = 500
_ANSWERED = sa.text("SELECT run_id, body FROM events WHERE type = 'generation_finished'")
_KEEP = sa.text("INSERT INTO run_models (run_id, model_key) VALUES (:run_id, :model_key) ON CONFLICT DO NOTHING")


def upgrade() -> None:
    """Make the table, and fill it from the answers that are there."""
    op.create_table(
        "run_models",
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("model_key", sa.String(64), primary_key=True),
    )
    found = sorted(set(_answered()))
    for start in range(0, len(found), _AT_ONCE):
        rows = [{"run_id": run_id, "model_key": model} for run_id, model in found[start : start + _AT_ONCE]]
        op.get_bind().execute(_KEEP, rows)


def _answered() -> Iterator[tuple[str, str]]:
    for row in op.get_bind().execute(_ANSWERED.execution_options(yield_per=_READ_ROWS)):
        try:
            yield row.run_id, storable(str(json.loads(row.body)["result"]["model_key"]))[:64]
        except (ValueError, TypeError, KeyError):
            continue  # a damaged event is told when its run is read


def downgrade() -> None:
    """Take it away."""
    op.drop_table("run_models")
