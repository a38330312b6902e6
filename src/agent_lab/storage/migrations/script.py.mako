"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the schema before to this one."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """From this schema to the one before."""
    ${downgrades if downgrades else "pass"}
