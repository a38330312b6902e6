"""Says of each item of an evaluation how the arms did on it, and finds those on which two arms differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.evaluation import Cell, Item
from agent_lab.lab.evaluation_shapes import CELL, ITEM, MARK

SHOWN_CHARS = 300
Only = Literal["all", "differ", "arm_better", "against_better", "neither", "both", "failed"]
RIGHT = 0.5
"""From here on an item counts as right: over half of its samples were, or a judge preferred it."""


class Mark(BaseModel):
    """How one arm did on one item: the mean score of its answers."""

    model_config = ConfigDict(json_schema_extra={"example": MARK})

    score: float
    samples: int
    failed: int
    choice: str | None
    """What its first answer came down to."""


class ItemRow(BaseModel):
    """An item and the mark of each arm that has answered it."""

    model_config = ConfigDict(json_schema_extra={"example": {"item": ITEM, "marks": {"challenge": MARK}}})

    item: Item
    marks: dict[str, Mark]


class ItemPage(BaseModel):
    """A page of items in the order in which they were asked; `next_cursor` is None on the last one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [{"item": ITEM, "marks": {"challenge": MARK}}],
                "found": 1,
                "next_cursor": None,
            }
        }
    )

    items: list[ItemRow]
    found: int
    """As many are like that, on all pages."""
    next_cursor: str | None


class ItemAnswers(BaseModel):
    """One item in full, with every answer to it."""

    model_config = ConfigDict(json_schema_extra={"example": {"item": ITEM, "cells": [CELL]}})

    item: Item
    cells: list[Cell]


def rows(items: Sequence[Item], cells: Iterable[Cell]) -> list[ItemRow]:
    """Every item with the marks of its arms."""
    by_item: Mapping[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        by_item[cell.item][cell.arm].append(cell)
    return [ItemRow(item=item, marks={arm: _mark(found) for arm, found in by_item[item.id].items()}) for item in items]


def like(found: Sequence[ItemRow], only: Only, arm: str | None, against: str | None, words: str) -> list[ItemRow]:
    """Those of the rows that are like that. Without two arms every arm counts for `failed`, and the rest is all."""
    wanted = words.casefold()
    return [row for row in found if _is_like(row, only, arm, against) and (not wanted or _has(row, wanted))]


def shortened(item: Item) -> Item:
    """As much of an item as a list shows."""
    target = None if item.target is None else item.target[:SHOWN_CHARS]
    return Item(id=item.id, input=item.input[:SHOWN_CHARS], target=target, split=item.split)


def _mark(cells: Sequence[Cell]) -> Mark:
    ordered = sorted(cells, key=lambda cell: cell.sample)
    return Mark(
        score=sum(cell.score for cell in ordered) / len(ordered),
        samples=len(ordered),
        failed=sum(cell.status != "completed" for cell in ordered),
        choice=None if ordered[0].choice is None else ordered[0].choice[:SHOWN_CHARS],
    )


def _is_like(row: ItemRow, only: Only, arm: str | None, against: str | None) -> bool:
    one, other = row.marks.get(arm or ""), row.marks.get(against or "")
    if only == "all":
        return True
    if only == "failed":
        asked = row.marks.values() if one is None and other is None else (one, other)
        return any(mark is not None and mark.failed > 0 for mark in asked)
    if one is None or other is None:
        return False
    tests = {
        "differ": one.score != other.score,
        "arm_better": one.score > other.score,
        "against_better": one.score < other.score,
        "both": one.score > RIGHT and other.score > RIGHT,
        "neither": one.score < RIGHT and other.score < RIGHT,
    }
    return tests[only]


def _has(row: ItemRow, wanted: str) -> bool:
    return wanted in f"{row.item.id}\n{row.item.input}\n{row.item.target or ''}".casefold()
