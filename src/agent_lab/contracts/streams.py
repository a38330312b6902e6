"""Closes streams that are left early, of whatever kind they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

Piece = TypeVar("Piece")


@asynccontextmanager
async def closing(stream: AsyncIterator[Piece]) -> AsyncGenerator[AsyncIterator[Piece], None]:
    """The stream, closed when it is left. The ports promise iterators, which need not be of the kind that closes."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
