"""Cuts what is counted into pages: the cursor of the next one is a number of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.sentences import said

Row = TypeVar("Row")
Cursor = Annotated[str | None, Query(max_length=12, description="`next_cursor` of the page before.")]


def page_of(found: Sequence[Row], limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
    """The page that begins there and the cursor of the next one, None after the last. Raises ValidationError."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise ValidationError(
            said("no_cursor", "That is no cursor; send the `next_cursor` of the page before."), where="cursor"
        )
    start = int(cursor or 0)
    end = start + limit
    return list(found[start:end]), str(end) if end < len(found) else None
