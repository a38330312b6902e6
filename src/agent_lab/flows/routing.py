"""Chooses where a run goes after a node: closed predicates on declared fields, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent_lab.contracts.flow import EdgeConfig, Op, Predicate
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.graph import FlowGraph, is_choice
from agent_lab.flows.state import seen_fields


def edge_key(edge: EdgeConfig) -> str:
    """The name under which the state counts how often an edge was taken."""
    return f"{edge.source}->{edge.target}"


def choose_edges(
    graph: FlowGraph,
    node: str,
    outputs: Mapping[str, NodeOutput],
    taken: Mapping[str, int],
    visits: Mapping[str, int],
) -> tuple[EdgeConfig, ...]:
    """The edges to take after `node`: the plain ones, those whose condition holds, else those with `otherwise`."""
    edges = graph.outgoing(node)
    plain = [edge for edge in edges if not is_choice(edge)]
    chosen = [edge for edge in edges if is_choice(edge) and not edge.otherwise and _holds(edge, outputs, taken, visits)]
    if not chosen:
        chosen = [edge for edge in edges if edge.otherwise and not _used_up(edge, taken)]
    return (*plain, *chosen)


def _holds(
    edge: EdgeConfig, outputs: Mapping[str, NodeOutput], taken: Mapping[str, int], visits: Mapping[str, int]
) -> bool:
    return not _used_up(edge, taken) and (edge.when is None or holds(edge.when, outputs, visits))


def _used_up(edge: EdgeConfig, taken: Mapping[str, int]) -> bool:
    return edge.max_rounds is not None and taken.get(edge_key(edge), 0) >= edge.max_rounds


def holds(predicate: Predicate, outputs: Mapping[str, NodeOutput], visits: Mapping[str, int]) -> bool:
    """True where the predicate holds. A field that has no value, or one of another kind, never does."""
    node, field = predicate.value.split(".", 1)
    fields = seen_fields(node, outputs, visits)
    return field in fields and compare(fields[field], predicate.op, predicate.than)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(value: Any, than: Any) -> bool:
    return (_number(value) and _number(than)) or (isinstance(value, str) and isinstance(than, str))


_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, than: value < than,
    "<=": lambda value, than: value <= than,
    ">": lambda value, than: value > than,
    ">=": lambda value, than: value >= than,
}


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return isinstance(whole, list) and part in whole


def compare(value: Any, op: Op, than: Any) -> bool:
    """One closed comparison. Values that cannot be compared that way compare as False, never as an error."""
    if op in _ORDERED:
        return _ordered(value, than) and _ORDERED[op](value, than)
    if op == "in":
        return _contains(than, value)
    if op == "contains":
        return _contains(value, than)
    same = type(value) is type(than) or (_number(value) and _number(than))
    return (same and value == than) if op == "==" else not (same and value == than)
