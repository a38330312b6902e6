"""Tells which columns of a file hold answers: one column of them, or a column for each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError, nearest
from agent_lab.contracts.evaluation import Item
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.data.datasets import KNOWN_AS, Part, final_of, normalized_question
from agent_lab.evaluation.data.tables import Row, Table
from agent_lab.evaluation.importing.answers import as_text

ANSWERS = ("output", "response", "completion", "prediction", "generation", "model_answer", "model_output", "answer",
           "solution", "text")  # fmt: skip
"""What the column of the answers is called; a column before `answer` leaves that name to the target."""
LISTED = ("outputs", "responses", "completions", "predictions", "generations", "solutions")
"""And where it holds several of them in a list."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    "sample": ("sample", "epoch"),
    "cost_usd": ("cost_usd", "cost", "usd"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
    "seconds": ("seconds", "latency_s", "time_s", "total_time"),
    "right": ("is_correct", "correct", "right"),
}
"""What the figures of an answer are called."""
ARMS = ("arm", "model", "system")


def arms_in(
    table: Table, *, items: Sequence[Item] | None, arms: Sequence[str], columns: Mapping[str, str]
) -> str | tuple[str, ...]:
    """The one column of answers, or the columns that are an arm each. Raises ValidationError where there are none."""
    missing = next((name for name in (*arms, *columns.values()) if name and name not in table.columns), None)
    if missing is not None:
        raise ValidationError(
            said(
                "no_column",
                "There is no column {column!r}; {near}",
                column=missing[:80],
                near=nearest(missing, table.columns),
            )
        )
    if arms:
        return tuple(arms)
    objects = tuple(name for name in table.columns if any(_is_arm(row.values.get(name)) for row in table.rows))
    if objects:
        return objects
    named = [columns["answer"]] if "answer" in columns else [one for one in (*ANSWERS, *LISTED) if one in table.columns]
    beside = _others(table, items, columns)
    targets = _targets(table, items, columns) if beside and "answer" not in columns else set()
    answer = next((name for name in named if name not in targets), None)
    if answer is not None:
        return answer
    if not beside:
        raise ValidationError(
            said(
                "no_answer_column",
                "No column holds answers; call it `answer`, or say which columns are arms. There are: {columns}.",
                columns=table.columns[:12],
            )
        )
    return beside


def is_figure(name: str, arm: str) -> bool:
    """Whether the column holds a figure of that arm: `arm.cost_usd`, `arm_is_correct`."""
    figures = {alias for names in FIELDS.values() for alias in names}
    return any(name == f"{arm}{mark}{figure}" for mark in "._" for figure in figures)


def part_of(values: Mapping[str, JsonValue], part: Part, columns: Mapping[str, str]) -> JsonValue:
    """A row's question, target, id or split."""
    if part in columns:
        return values.get(columns[part])
    return next((values[name] for name in KNOWN_AS[part] if name in values), None)


def _is_arm(value: JsonValue) -> bool:
    return isinstance(value, dict) and any(name in value for name in (*ANSWERS, *LISTED))


def _others(table: Table, items: Sequence[Item] | None, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that nobody knows, without the figures beside them: arms, where no column is called `answer`."""
    known = {alias for names in (*KNOWN_AS.values(), *FIELDS.values()) for alias in names}
    known |= {*ANSWERS, *LISTED, *ARMS, *columns.values(), *(name for item in items or () for name in item.columns)}
    texts = [name for name in table.columns if name not in known]
    return tuple(name for name in texts if not any(is_figure(name, other) for other in texts))


def _targets(table: Table, items: Sequence[Item] | None, columns: Mapping[str, str]) -> set[str]:
    """The columns that hold what is right, though they are called as answers are."""
    if items is None:
        mapped = columns.get("target")
        return {mapped or next((name for name in KNOWN_AS["target"] if name in table.columns), "")}
    targets = {item.id: item.target for item in items}
    targets |= {normalized_question(item.input): item.target for item in items}
    return {name for name in ANSWERS if name in table.columns and _is_target(name, table.rows, targets, columns)}


def _is_target(name: str, rows: Sequence[Row], targets: Mapping[str, str | None], columns: Mapping[str, str]) -> bool:
    for row in rows:
        told = as_text(row.values.get(name))
        key, question = (as_text(part_of(row.values, part, columns)) or "" for part in ("id", "input"))
        wanted = targets.get(key) or targets.get(normalized_question(question))
        if told is None or wanted is None or (told != wanted and final_of(told) != wanted):
            return False
    return True
