"""What a backup says of itself: its version, and each of its parts with its sum."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from agent_lab.contracts.generation import Contract
from agent_lab.registries.rows import ACCESS_KEYS

FORMAT = 1
"""The newest form of backups that this version reads."""
MARK = "agent-lab-backup"
"""The name of the first entry; a file that does not begin with it is no backup."""
MANIFEST = "manifest.json"
OUTPUTS = "outputs.jsonl"
PINS = "models.lock.json"
"""The versions that models of the hub are held at."""
MAX_PARTS = 20_000
Tell = Callable[[str, int, int], None]
"""Hears how far it is: part, rows done, rows in all. What it raises ends the work, and leaves all as it was."""
_NAMES = re.compile(
    r"tables/(?P<table>[a-z][a-z0-9_]{0,62})\.jsonl"
    rf"|config/(?!{re.escape(ACCESS_KEYS)}\Z)[^/\\:\x00-\x1f\x7f]{{1,200}}\.toml"
    r"|config/flows/[^/\\:\x00-\x1f\x7f]{1,200}\.json"
    rf"|{re.escape(OUTPUTS)}|{re.escape(PINS)}"
)


def savable(name: str) -> bool:
    """True for a name that a part may have."""
    return _NAMES.fullmatch(name) is not None


def _savable(name: str) -> str:
    if not savable(name):
        raise ValueError("no part of a backup is called so")
    return name


class Part(Contract):
    """One entry of the file. `rows` and `columns` are of those that hold a row a line."""

    name: Annotated[str, AfterValidator(_savable)]
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int = Field(default=0, ge=0)
    columns: tuple[str, ...] = ()

    @property
    def table(self) -> str | None:
        """The table whose rows it holds."""
        found = _NAMES.fullmatch(self.name)
        return found["table"] if found else None


class Manifest(Contract):
    """The whole backup. `schema_version` is the revision of the tables, the last of `storage/migrations`."""

    format: Literal[1] = 1
    version: str
    """Of the product."""
    schema_version: str = Field(pattern=r"^[0-9A-Za-z_]{1,32}$")
    created_at: datetime
    parts: tuple[Part, ...] = Field(max_length=MAX_PARTS)

    @property
    def total_bytes(self) -> int:
        """What all parts take unpacked."""
        return sum(part.bytes for part in self.parts)

    @property
    def tables(self) -> tuple[Part, ...]:
        """The parts that are tables, as they stand in the file."""
        return tuple(part for part in self.parts if part.table)

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {part.table: part.rows for part in self.tables if part.table}
