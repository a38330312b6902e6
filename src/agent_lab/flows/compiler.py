"""Turns a flow into a LangGraph graph; the only file that knows LangGraph."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from agent_lab.contracts.errors import LimitExceededError, ValidationError
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.state import AgentState

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

RunNode = Callable[[NodeConfig, AgentState], Awaitable[dict[str, Any]]]
"""Takes a node's turn: the state before it in, the update of the state out."""


class GraphBuilder:
    """Builds runnable graphs from flow documents."""

    def __init__(self, kinds: Mapping[str, NodeKind], catalog: FlowCatalog) -> None:
        self._kinds = dict(kinds)
        self._catalog = catalog

    @property
    def kinds(self) -> Mapping[str, NodeKind]:
        """The kinds of node that a flow may use."""
        return self._kinds

    def register_node(self, kind: NodeKind) -> None:
        """Add a kind of node. Raises ValidationError where the name is taken."""
        if kind.name in self._kinds:
            raise ValidationError(f"A node kind {kind.name!r} exists already; give the new one another name.")
        self._kinds[kind.name] = kind

    def build_graph_from_config(self, config: FlowConfig, run_node: RunNode) -> CompiledGraph:
        """The graph of a checked flow. Each node's turn is taken by `run_node`."""
        return CompiledGraph(config, _compile(config, run_node))

    def build_linear_flow_graph(self, run_node: RunNode) -> CompiledGraph:
        """The graph of the library's `linear` flow."""
        return self.build_graph_from_config(self._catalog.get("linear"), run_node)

    def build_challenge_flow_graph(self, run_node: RunNode) -> CompiledGraph:
        """The graph of the library's `challenge` flow."""
        return self.build_graph_from_config(self._catalog.get("challenge"), run_node)


class CompiledGraph:
    """A graph that can be walked, within the limits of its flow."""

    def __init__(self, config: FlowConfig, graph: CompiledStateGraph[Any, Any, Any, Any]) -> None:
        self._config = config
        self._graph = graph

    async def walk(self, state: AgentState) -> AgentState:
        """Run from the start nodes to the end; the last state. Raises LimitExceededError past `max_steps`."""
        from langgraph.errors import GraphRecursionError

        limits = self._config.limits
        # LangGraph counts super-steps, at the least one a node; its own default, 10,007, is no bound at all.
        config: Any = {"recursion_limit": limits.max_steps + 1, "max_concurrency": limits.max_parallel}
        try:
            return cast(AgentState, await self._graph.ainvoke(state, config))
        except GraphRecursionError as error:
            raise LimitExceededError(f"The run took more than {limits.max_steps} steps (limits.max_steps).") from error


def _compile(config: FlowConfig, run_node: RunNode) -> CompiledStateGraph[Any, Any, Any, Any]:
    from langgraph.graph import END, START, StateGraph

    shape = FlowGraph(config)
    graph: Any = StateGraph(AgentState)
    for node in config.nodes:
        graph.add_node(node.id, _turn(node, run_node))
    for start in shape.starts:
        graph.add_edge(START, start)
    for node_id in shape.ids:
        if shape.chooses(node_id):
            targets = {edge.target: edge.target for edge in shape.outgoing(node_id)}
            graph.add_conditional_edges(node_id, _route(node_id, END), {**targets, END: END})
        elif not shape.outgoing(node_id):
            graph.add_edge(node_id, END)
    for node_id in shape.ids:
        _add_plain_edges(graph, shape, node_id)
    return graph.compile(name=config.id)  # type: ignore[no-any-return]


def _add_plain_edges(graph: Any, shape: FlowGraph, node_id: str) -> None:
    joined = shape.joined(node_id)
    if joined:
        graph.add_edge(list(joined), node_id)
        return
    for source in shape.incoming(node_id):
        if not shape.chooses(source):
            graph.add_edge(source, node_id)


def _turn(node: NodeConfig, run_node: RunNode) -> Callable[[AgentState], Awaitable[dict[str, Any]]]:
    async def turn(state: AgentState) -> dict[str, Any]:
        return await run_node(node, state)

    return turn


def _route(node_id: str, end: str) -> Callable[[AgentState], list[str]]:
    # The choice was made, and recorded, with the node's finish; here it is only read.
    def route(state: AgentState) -> list[str]:
        return list(state["routes"].get(node_id, ())) or [end]

    return route
