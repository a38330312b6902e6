"""Checks a flow document and tells all that is wrong with it at once, each with its place and a way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.flows.bounds import most_turns
from agent_lab.flows.checking.cases import check_cases
from agent_lab.flows.checking.examined import Examined
from agent_lab.flows.checking.nodes import check_nodes, read_settings
from agent_lab.flows.checking.report import Problem as Problem
from agent_lab.flows.checking.report import pointer as pointer
from agent_lab.flows.checking.report import shape_problems as shape_problems
from agent_lab.flows.checking.shape import check_edges, check_ends, check_layout, check_names, check_shape
from agent_lab.flows.checking.subflows import check_subflows
from agent_lab.flows.graph import graph_of

MOST_STEPS = 10_000
"""What `limits.max_steps` may be at the most."""
CHECKS = (
    check_names,
    read_settings,
    check_edges,
    check_shape,
    check_ends,
    check_nodes,
    check_subflows,
    check_cases,
)
"""In the order in which they look; `read_settings` comes before whatever asks for fields."""


def check_flow(
    document: JsonValue,
    *,
    kinds: Mapping[str, NodeKind],
    models: Collection[str],
    strategies: Collection[str],
    flows: Callable[[str], FlowConfig | None] | None = None,
    unusable: Collection[str] = (),
) -> tuple[FlowConfig | None, list[Problem]]:
    """The flow, where its shape is right, and every problem found. A flow may run where none of them is an error.

    `flows` finds a flow that a node runs; without it these are not looked for. `unusable`: names that it does not
    find because those flows have problems.
    """
    try:
        flow = FlowConfig.model_validate(document)
    except pydantic.ValidationError as error:
        return None, shape_problems(error, FlowConfig, document)
    check = Examined(flow, kinds, frozenset(models), frozenset(strategies), flows, unusable, graph_of(flow))
    check.positions = {node.id: position for position, node in reversed([*enumerate(flow.nodes)])}
    for examine in CHECKS:
        examine(check)
    if not check.report.problems:
        _warn_of_limits(check)
    check_layout(check)
    return flow, check.report.problems


def _warn_of_limits(check: Examined) -> None:
    most = sum(most_turns(check.graph, MOST_STEPS + 1).values())
    if most > check.flow.limits.max_steps:
        check.report.warn("/limits/max_steps", _may_be_ended(most, check.flow.limits.max_steps))


def _may_be_ended(turns: int, most: int) -> Sentence:
    way = said("raise_steps", "raise it where that is too early, or lower `max_rounds`.")
    if turns <= MOST_STEPS:
        form = "A run may come to {turns:,} turns and is ended after {most:,}; {way}"
        return said("may_be_ended", form, turns=turns, most=most, way=way)
    form = "A run may come to over {turns:,} turns and is ended after {most:,}; {way}"
    return said("may_be_ended_late", form, turns=MOST_STEPS, most=most, way=way)


class Checker(Protocol):
    """`check_flow` with everything that is known here bound to it, but for other flows."""

    def __call__(
        self,
        document: JsonValue,
        *,
        flows: Callable[[str], FlowConfig | None] | None = None,
        unusable: Collection[str] = (),
    ) -> tuple[FlowConfig | None, list[Problem]]: ...
