"""In which order the models of a run answered first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from agent_lab.storage.utf8 import storable

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_READ_ROWS = 4
"""Answers in memory at once: one may be long."""
_AT_ONCE = 500
_ANSWERED = sa.text(
    "SELECT run_id, seq, body FROM events WHERE type = 'generation_finished' AND run_id IN "
    "(SELECT run_id FROM run_models GROUP BY run_id HAVING COUNT(*) > 1) ORDER BY run_id, seq"
)
_KEEP = sa.text("UPDATE run_models SET first_seq = :seq WHERE run_id = :run_id AND model_key = :model_key")


def upgrade() -> None:
    """Add the column, and fill it from the answers that are there, where a run has more than one model."""
    op.add_column("run_models", sa.Column("first_seq", sa.Integer, nullable=False, server_default="0"))
    first: dict[tuple[str, str], int] = {}
    for run_id, model, seq in _answered():
        first.setdefault((run_id, model), seq)
    rows = [{"run_id": run_id, "model_key": model, "seq": seq} for (run_id, model), seq in first.items()]
    for start in range(0, len(rows), _AT_ONCE):
        op.get_bind().execute(_KEEP, rows[start : start + _AT_ONCE])


def _answered() -> Iterator[tuple[str, str, int]]:
    for row in op.get_bind().execute(_ANSWERED.execution_options(yield_per=_READ_ROWS)):
        try:
            yield row.run_id, storable(str(json.loads(row.body)["result"]["model_key"]))[:64], row.seq
        except (ValueError, TypeError, KeyError):
            continue  # a damaged event is told when its run is read


def downgrade() -> None:
    """Take it away."""
    op.drop_column("run_models", "first_seq")
