"""Chooses the items that are asked: a split that no item ever leaves, an order, and so many of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import Dataset, Item, Split
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.data.datasets import normalized_question

TUNE = 0.2


def select(
    dataset: Dataset,
    *,
    split: Split | None = None,
    limit: int | None = None,
    order: Literal["given", "shuffled"] = "given",
    seed: int = 0,
) -> tuple[Item, ...]:
    """The items that an evaluation asks, in their order. Raises ValidationError where none is left.

    A dataset that says nothing of splits is split by its questions, whatever the seed: what was for tuning once is
    never tested on.
    """
    items = dataset.items
    if split is not None:
        if all(item.split is None for item in items):
            items = split_items(items)
        items = tuple(item for item in items if item.split == split)
    if order == "shuffled":
        items = tuple(sorted(items, key=lambda item: _draw(seed, item.id)))
    if not items:
        of = said("in_split", " in its split {split!r}", split=split) if split else ""
        raise ValidationError(
            said(
                "no_items_in_split",
                "The dataset {dataset!r} has no items{of}; choose another split or dataset.",
                dataset=dataset.info.name,
                of=of,
            )
        )
    return items[:limit]


def split_items(items: Iterable[Item], tune: float = TUNE, seed: int = 0) -> tuple[Item, ...]:
    """The items with a split each: `tune` of them for tuning, by a draw that the question alone decides.

    An item stays where it is whatever else the dataset holds, and so do all that ask the same. One that has a split
    keeps it, and those that ask the same follow it.
    """
    kept = tuple(items)
    given: dict[str, Split] = {}
    for item in kept:
        if item.split is not None:
            given.setdefault(normalized_question(item.input), item.split)
    return tuple(
        item if item.split else item.model_copy(update={"split": _side(item, given, tune, seed)}) for item in kept
    )


def overlap(tune: Sequence[Item], test: Sequence[Item]) -> tuple[tuple[str, str], ...]:
    """The ids of items that ask the same, case and spaces aside: (for tuning, for testing)."""
    asked: dict[str, str] = {}
    for item in tune:
        asked.setdefault(normalized_question(item.input), item.id)
    found = ((asked.get(normalized_question(item.input)), item.id) for item in test)
    return tuple((known, tested) for known, tested in found if known is not None)


def _side(item: Item, given: dict[str, Split], tune: float, seed: int) -> Split:
    question = normalized_question(item.input)
    return given.get(question) or ("tune" if _draw(seed, question) < tune * 2**64 else "test")


def _draw(seed: int, text: str) -> int:
    """A number below 2**64 that a seed and a text decide."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
