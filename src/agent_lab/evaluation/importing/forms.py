"""Recognises how a file holds answers: a row for each, a column for each arm, or the log of another harness."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from pydantic import JsonValue

from agent_lab.contracts.evaluation import Item
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.data.datasets import KNOWN_AS
from agent_lab.evaluation.data.tables import Problems, Row, Table
from agent_lab.evaluation.importing.answers import Form, Said, as_text, is_right
from agent_lab.evaluation.importing.columns import ANSWERS, ARMS, FIELDS, LISTED, arms_in, is_figure, part_of
from agent_lab.evaluation.importing.logs import harness_samples, inspect_log

Values = Mapping[str, JsonValue]
Read = TypeVar("Read")


def form_in(
    table: Table,
    *,
    items: Sequence[Item] | None,
    arm: str,
    arms: Sequence[str],
    columns: Mapping[str, str],
    problems: Problems,
) -> Form:
    """The answers of a file. `arm`: the name of the only arm, where the file has none. `arms`: the columns that are
    arms. `items`: those of the dataset, where one is given. Raises ValidationError where no answers are found."""
    about = table.about or {}
    if isinstance(about.get("eval"), dict) and isinstance(about.get("samples"), list):
        return inspect_log(table, arm, problems)
    if {"doc_id", "doc", "resps"} <= set(table.columns):
        return harness_samples(table, arm, problems)
    found = arms_in(table, items=items, arms=arms, columns=columns)
    if isinstance(found, str):
        return _long(table, arm, found, columns, problems)
    return _wide(table, found, columns, problems)


def _wide(table: Table, arms: Sequence[str], columns: Mapping[str, str], problems: Problems) -> Form:
    given: list[Said] = []
    for place, row in enumerate(table.rows):
        for arm in arms:
            value = row.values.get(arm)
            if value is None and arm not in row.values:
                continue
            values = value if isinstance(value, dict) else _gathered(row.values, arm)
            answer = next((name for name in (*ANSWERS, *LISTED) if name in values), "answer")
            given += _said(row, values, answer, arm, place, columns, problems)
    taken = {name for name in table.columns for arm in arms if name == arm or is_figure(name, arm)}
    return Form(said=tuple(given), asked=_without(table, taken), columns=_parts(columns))


def _gathered(values: Values, arm: str) -> dict[str, JsonValue]:
    """The figures of one arm, which stand beside its column as `arm.cost_usd` or `arm_cost_usd`."""
    fields = [alias for names in FIELDS.values() for alias in names]
    beside = {
        field: values[f"{arm}{mark}{field}"] for field in fields for mark in "._" if f"{arm}{mark}{field}" in values
    }
    return {**beside, "answer": values.get(arm)}


def _long(table: Table, arm: str, answer: str, columns: Mapping[str, str], problems: Problems) -> Form:
    arms = columns.get("arm") or next((name for name in ARMS if name in table.columns), "")
    places: Counter[tuple[str, int | None]] = Counter()
    given: list[Said] = []
    for row in table.rows:
        name = as_text(row.values.get(arms)) or arm
        for one in _said(row, row.values, answer, name, 0, columns, problems):
            given.append(replace(one, place=places[name, one.sample]))
            places[name, one.sample] += 1
    taken = {answer, arms} | {alias for names in FIELDS.values() for alias in names}
    return Form(said=tuple(given), asked=_first_of_each(_without(table, taken), columns), columns=_parts(columns))


def _said(
    row: Row, values: Values, answer: str, arm: str, place: int, columns: Mapping[str, str], problems: Problems
) -> list[Said]:
    """The answer of a row to its item; where it is a list of texts, an answer for each: they are its samples."""
    told = {field: next((values[name] for name in names if name in values), None) for field, names in FIELDS.items()}

    def read(field: str, reading: Callable[[JsonValue], Read]) -> Read | None:
        value = told[field]
        try:
            return None if value is None or value == "" else reading(value)
        except (ValueError, ArithmeticError):
            shown = str(value)[:40]
            problems.add(
                row.line,
                said(
                    "figure_no_number",
                    "{field} of {arm!r} is {shown!r}; write a number that is not negative.",
                    field=field,
                    arm=arm[:80],
                    shown=shown,
                ),
            )
            return None

    one = Said(
        line=row.line,
        arm=arm,
        place=place,
        id=as_text(part_of(row.values, "id", columns)),
        question=as_text(part_of(row.values, "input", columns)),
        cost_usd=read("cost_usd", _usd),
        prompt_tokens=read("prompt_tokens", _whole) or 0,
        completion_tokens=read("completion_tokens", _whole) or 0,
        seconds=read("seconds", _figure) or 0.0,
    )
    answers, right = values.get(answer), told["right"]
    if not (isinstance(answers, list) and answers and all(isinstance(text, str) for text in answers)):
        return [replace(one, answer=as_text(answers), sample=read("sample", _whole), right=is_right(right))]
    marks = right if isinstance(right, list) and len(right) == len(answers) else [None] * len(answers)
    # What they took together is told of the first, so that it is counted once.
    nothing = None if one.cost_usd is None else Decimal(0)
    figures = replace(one, cost_usd=nothing, prompt_tokens=0, completion_tokens=0, seconds=0.0)
    return [
        replace(figures if sample else one, answer=as_text(text), sample=sample, right=is_right(mark))
        for sample, (text, mark) in enumerate(zip(answers, marks, strict=True))
    ]


def _parts(columns: Mapping[str, str]) -> dict[str, str]:
    return {part: name for part, name in columns.items() if part in KNOWN_AS}


def _without(table: Table, columns: set[str]) -> Table:
    rows = (
        Row(row.line, {name: value for name, value in row.values.items() if name not in columns}) for row in table.rows
    )
    return Table(tuple(rows), table.unit)


def _first_of_each(table: Table, columns: Mapping[str, str]) -> Table:
    """A row for each item, where several answers to it have a row each."""
    first: dict[object, Row] = {}
    for row in table.rows:
        key = as_text(part_of(row.values, "id", columns)) or as_text(part_of(row.values, "input", columns)) or row.line
        first.setdefault(key, row)
    return Table(tuple(first.values()), table.unit)


# --- values -----------------------------------------------------------------------------------------------------------
def _figure(value: JsonValue) -> float:
    number = float(str(value).strip())
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError(value)
    return number


def _whole(value: JsonValue) -> int:
    number = _figure(value)
    if number != int(number) or number >= 2**53:
        raise ValueError(value)
    return int(number)


def _usd(value: JsonValue) -> Decimal:
    _figure(value)
    return Decimal(str(value).strip())
