"""Tells an editor what may be named at each node of a flow, also of one that has problems, and what a run may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.flow import FlowConfig, Text
from agent_lab.contracts.flow_ports import FieldType, NodeKind
from agent_lab.contracts.sentences import said
from agent_lab.flows.bounds import FindFlow, bounds, most_turns
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph, graph_of

MAX_LISTED_CHARS = 120_000
"""Of the names that single nodes list: a graph whose every node may follow hundreds of others is told less of."""
Certainty = Literal["sure", "maybe", "never"]
ROUND: Text = {"en": "Which turn of this node it is, from 1", "es": "Qué turno de este nodo es, desde 1"}
HISTORY: Text = {"en": "The conversation so far, where there is one", "es": "La conversación hasta ahora, si la hay"}
QUESTION: Text = {"en": "The question", "es": "La pregunta"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name that templates have at every node. Unless it is sure it stands inside `{?name}...{/name}` alone."""

    name: str
    source: Literal["input", "run"]
    about: Text
    sure: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field that nodes leave: `{node.field}` in templates, `node.field` in conditions."""

    name: str
    type: FieldType
    about: str


ALWAYS = (
    Field("text", "text", said("node_text", "what the node said; in templates also `<node>_output`")),
    Field("visits", "number", said("node_visits", "how many turns the node has had")),
)


@dataclass(frozen=True, slots=True)
class NodeScope:
    """What may be named at one node: what `after` may name, `after` itself, `sure` and `maybe`."""

    node: str
    fields: int
    """Which of the lists of fields is its own."""
    after: str | None
    """A node that has run whenever this one runs: all that is sure there is sure here."""
    sure: tuple[str, ...]
    """Nodes beside those that have run too; one of them may be only a maybe at `after`."""
    maybe: tuple[str, ...]
    """Nodes that may have run, or have run in an earlier round."""
    previous: Certainty
    """Of `{previous_output}`."""
    binds: tuple[str, ...]
    """Names of its kind's own, such as `item`."""
    turns: int
    calls: int | None
    """The most in one run; None where that cannot be told yet."""


@dataclass(frozen=True, slots=True)
class FlowScope:
    """The same of a whole flow. `whole` is False where lists were too long to be told."""

    names: tuple[Name, ...]
    fields: tuple[tuple[Field, ...], ...]
    nodes: tuple[NodeScope, ...]
    turns: int
    calls: int | None
    whole: bool


def flow_scope(flow: FlowConfig, kinds: Mapping[str, NodeKind], find: FindFlow = lambda _: None) -> FlowScope:
    """The scope of each node, by whatever of the flow can be read. Steps and size grow with nodes and edges alone."""
    graph = graph_of(flow)
    fields, turns, ways = _Fields(kinds), most_turns(graph, flow.limits.max_steps), _Ways(graph)
    all_known = all(settings_of(node, kinds.get(node.kind)) is not None for node in flow.nodes)
    most = bounds(flow, kinds, find) if all_known else None
    calls = {one.node: one.calls for one in most.nodes} if most else {}
    nodes = []
    for node in graph.ids:
        after, sure, maybe = ways.to(node)
        kind = kinds.get(graph.node(node).kind)
        nodes.append(
            NodeScope(
                node=node,
                fields=fields.of(graph, node),
                after=after,
                sure=sure,
                maybe=maybe,
                previous=_previous(graph, node),
                binds=kind.binds if kind else (),
                turns=turns[node],
                calls=calls.get(node),
            )
        )
    return FlowScope(
        names=tuple(_names(flow)),
        fields=tuple(fields.lists),
        nodes=tuple(nodes),
        turns=most.turns if most else min(sum(turns.values()), flow.limits.max_steps),
        calls=most.calls if most else None,
        whole=ways.left_chars >= 0,
    )


def _names(flow: FlowConfig) -> Iterator[Name]:
    for name, given in {"user_input": None, **flow.inputs}.items():
        about = given.description if given else ""
        yield Name(name, "input", about or (QUESTION if name == "user_input" else ""), sure=True)
    yield Name("round", "run", ROUND, sure=True)
    yield Name("history", "run", HISTORY, sure=False)


def _previous(graph: FlowGraph, node: str) -> Certainty:
    if node in graph.started:
        return "maybe" if graph.incoming(node) else "never"
    joined = graph.joined(node)
    waited = not joined or any(graph.surely_before(node, [source]) for source in joined)
    return "sure" if waited else "maybe"


class _Fields:
    """The lists of fields, each once however many nodes have it."""

    def __init__(self, kinds: Mapping[str, NodeKind]) -> None:
        self._kinds = kinds
        self._places: dict[tuple[Field, ...], int] = {}

    @property
    def lists(self) -> tuple[tuple[Field, ...], ...]:
        return tuple(self._places)

    def of(self, graph: FlowGraph, node: str) -> int:
        """The place of the node's list."""
        config = graph.node(node)
        kind = self._kinds.get(config.kind)
        settings = settings_of(config, kind)
        told, types = (dict(kind.fields), dict(kind.types)) if kind else ({}, {})
        if kind and settings is not None:
            told |= kind.declares(settings)
            types |= kind.declares_types(settings)
        own = tuple(Field(name, types.get(name, "any"), about) for name, about in told.items())
        return self._places.setdefault((*ALWAYS, *own), len(self._places))


class _Ways:
    """What leads to each node, as sets of bits: what has run for sure, and what may have."""

    def __init__(self, graph: FlowGraph) -> None:
        self._graph = graph
        self._place = {node: index for index, node in enumerate(graph.ids)}
        self._may = self._before()
        self._after: dict[str, str | None] = {}
        for node in graph.order:
            self._after[node] = self._nearest(node)
        self.left_chars = MAX_LISTED_CHARS

    def to(self, node: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        """The node that it comes after, and the nodes that are sure and that may have run beyond that one's."""
        sure, may = self._sure(node), self._may[node]
        after = self._after.get(node)
        if after is not None:
            known = self._sure(after) | self._bit(after)
            return after, self._listed(sure & ~known), self._listed(may & ~sure & ~self._may[after] & ~known)
        return None, self._listed(sure), self._listed(may & ~sure)

    def _sure(self, node: str) -> int:
        return 0 if self._graph.unbounded_cycle else self._graph.certain_before(node)

    def _bit(self, node: str) -> int:
        return 1 << self._place[node]

    def _sources(self, node: str) -> Iterator[str]:
        """Those that lead to a node by edges forward."""
        return (edge.source for edge in self._graph.leading_to(node) if edge.max_rounds is None)

    def _nearest(self, node: str) -> str | None:
        """Of the nodes that have run for sure one that has most before it, found up the ways that lead here."""
        sure, found, seen = self._sure(node), set[str](), set[str]()
        for source in self._sources(node):
            one: str | None = source
            while one is not None and one not in seen and not sure & self._bit(one):
                seen.add(one)
                one = self._after.get(one)
            if one is not None and one not in seen and not self._sure(one) & ~sure:
                found.add(one)
        return max(sorted(found), key=lambda one: self._sure(one).bit_count(), default=None)

    def _before(self) -> dict[str, int]:
        """For each node those from which a way leads to it; on a loop that is also the node itself."""
        loops: dict[int, list[str]] = {}
        for node, loop in self._graph.loops.items():
            loops.setdefault(loop, []).append(node)
        found: dict[str, int] = {}
        for loop in sorted(loops):  # Kosaraju's figures grow along the edges
            members = loops[loop]
            bits = 0
            for source in (edge.source for node in members for edge in self._graph.leading_to(node)):
                bits |= self._bit(source) | found.get(source, 0)
            found |= dict.fromkeys(members, bits)
        return found

    def _listed(self, bits: int) -> tuple[str, ...]:
        names = []
        while bits and self.left_chars >= 0:
            low = bits & -bits
            names.append(self._graph.ids[low.bit_length() - 1])
            self.left_chars -= len(names[-1]) + 3
            bits ^= low
        return tuple(names)
