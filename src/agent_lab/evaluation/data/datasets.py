"""Makes a dataset of a file: items with ids that last, or all that is wrong with it at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from pydantic import JsonValue
from pydantic import ValidationError as InvalidModel

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.errors import TooLargeError, ValidationError, nearest
from agent_lab.contracts.evaluation import MAX_ITEMS, Dataset, DatasetInfo, Item, Split
from agent_lab.contracts.sentences import said
from agent_lab.demo.problems import held_out
from agent_lab.evaluation.data.tables import Format, Problems, Row, Table, read_table

Part = Literal["input", "target", "id", "split"]
PARTS: tuple[Part, ...] = ("input", "target", "id", "split")
DEMO = "demo"
KNOWN_AS: Mapping[Part, tuple[str, ...]] = {
    "input": ("input", "question", "prompt", "problem"),
    "target": ("target", "answer", "ground_truth", "expected", "solution"),
    "id": ("id", "item_id", "task_id", "question_id"),
    "split": ("split",),
}
"""What the columns are called in files that nobody has made a map for; the first that is there counts."""
SPLITS: Mapping[str, Split] = {
    **dict.fromkeys(("tune", "tuning", "train", "training", "dev", "val", "valid", "validation"), "tune"),
    **dict.fromkeys(("test", "testing", "eval", "held_out", "held-out"), "test"),
}
_WORKED = re.compile(r"(?:\A|\n)[ \t]*(?:####|A:)[ \t]*(?P<said>[^\n]*\S)\s*\Z")
"""How GSM8K ends a worked answer, and how the solutions of models to it do."""
_CALCULATED = re.compile(r"<<[^<>\n]*>>")


def read_dataset(
    raw: bytes,
    *,
    name: str,
    source: str = "uploaded",
    columns: Mapping[str, str] | None = None,
    form: Format | None = None,
    now: datetime | None = None,
) -> Dataset:
    """A dataset of JSONL, JSON or CSV. `columns`: what `input`, `target`, `id` and `split` are called in the file; an
    empty name: there is none.

    Where no id is given it is made from the question and its target. GSM8K's own files are recognised: what follows
    `####` is the target. Raises ProblemsError (all bad rows, with their lines), TooLargeError, ValidationError.
    """
    what = said("dataset_named", "The dataset {name!r}", name=name)
    table = read_table(raw, what=what, form=form)
    return dataset_of(items_of(table, what=what, columns=columns), name=name, source=source, now=now)


def dataset_of(items: Iterable[Item], *, name: str, source: str = "uploaded", now: datetime | None = None) -> Dataset:
    """The items as a dataset, described and hashed."""
    kept = tuple(items)
    info = DatasetInfo(
        name=name,
        content_hash=_hash_of(kept),
        items=len(kept),
        tune=sum(item.split == "tune" for item in kept),
        test=sum(item.split == "test" for item in kept),
        columns=tuple(dict.fromkeys(column for item in kept for column in item.columns)),
        source=source,
        created_at=now or datetime.now(UTC),
    )
    return Dataset(info=info, items=kept)


@lru_cache(maxsize=1)
def demo_dataset() -> Dataset:
    """The problems that the built-in model never saw."""
    items = (
        Item(id=one.id, input=one.input, target=one.target, columns={"steps": list(one.steps)}) for one in held_out()
    )
    return dataset_of(items, name=DEMO, source="built-in", now=datetime(2026, 11, 1, tzinfo=UTC))


def normalized_question(text: str) -> str:
    """The question without what does not make it another one: case and spaces."""
    return " ".join(text.casefold().split())


# --- rows -------------------------------------------------------------------------------------------------------------
def items_of(table: Table, *, what: str, columns: Mapping[str, str] | None = None) -> tuple[Item, ...]:
    """The rows as items. Raises ProblemsError, TooLargeError, ValidationError."""
    if len(table.rows) > MAX_ITEMS:
        raise TooLargeError(
            said(
                "items_too_many",
                "{what} has {count:,} items; {most:,} are allowed.",
                what=what,
                count=len(table.rows),
                most=MAX_ITEMS,
            )
        )
    places = places_of(table.columns, columns or {}, what)
    worked = _is_worked(table.rows, places.get("target"))
    problems = Problems(what, table.unit)
    lines: dict[str, tuple[int, str | None]] = {}
    items: list[Item] = []
    for row in table.rows:
        try:
            item = _item(row.values, places, worked)
        except ValidationError as error:
            problems.add(row.line, error.message)
            continue
        given = "id" in places and _plain(row.values.get(places["id"])) is not None
        first = lines.setdefault(item.id, (row.line, item.target))
        if first[0] == row.line:
            items.append(item)
        elif given:
            problems.add(
                row.line,
                said(
                    "id_twice",
                    "the id {id!r} is that of {unit} {number} already.",
                    id=item.id[:80],
                    unit=table.unit,
                    number=first[0],
                ),
            )
        else:
            problems.add(
                row.line,
                said(
                    "row_twice",
                    "it is {unit} {number} once more; leave one of them out, or give each row an id.",
                    unit=table.unit,
                    number=first[0],
                ),
            )
    problems.raise_any()
    return tuple(items)


def places_of(found: Sequence[str], columns: Mapping[str, str], what: str) -> dict[Part, str]:
    """The column of each part of an item. Raises ValidationError where one that is needed or named is not there."""
    unknown = sorted(set(columns) - set(PARTS))
    if unknown:
        raise ValidationError(
            said(
                "no_such_part",
                "A column map names {parts}; {name!r} is none of them.",
                parts=PARTS,
                name=unknown[0][:80],
            )
        )
    places: dict[Part, str] = {}
    for part in PARTS:
        asked = columns.get(part)
        if asked and asked not in found:
            raise ValidationError(
                said(
                    "file_has_no_column",
                    "{what} has no column {column!r}; {near}",
                    what=what,
                    column=asked[:80],
                    near=nearest(asked, found),
                )
            )
        taken = set(places.values()) | {one for other, one in columns.items() if other != part}
        known = [name for name in KNOWN_AS[part] if name in found and name not in taken]
        place = asked if asked is not None else next(iter(known), "")
        if place:
            places[part] = place
    if "input" not in places:
        raise ValidationError(
            said(
                "no_question_column",
                "{what} has no column for the question; call one `input`, or say which it is "
                "(input=...). There are: {columns}.",
                what=what,
                columns=found[:12],
            )
        )
    return places


def _item(values: Mapping[str, JsonValue], places: Mapping[Part, str], worked: bool) -> Item:
    """One row. Raises ValidationError with a sentence that begins with a small letter."""
    question = _plain(values.get(places["input"]))
    if question is None:
        raise ValidationError(
            said("question_empty", "{column!r} is empty; write the question.", column=places["input"])
        )
    target = _plain(values.get(places["target"])) if "target" in places else None
    kept = {column: value for column, value in values.items() if column not in places.values()}
    if worked and target is not None:
        kept["solution"] = target
        target = final_of(target)
    given = _plain(values.get(places["id"])) if "id" in places else None
    try:
        return Item(
            id=given.strip() if given else made_id(question, target),
            input=question,
            target=target,
            split=_split(values.get(places["split"])) if "split" in places else None,
            columns=kept,
        )
    except InvalidModel as error:
        first = error.errors()[0]
        raise ValidationError(f"{first['loc'][0]!r}: {first['msg'][0].lower()}{first['msg'][1:]}.") from error


def made_id(question: str, target: str | None) -> str:
    """The id of a row that brings none: the same for the same question and target, in every file."""
    return hashlib.sha256(canonical_json([question, target])).hexdigest()[:16]


def final_of(worked: str) -> str | None:
    """What a worked answer of GSM8K comes to: after the last `####` (or `A:`), without commas between thousands."""
    found = _WORKED.search(worked)
    return None if found is None else re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", found["said"].strip())


def without_calculations(worked: str) -> str:
    """The text without GSM8K's notes for a calculator, `<<48/2=24>>`."""
    return _CALCULATED.sub("", worked)


def _is_worked(rows: Sequence[Row], column: str | None) -> bool:
    if column is None:
        return False
    targets = [row.values.get(column) for row in rows]
    return all(isinstance(one, str) and "\n" in one.strip() and _WORKED.search(one) for one in targets)


def _plain(value: JsonValue) -> str | None:
    """A cell as text: values of JSON that are no text as JSON writes them; None for an empty one."""
    if value is None:
        return None
    text = value if isinstance(value, str) else canonical_json(value).decode("ascii")
    return text if text.strip() else None


def _split(value: JsonValue) -> Split | None:
    text = (_plain(value) or "").strip().casefold()
    if text and text not in SPLITS:
        raise ValidationError(
            said(
                "unknown_split",
                "its split is {split!r}; write `tune` or `test`, or map another column (an empty name: none).",
                split=text[:40],
            )
        )
    return SPLITS.get(text)


def _hash_of(items: Sequence[Item]) -> str:
    digest = hashlib.sha256()
    for item in items:
        digest.update(canonical_json([item.id, item.input, item.target, item.split, item.columns]) + b"\n")
    return digest.hexdigest()
