"""What both kinds of evaluation stores hold to: how things stand as text, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import pydantic
from pydantic import TypeAdapter

from agent_lab.contracts.errors import EnvironmentFaultError, NotFoundError, unknown_name
from agent_lab.contracts.evaluation import ArmOrigin, Cell, Dataset, DatasetInfo, EvaluationInfo, Item
from agent_lab.contracts.sentences import said
from agent_lab.storage.utf8 import json_text

PART_ITEMS = 500
"""Items that stand in one row."""
ITEMS: TypeAdapter[tuple[Item, ...]] = TypeAdapter(tuple[Item, ...])
ORIGINS: TypeAdapter[tuple[ArmOrigin, ...]] = TypeAdapter(tuple[ArmOrigin, ...])
_KEY_OF_CELL = frozenset({"arm", "item", "sample"})

Document = TypeVar("Document", bound=pydantic.BaseModel)


def body_of(document: pydantic.BaseModel, *, exclude: frozenset[str] = frozenset()) -> str:
    """The document as JSON, without what was left at its default; lone surrogates are replaced."""
    return _text(document, exclude, short=True)


def info_body(info: EvaluationInfo) -> str:
    """The same whole: the kinds of its arms are defaults, and without them nobody could tell what they are."""
    return _text(info, frozenset(), short=False)


def _text(document: pydantic.BaseModel, exclude: frozenset[str], *, short: bool) -> str:
    try:
        return document.model_dump_json(exclude_defaults=short, exclude=set(exclude))
    except ValueError:  # a lone surrogate, which a model may write
        return json_text(document.model_dump(mode="json", exclude_defaults=short, exclude=set(exclude)))


def cell_body(cell: Cell) -> str:
    """What a cell says beyond its key."""
    return body_of(cell, exclude=_KEY_OF_CELL)


def read_cell(arm: str, item: str, sample: int, body: str) -> Cell:
    """The cell of a row. Raises EnvironmentFaultError where it is damaged."""
    head = json_text({"arm": arm, "item": item, "sample": sample})
    whole = head if body == "{}" else f"{head[:-1]},{body[1:]}"
    return read_body(Cell, whole, what=f"The answer of {arm!r} to item {item!r}")


def read_body(kind: type[Document], body: str, *, what: str) -> Document:
    """The document of a row. Raises EnvironmentFaultError where it is damaged or of another version."""
    try:
        return kind.model_validate_json(body)
    except pydantic.ValidationError as error:
        raise _damaged(what) from error


def items_body(items: Sequence[Item]) -> str:
    """Items as a JSON list."""
    try:
        return ITEMS.dump_json(tuple(items), exclude_defaults=True).decode()
    except ValueError:
        return json_text([item.model_dump(mode="json", exclude_defaults=True) for item in items])


def read_items(body: str, *, what: str) -> tuple[Item, ...]:
    """The items of such a list."""
    try:
        return ITEMS.validate_json(body)
    except pydantic.ValidationError as error:
        raise _damaged(what) from error


def origins_body(origins: Sequence[ArmOrigin]) -> str:
    """Origins as a JSON list."""
    return json_text([origin.model_dump(mode="json", exclude_defaults=True) for origin in origins])


def read_origins(body: str, *, what: str) -> tuple[ArmOrigin, ...]:
    """The origins of such a list."""
    try:
        return ORIGINS.validate_json(body)
    except pydantic.ValidationError as error:
        raise _damaged(what) from error


def parts(items: Sequence[Item]) -> Iterator[tuple[int, Sequence[Item]]]:
    """The items in parts of a row each, numbered from 0."""
    for number, start in enumerate(range(0, len(items), PART_ITEMS)):
        yield number, items[start : start + PART_ITEMS]


def stamped(dataset: Dataset, now: datetime) -> DatasetInfo:
    """How it is listed from now on."""
    info = dataset.info
    return info if info.created_at is not None else info.model_copy(update={"created_at": now})


def free_for(
    owner: str, held_by: str | None, until: datetime | None, now: datetime, *, instead_of: str | None = None
) -> bool:
    """True where `owner` may take an evaluation or keep it."""
    return held_by in (None, owner, instead_of) or until is None or until <= now


def unknown_dataset(name: str, known: Sequence[str]) -> NotFoundError:
    """There is no dataset of that name or hash."""
    return unknown_name("dataset", name, known, where="dataset")


def unknown_evaluation(evaluation_id: str) -> NotFoundError:
    """There is no evaluation of that id."""
    return NotFoundError(
        said(
            "no_evaluation",
            "There is no evaluation {id!r}; list them with `agent-lab eval list`.",
            id=evaluation_id[:80],
        )
    )


def _damaged(what: str) -> EnvironmentFaultError:
    return EnvironmentFaultError(
        f"{what} cannot be read: it is damaged, or a newer version of AI Agent Lab wrote it. "
        "Restore the database from a backup, or use that version."
    )
