"""Access keys as their file has them: whom each was made for, its digest, and how many runs it may have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.registry import Row
from agent_lab.registries.rows import parsed, rows_of

MOST_KEYS = 1_000
MAX_BYTES = 1_000_000
_TABLE = "key"
_HEAD = """\
# The access keys of AI Agent Lab; `agent-lab keys` writes this file. Of each key only the SHA-256 is kept.
# A server that runs takes a change at once.
"""


class AccessKey(Row):
    """A key that lets somebody in beside the owner."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created_at: datetime
    runs_at_once: int | None = Field(default=None, ge=1, le=10_000)
    """None: as many as the server takes."""
    runs_waiting: int | None = Field(default=None, ge=0, le=100_000)
    """None: as many as the queue takes."""


def access_keys(file: str, content: bytes) -> dict[str, AccessKey]:
    """The keys in these bytes, by name. Raises ValidationError that names the file, the key and the field."""
    if len(content) > MAX_BYTES:
        raise ValidationError(f"The file {file} has more than {MAX_BYTES:,} bytes; revoke access keys.")
    rows = rows_of(parsed(file, content, (_TABLE,)), file, _TABLE, AccessKey)
    found = {row.name: row for row in rows}
    if len(found) < len(rows):
        twice = next(row.name for row in rows if sum(one.name == row.name for one in rows) > 1)
        raise ValidationError(f"The access key {twice!r} is given twice in {file}; take one of them away.")
    return found


def as_toml(keys: Iterable[AccessKey]) -> bytes:
    """The file of these keys. Their fields hold nothing that TOML would have to escape."""
    return (_HEAD + "".join(map(_table, keys))).encode()


def _table(key: AccessKey) -> str:
    bounds = (("runs_at_once", key.runs_at_once), ("runs_waiting", key.runs_waiting))
    lines = [
        f"[[{_TABLE}]]",
        f'name = "{key.name}"',
        f'sha256 = "{key.sha256}"',
        f"created_at = {key.created_at.isoformat()}",
        *(f"{name} = {bound}" for name, bound in bounds if bound is not None),
    ]
    return "\n" + "".join(f"{line}\n" for line in lines)
