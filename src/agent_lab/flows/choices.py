"""Tells of a node's conditional edges which are taken together, and which never are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.flow import EdgeConfig, Op, Predicate

MOST_COMPARED = 8
"""Of more conditions than these, other than `==` and `in`, none is taken to exclude another."""
OPPOSITE: dict[Op, Op] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def is_choice(edge: EdgeConfig) -> bool:
    """True where the edge is taken or not by what happened in the run."""
    return edge.when is not None or edge.otherwise or edge.max_rounds is not None


@dataclass(frozen=True, slots=True)
class Options:
    """A node's conditional edges, those with one and the same condition together."""

    always: tuple[EdgeConfig, ...]
    """Those whose condition holds in every turn: a way to give turns without being waited for."""
    conditions: tuple[tuple[EdgeConfig, ...], ...]
    otherwise: tuple[EdgeConfig, ...]
    exclusive: bool
    """No two of the conditions hold in the same turn."""
    opposite: bool
    """There are two conditions, and one of them holds in every turn (in which the field has a value)."""


def options(edges: Sequence[EdgeConfig]) -> Options:
    """The options among a node's outgoing edges."""
    groups: dict[object, list[EdgeConfig]] = {}
    for edge in edges:
        bound = edge.max_rounds is not None and not edge.otherwise
        if (edge.when is not None and not always_holds(edge)) or bound:
            groups.setdefault(condition(edge), []).append(edge)
    always = tuple(edge for edge in edges if always_holds(edge))
    conditions = tuple(tuple(group) for group in groups.values())
    firsts = [group[0] for group in conditions]
    return Options(
        always=always,
        conditions=conditions,
        otherwise=tuple(edge for edge in edges if edge.otherwise and edge.when is None),
        exclusive=not always and (len(firsts) < 2 or _exclusive([edge.when for edge in firsts])),
        opposite=len(firsts) == 2 and all(edge.max_rounds is None for edge in firsts) and _opposite(*firsts),
    )


def always_holds(edge: EdgeConfig) -> bool:
    """True for a condition that asks whether its own node has had a turn."""
    when = edge.when
    if when is None or edge.max_rounds is not None or when.value != f"{edge.source}.visits":
        return False
    number = isinstance(when.than, int | float) and not isinstance(when.than, bool)
    return number and (when.op, when.than) in {(">=", 1), (">", 0)}


def condition(edge: EdgeConfig) -> object:
    """What an edge depends on. Of one node's edges those with an equal one are always taken together: an equal bound
    runs out at the same time."""
    when = edge.when and (edge.when.value, edge.when.op, canonical_json(edge.when.than))
    return when, edge.otherwise, edge.max_rounds


def _exclusive(conditions: Sequence[Predicate | None]) -> bool:
    known = [one for one in conditions if one is not None]
    if len(known) < len(conditions) or len({one.value for one in known}) > 1:
        return False
    if all(one.op in {"==", "in"} for one in known):
        values = [value for one in known for value in _values(one)]
        return len(set(values)) == len(values)
    return len(known) <= MOST_COMPARED and all(_apart(one, other) for one, other in combinations(known, 2))


def _values(one: Predicate) -> set[object]:
    """What the field may be where the condition holds, in a form that can be compared."""
    found = one.than if one.op == "in" and isinstance(one.than, list) else [one.than]
    if one.op == "in" and not isinstance(one.than, list):
        return {None}  # a part of a text: nothing is claimed of two of these
    return {_plain(value) for value in found}


def _plain(value: object) -> object:
    # 1 and 1.0 are the same to a condition, 1 and true are not.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("number", value) if number else canonical_json(value)  # type: ignore[arg-type]


def _apart(one: Predicate, other: Predicate) -> bool:
    if OPPOSITE.get(one.op) == other.op and canonical_json(one.than) == canonical_json(other.than):
        return True
    low, high = (one, other) if one.op in {"<", "<="} else (other, one)
    if low.op not in {"<", "<="} or high.op not in {">", ">=", "=="}:
        return False
    if not _comparable(low.than, high.than):
        return False
    both_reach = low.op == "<=" and high.op != ">"
    return bool(low.than < high.than or (low.than == high.than and not both_reach))  # type: ignore[operator]


def _comparable(one: object, other: object) -> bool:
    texts = isinstance(one, str) and isinstance(other, str)
    return texts or all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))


def _opposite(one: EdgeConfig, other: EdgeConfig) -> bool:
    first, second = one.when, other.when
    return (
        first is not None
        and second is not None
        and first.value == second.value
        and OPPOSITE.get(first.op) == second.op
        and canonical_json(first.than) == canonical_json(second.than)
    )
