"""Says what of a run's outcome is not as a test case expects it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agent_lab.contracts.flow import Expectation, Op
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.run import NodeView, RunView
from agent_lab.flows.routing import compare

SHOWN_CHARS = 2_000
"""Of a text that is shown beside what was expected."""


class UnmetExpectation(Contract):
    """An expectation that the run did not meet. `found` is null where there is no such value."""

    value: str
    op: Op
    expected: JsonValue
    found: JsonValue


def differences(expected: Sequence[Expectation], view: RunView) -> tuple[UnmetExpectation, ...]:
    """Those that are not met, in the order of the case."""
    told = []
    for one in expected:
        found = found_value(one.value, view)
        if not compare(found, one.op, one.than):
            told.append(UnmetExpectation(value=one.value, op=one.op, expected=one.than, found=shortened(found)))
    return tuple(told)


def found_value(name: str, view: RunView) -> JsonValue:
    """What the run has under that name; None where it has nothing."""
    node, _, field = name.partition(".")
    if field:
        return next((_of_node(one, field) for one in view.nodes if one.id == node), None)
    cost = view.totals.cost_usd
    whole: Mapping[str, JsonValue] = {
        "answer": view.answer,
        "draft": view.draft,
        "status": view.status,
        "calls": view.totals.calls,
        "cost_usd": None if cost is None else float(cost),
    }
    return whole.get(name)


def _of_node(node: NodeView, field: str) -> JsonValue:
    if field == "visits":
        return node.visits
    return (node.text if node.visits else None) if field == "text" else node.fields.get(field)


def shortened(value: JsonValue) -> JsonValue:
    """The value; the beginning of its text where that is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def difference_line(one: UnmetExpectation) -> str:
    """`answer == "85" was expected, and it is "75"`, on one line."""
    expected, found = (json.dumps(value, ensure_ascii=False) for value in (one.expected, one.found))
    return f"{one.value} {one.op} {expected} was expected, and it is {found}."
