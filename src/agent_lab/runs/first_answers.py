"""Hears a run's events, and says which nodes gave their first answer without sight of another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from agent_lab.contracts.events import GenerationFinished, GenerationStarted, NodeFinished, NodeStarted, RunEvent
from agent_lab.contracts.flow import NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.state import as_text
from agent_lab.flows.templates import mentioned
from agent_lab.nodes.generate import GENERATE
from agent_lab.nodes.subflow import SUBFLOW
from agent_lab.runs.record import outermost

ANSWERING = frozenset({GENERATE.name, SUBFLOW.name})
"""Kinds whose output answers a question. A verdict, a list of answers or a reshaped text is no answer of its own."""


@dataclass(slots=True)
class Heard:
    """The first answers of nodes that saw no answer before, while events come in."""

    graph: FlowGraph
    kinds: Mapping[str, NodeKind]
    alone: dict[str, bool] = field(default_factory=dict)
    """Nodes that answer, in the order in which they began, and whether they saw no answer."""
    asked: set[str] = field(default_factory=set)
    told: dict[str, list[NodeOutput]] = field(default_factory=dict)
    """Outputs that are, or repeat, what a model said, of finished nodes."""
    calls: dict[str, dict[int, GenerationResult]] = field(default_factory=dict)
    outputs: dict[str, NodeOutput] = field(default_factory=dict)

    @property
    def independent(self) -> tuple[str, ...]:
        """The nodes that saw no answer, in the order in which they began."""
        return tuple(node for node, is_alone in self.alone.items() if is_alone)

    def take(self, event: RunEvent) -> None:
        if isinstance(event, NodeStarted) and event.node in self.graph:
            self._begin(event.node)
        elif isinstance(event, GenerationStarted) and event.visit == 1:
            self._ask(event.node, event.request)
        elif isinstance(event, GenerationFinished):
            self._hear(event)
        elif isinstance(event, NodeFinished) and event.node in self.graph:
            self.outputs.setdefault(event.node, event.output)
            if event.node in self.calls or self._sees(event.node) & self.told.keys():
                self.told.setdefault(event.node, []).append(event.output)

    def _begin(self, node: str) -> None:
        if node not in self.alone and self.graph.node(node).kind in ANSWERING:
            self.alone[node] = not self._sees(node) & self.told.keys()

    def _ask(self, node: str, request: GenerationRequest) -> None:
        """What it was asked says more than when: one that ended just as this one began may not be in its prompt."""
        if node in self.alone and node not in self.asked:
            self.asked.add(node)
            text = "\n".join((request.prompt, request.context.system or ""))
            said = chain.from_iterable(self._said(one, node) for one in self._sees(node) & self.told.keys())
            self.alone[node] = not any(words in text for words in said if words.strip())

    def _said(self, source: str, reader: str) -> Iterator[str]:
        """What a node's prompt may hold of another one: its texts, and those of its fields that the prompt names."""
        fields = {name.partition(".")[2] for name in self._names(reader) if name.startswith(f"{source}.")}
        for output in self.told[source]:
            yield output.text
            yield from (as_text(value) for name, value in output.fields.items() if name in fields)

    def _hear(self, event: GenerationFinished) -> None:
        calls = self.calls.setdefault(outermost(event.node), {})
        if event.visit == 1:
            calls.setdefault(event.sample, event.result)

    def _sees(self, node: str) -> frozenset[str]:
        return _seen_by(self.graph.node(node), self.graph, self.kinds)

    def _names(self, node: str) -> frozenset[str]:
        return _named_by(self.graph.node(node), self.kinds.get(self.graph.node(node).kind))


def _named_by(node: NodeConfig, kind: NodeKind | None) -> frozenset[str]:
    """The names in its templates."""
    return mentioned(_texts(node.settings.get(name) for name in kind.templates)) if kind else frozenset()


def _seen_by(node: NodeConfig, graph: FlowGraph, kinds: Mapping[str, NodeKind]) -> frozenset[str]:
    """The nodes whose outputs that node reads, once they are there."""
    kind = kinds.get(node.kind)
    before = frozenset(graph.incoming(node.id))
    settings = settings_of(node, kind)
    if kind is None or settings is None:
        return before
    names = _named_by(node, kind)
    found = {name.partition(".")[0] if "." in name else name.removesuffix("_output") for name in names}
    found |= {named.name for named in kind.nodes(settings)}
    if node.kind not in ANSWERING or "previous_output" in names:
        found |= before  # what leads to it is read without being named
    return frozenset(found & set(graph.ids))


def _texts(values: Iterable[object]) -> Iterator[object]:
    """Templates; of a mapping of templates, or of languages, each text."""
    for value in values:
        yield from value.values() if isinstance(value, Mapping) else [value]
