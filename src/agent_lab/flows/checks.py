"""Checks a flow document and tells all that is wrong with it at once, each with its place and a way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.flows.checking.cases import check_cases
from agent_lab.flows.checking.examined import Examined
from agent_lab.flows.checking.nodes import check_nodes, read_settings
from agent_lab.flows.checking.report import Problem as Problem
from agent_lab.flows.checking.report import pointer as pointer
from agent_lab.flows.checking.report import shape_problems as shape_problems
from agent_lab.flows.checking.shape import check_edges, check_ends, check_names, check_shape
from agent_lab.flows.checking.subflows import check_subflows
from agent_lab.flows.graph import FlowGraph

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
) -> tuple[FlowConfig | None, list[Problem]]:
    """The flow, where its shape is right, and every problem found. A flow may run where the list is empty.

    `flows` finds a flow that a node runs; without it these are not looked for.
    """
    try:
        flow = FlowConfig.model_validate(document)
    except pydantic.ValidationError as error:
        return None, shape_problems(error, FlowConfig)
    check = Examined(flow, kinds, frozenset(models), frozenset(strategies), flows, FlowGraph(flow))
    check.positions = {node.id: position for position, node in reversed([*enumerate(flow.nodes)])}
    for examine in CHECKS:
        examine(check)
    return flow, check.report.problems


class Checker(Protocol):
    """`check_flow` with everything that is known here bound to it, but for other flows."""

    def __call__(
        self, document: JsonValue, *, flows: Callable[[str], FlowConfig | None] | None = None
    ) -> tuple[FlowConfig | None, list[Problem]]: ...
