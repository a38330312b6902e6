"""Builds graphs that can be walked from flow documents, by themselves or inside somebody's LangGraph graph."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from agent_lab.contracts.errors import LimitExceededError, ValidationError
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.graph import graph_of
from agent_lab.flows.routing import choose_edges, edge_key
from agent_lab.flows.state import AgentState, RunState
from agent_lab.flows.walking import Turn, Walking

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

RunNode = Callable[[NodeConfig, AgentState], Awaitable[NodeOutput]]
"""Takes a node's turn: the state before it in, what the turn leaves out."""
_Ending = asyncio.Queue[tuple[Turn, NodeOutput]]


class GraphBuilder:
    """Builds graphs from flow documents, with a table of node kinds that can be added to."""

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
        return CompiledGraph(config, run_node)

    def build_linear_flow_graph(self, run_node: RunNode) -> CompiledGraph:
        """The graph of the library's `linear` flow."""
        return self.build_graph_from_config(self._catalog.get("linear"), run_node)

    def build_challenge_flow_graph(self, run_node: RunNode) -> CompiledGraph:
        """The graph of the library's `challenge` flow."""
        return self.build_graph_from_config(self._catalog.get("challenge"), run_node)


class CompiledGraph:
    """A graph that can be walked, within the limits of its flow. Runs walk theirs with a record (`runs.walk`)."""

    def __init__(self, config: FlowConfig, run_node: RunNode) -> None:
        self._config = config
        self._run_node = run_node
        self._graph = graph_of(config)

    async def walk(self, state: AgentState) -> AgentState:
        """Run from the start nodes to the end; the last state.

        Raises LimitExceededError past `max_steps`, and what a turn raises.
        """
        reached = RunState(state)
        try:
            async with asyncio.TaskGroup() as group:
                await self._walk(reached, group)
        except ExceptionGroup as faults:  # the first one broke off the others
            raise faults.exceptions[0] from faults
        return reached.picture()

    async def _walk(self, reached: RunState, group: asyncio.TaskGroup) -> None:
        walking, ending, left = Walking(self._graph), _Ending(), self._config.limits.max_steps
        while not walking.over:
            turns = walking.due()
            left -= len(turns)
            if left < 0:
                most = self._config.limits.max_steps
                raise LimitExceededError(
                    said(
                        "flow_too_many_steps",
                        "The flow needs more steps than it may take (limits.max_steps is {most}).",
                        most=most,
                    )
                )
            for turn in turns:
                group.create_task(self._take(turn, reached.picture(), ending))
            self._end(*await ending.get(), reached, walking)

    async def _take(self, turn: Turn, state: AgentState, ending: _Ending) -> None:
        ending.put_nowait((turn, await self._run_node(self._graph.node(turn.node), state)))

    def _end(self, turn: Turn, output: NodeOutput, reached: RunState, walking: Walking) -> None:
        reached.end_turn(turn.node, turn.visit, output)
        edges = choose_edges(self._graph, turn.node, reached.outputs, reached.taken, reached.visits)
        reached.take_edges(edge_key(edge) for edge in edges if edge.max_rounds is not None)
        walking.end(turn.node, dict.fromkeys(edge.target for edge in edges))

    def as_langgraph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The whole walk as a LangGraph graph of one node, to be put into a graph of one's own.

        Raises ModuleNotFoundError where LangGraph is not installed (`pip install agent-lab[langgraph]`).
        """
        from langgraph.graph import END, START, StateGraph

        graph: Any = StateGraph(AgentState)
        graph.add_node(self._config.id, self.walk)
        graph.add_edge(START, self._config.id)
        graph.add_edge(self._config.id, END)
        return graph.compile(name=self._config.id)  # type: ignore[no-any-return]
