"""Recognises how a file holds answers: a row for each, a column for each arm, or the log of another harness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError, nearest
from agent_lab.evaluation.datasets import KNOWN_AS, Part
from agent_lab.evaluation.import_logs import harness_samples, inspect_log
from agent_lab.evaluation.imported import Form, Said, as_text, is_right
from agent_lab.evaluation.tables import Problems, Row, Table

Values = Mapping[str, JsonValue]
Read = TypeVar("Read")
ANSWERS = ("output", "response", "completion", "prediction", "generation", "model_answer", "model_output", "answer",
           "solution", "text")  # fmt: skip
"""What the column of the answers is called; a column before `answer` leaves that name to the target."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    "sample": ("sample", "epoch"),
    "cost_usd": ("cost_usd", "cost", "usd"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
    "seconds": ("seconds", "latency_s", "time_s", "total_time"),
    "right": ("is_correct", "correct", "right"),
}
ARMS = ("arm", "model", "system")


def form_in(
    table: Table, *, arm: str, arms: Sequence[str], columns: Mapping[str, str], known: Iterable[str], problems: Problems
) -> Form:
    """The answers of a file. `arm`: the name of the only arm, where the file has none. `arms`: the columns that are
    arms. `known`: columns of the dataset, which are none. Raises ValidationError where no answers are found."""
    about = table.about or {}
    if isinstance(about.get("eval"), dict) and isinstance(about.get("samples"), list):
        return inspect_log(table, arm, problems)
    if {"doc_id", "doc", "resps"} <= set(table.columns):
        return harness_samples(table, arm, problems)
    named = columns.get("answer") or next((name for name in ANSWERS if name in table.columns), None)
    wide = _wide_arms(table, arms, set(known) | set(columns.values()), is_long=named is not None)
    return _wide(table, wide, columns, problems) if wide else _long(table, arm, str(named), columns, problems)


# --- rows and columns -------------------------------------------------------------------------------------------------
def _wide_arms(table: Table, arms: Sequence[str], known: set[str], *, is_long: bool) -> tuple[str, ...]:
    """The columns that are arms; none where each row is one answer. Raises ValidationError."""
    missing = sorted(set(arms) - set(table.columns))
    if missing:
        raise ValidationError(f"There is no column {missing[0][:80]!r}; {nearest(missing[0], table.columns)}")
    if arms:
        return tuple(arms)
    objects = tuple(name for name in table.columns if any(_answers(row.values.get(name)) for row in table.rows))
    if objects or is_long:
        return objects
    parts = {alias for names in (*KNOWN_AS.values(), *FIELDS.values()) for alias in names} | known
    texts = [name for name in table.columns if name not in parts]
    found = tuple(name for name in texts if not any(_is_field(name, other) for other in texts))
    if not found:
        raise ValidationError(
            "No column holds answers; call it `answer`, or say which columns are arms. "
            f"There are: {', '.join(table.columns[:12])}."
        )
    return found


def _answers(value: JsonValue) -> bool:
    return isinstance(value, dict) and any(name in value for name in ANSWERS)


def _is_field(name: str, arm: str) -> bool:
    fields = {alias for names in FIELDS.values() for alias in names}
    return any(name == f"{arm}{mark}{field}" for mark in "._" for field in fields)


def _wide(table: Table, arms: Sequence[str], columns: Mapping[str, str], problems: Problems) -> Form:
    said = []
    for place, row in enumerate(table.rows):
        for arm in arms:
            value = row.values.get(arm)
            if value is None and arm not in row.values:
                continue
            values = value if isinstance(value, dict) else _gathered(row.values, arm)
            answer = next((name for name in ANSWERS if name in values), "answer")
            said.append(_said(row, values, answer, arm, place, columns, problems))
    taken = {name for name in table.columns for arm in arms if name == arm or _is_field(name, arm)}
    return Form(said=tuple(said), asked=_without(table, taken), columns=_parts(columns))


def _gathered(values: Values, arm: str) -> dict[str, JsonValue]:
    """The figures of one arm, which stand beside its column as `arm.cost_usd` or `arm_cost_usd`."""
    fields = [alias for names in FIELDS.values() for alias in names]
    beside = {
        field: values[f"{arm}{mark}{field}"] for field in fields for mark in "._" if f"{arm}{mark}{field}" in values
    }
    return {**beside, "answer": values.get(arm)}


def _long(table: Table, arm: str, answer: str, columns: Mapping[str, str], problems: Problems) -> Form:
    if answer not in table.columns:
        raise ValidationError(f"There is no column {answer[:80]!r}; {nearest(answer, table.columns)}")
    arms = columns.get("arm") or next((name for name in ARMS if name in table.columns), "")
    places: dict[tuple[str, int | None], int] = {}
    said = []
    for row in table.rows:
        name = as_text(row.values.get(arms)) or arm
        one = _said(row, row.values, answer, name, 0, columns, problems)
        place = places.setdefault((name, one.sample), 0)
        places[name, one.sample] += 1
        said.append(replace(one, place=place))
    taken = {answer, arms} | {alias for names in FIELDS.values() for alias in names}
    return Form(said=tuple(said), asked=_first_of_each(_without(table, taken), columns), columns=_parts(columns))


def _said(
    row: Row, values: Values, answer: str, arm: str, place: int, columns: Mapping[str, str], problems: Problems
) -> Said:
    told = {field: next((values[name] for name in names if name in values), None) for field, names in FIELDS.items()}

    def read(field: str, reading: Callable[[JsonValue], Read]) -> Read | None:
        value = told[field]
        try:
            return None if value is None or value == "" else reading(value)
        except (ValueError, ArithmeticError):
            shown = str(value)[:40]
            problems.add(row.line, f"{field} of {arm[:80]!r} is {shown!r}; write a number that is not negative.")
            return None

    return Said(
        line=row.line,
        arm=arm,
        place=place,
        id=as_text(_part(row.values, "id", columns)),
        question=as_text(_part(row.values, "input", columns)),
        answer=as_text(values.get(answer)),
        sample=read("sample", _whole),
        cost_usd=read("cost_usd", _usd),
        prompt_tokens=read("prompt_tokens", _whole) or 0,
        completion_tokens=read("completion_tokens", _whole) or 0,
        seconds=read("seconds", _figure) or 0.0,
        right=read("right", is_right),
    )


def _part(values: Values, part: Part, columns: Mapping[str, str]) -> JsonValue:
    if part in columns:
        return values.get(columns[part])
    return next((values[name] for name in KNOWN_AS[part] if name in values), None)


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
        key = as_text(_part(row.values, "id", columns)) or as_text(_part(row.values, "input", columns)) or row.line
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
