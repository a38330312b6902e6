"""Tells by a flow's graph which of its nodes state an answer to the question, and which only speak about one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.nodes.generate import GenerateSettings
from agent_lab.nodes.judge import JudgeSettings
from agent_lab.nodes.transform import TransformSettings
from agent_lab.nodes.validator import ValidatorSettings
from agent_lab.nodes.vote import VoteSettings

MENDING = frozenset({"refiner"})
"""Parts whose text is a draft made anew, by what the word means in every flow of the library."""
_HANDING_ON = frozenset({"pick", "newest"})
"""Operations whose result is the text of one of their sources."""
_OWN_WORDS = frozenset({"subflow", "map", "human", "tool"})
"""Other kinds whose text may be an answer. What an analyzer or a summary says never is."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The nodes that state an answer, and of those whose answer is a field the field."""

    nodes: frozenset[str]
    fields: Mapping[str, str]


def answering_nodes(flow: FlowConfig, kinds: Mapping[str, NodeKind]) -> Answering:
    """Who states an answer: the draft node; the answer node, or where the flow names none its ends; whoever votes or
    stands before a judge, in whatever round; whoever mends a draft (`refiner`); and those whose text one of these
    hands on as its own (a vote, a judge, a validator, a transform that takes the newest).

    A critic is none of these. A node that answers with an object of its own (a verdict, a plan) states no answer
    unless a vote reads a field of it.
    """
    graph = graph_of(flow)
    found = _Found(graph, kinds)
    for node in filter(None, (flow.draft, *((flow.answer,) if flow.answer else graph.ends))):
        found.add(node, sure=node in {flow.draft, flow.answer})
    for one in flow.nodes:
        settings = found.settings(one.id)
        if isinstance(settings, VoteSettings | JudgeSettings):
            for name, field in found.handed_on(one.id):
                found.add(name, field)
        elif one.part in MENDING:
            found.add(one.id)
    return Answering(frozenset(found.nodes), found.fields)


class _Found:
    """The answering nodes so far."""

    def __init__(self, graph: FlowGraph, kinds: Mapping[str, NodeKind]) -> None:
        self.graph = graph
        self.kinds = kinds
        self.nodes: set[str] = set()
        self.fields: dict[str, str] = {}

    def settings(self, node: str) -> BaseModel | None:
        config: NodeConfig = self.graph.node(node)
        return settings_of(config, self.kinds.get(config.kind))

    def add(self, node: str, field: str | None = None, *, sure: bool = False) -> None:
        """Add a node, and those whose answers it hands on."""
        waiting = [(node, field)]
        while waiting:
            name, read = waiting.pop()
            if name not in self.graph or name in self.nodes:
                continue
            if not (sure or self._may(name, read)):
                continue
            self.nodes.add(name)
            if read not in {None, "text"}:
                self.fields[name] = str(read)
            sure = False
            waiting.extend(self.handed_on(name))

    def _may(self, node: str, field: str | None) -> bool:
        settings = self.settings(node)
        if isinstance(settings, GenerateSettings):
            return settings.output_schema is None or field is not None
        if isinstance(settings, VoteSettings | JudgeSettings | ValidatorSettings):
            return True
        if isinstance(settings, TransformSettings):
            return settings.op in _HANDING_ON
        return self.graph.node(node).kind in _OWN_WORDS

    def handed_on(self, node: str) -> Iterator[tuple[str, str | None]]:
        """Whose text this node may give out as its own, and in which field they say it."""
        settings, before = self.settings(node), self.graph.incoming(node)
        if isinstance(settings, VoteSettings):
            if settings.ballots is None:  # else they rank answers, and give none
                yield from ((name, settings.field) for name in settings.of or before)
        elif isinstance(settings, JudgeSettings):
            yield from ((name, None) for name in settings.of or before)
        elif isinstance(settings, ValidatorSettings):
            yield from ((name, None) for name in ((settings.of,) if settings.of else before))
        elif isinstance(settings, TransformSettings) and settings.op in _HANDING_ON:
            for name, _, field in (source.partition(".") for source in settings.sources):
                yield name, field or None
