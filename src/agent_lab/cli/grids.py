"""Lays out what nodes leave in lists as tables: votes, tallies, a judge's scores and reasons, issues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.events import VoteCast
from agent_lab.flows.state import as_text

MOST_ROWS = 20
MOST_COLUMNS = 6
LONG_CHARS = 40
"""A list with a text of this length is no list of words."""
FIRST_COLUMNS = ("severity", "where", "why", "fix", "candidate", "choice")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, and the sentence about what of it is left out."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: str = ""


def grids(fields: Mapping[str, JsonValue], votes: Sequence[VoteCast]) -> Iterator[Grid]:
    """The tables of a node that has ended: its votes, where its tally does not tell them, and each list."""
    if votes and ("tally" not in fields or any(vote.weight != 1 or " > " in vote.choice for vote in votes)):
        weights = any(vote.weight != 1 for vote in votes)
        rows: list[dict[str, JsonValue]] = [{"voter": vote.voter, "vote": vote.choice} for vote in votes]
        for row, vote in zip(rows, votes, strict=True):
            row |= {"weight": vote.weight} if weights else {}
        yield _of_objects(rows)
    for name, value in fields.items():
        grid = grid_of(name, value)
        if grid is not None:
            yield grid


def grid_of(name: str, value: JsonValue) -> Grid | None:
    """The table of a list of objects or of long texts; None for what fits on a line."""
    if not isinstance(value, list) or not value:
        return None
    objects = [one for one in value if isinstance(one, dict)]
    if len(objects) == len(value):
        return _of_objects(objects)
    if any(isinstance(one, str) and len(one) >= LONG_CHARS for one in value):
        return _grid((name,), [(as_text(one),) for one in value])
    return None


def _of_objects(objects: Sequence[Mapping[str, JsonValue]]) -> Grid:
    names = list(dict.fromkeys(name for one in objects[:MOST_ROWS] for name in one))
    ordered = sorted(names, key=lambda name: FIRST_COLUMNS.index(name) if name in FIRST_COLUMNS else len(names) + 6)
    headings = tuple(ordered[:MOST_COLUMNS])
    return _grid(headings, [tuple(_cell(one.get(name)) for name in headings) for one in objects])


def _grid(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Grid:
    left = len(rows) - MOST_ROWS
    return Grid(headings, tuple(rows[:MOST_ROWS]), f"... and {left} more" if left > 0 else "")


def _cell(value: JsonValue) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
