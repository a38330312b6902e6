"""Finds in any flow, by its graph alone, who drafts first, who criticises, and who has the last word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent_lab.contracts.errors import ValidationError, in_flow, unknown_name
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.sentences import said
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.templates import mentioned
from agent_lab.nodes.generate import GENERATE, GenerateSettings
from agent_lab.nodes.subflow import SUBFLOW

Kinds = Mapping[str, NodeKind]


@dataclass(frozen=True, slots=True)
class Parts:
    """The nodes of a flow by the part that they play in it."""

    flow: FlowConfig
    graph: FlowGraph
    kinds: Kinds

    @property
    def answer(self) -> NodeConfig | None:
        """The node whose text is the answer; None where it depends on the run's way."""
        if self.flow.answer is not None:
            return self.flow.node(self.flow.answer)
        ends = self.graph.ends
        return self.graph.node(ends[0]) if len(ends) == 1 else None

    @property
    def draft(self) -> NodeConfig | None:
        """The node that drafts first: the flow's word, else the first answering node that sees no other's answer."""
        if self.flow.draft is not None:
            return self.flow.node(self.flow.draft)
        return next(self._independent(), None)

    @property
    def critic(self) -> NodeConfig | None:
        """The first node that asks a model about the first draft, and is neither it nor the answer."""
        draft, answer = self.draft, self.answer
        if draft is None:
            return None
        for node in self._in_order():
            asks = node.kind in self.kinds and self.kinds[node.kind].calls
            if asks and node not in (draft, answer) and draft.id in self.seen_by(node):
                return node
        return None

    def named_critic(self, name: str | None) -> NodeConfig:
        """The critic of that name, or the one that the graph shows. Raises ValidationError where there is none."""
        if name is not None:
            return self.named(name)
        critic = self.critic
        if critic is None:
            raise ValidationError(
                said(
                    "no_critic",
                    "Nobody in the flow {flow!r} criticises its first draft before the answer; name the "
                    "node whose words are to be replaced by noise, as in noise:{id}/NODE.",
                    flow=self.flow.id,
                    id=self.flow.id,
                )
            )
        return critic

    def named(self, name: str) -> NodeConfig:
        """The node of that id. Raises NotFoundError with the nearest ones."""
        if name not in self.graph:
            raise unknown_name("node", name, self.graph.ids, place=in_flow(self.flow.id), where="arms")
        return self.graph.node(name)

    def seen_by(self, node: NodeConfig) -> frozenset[str]:
        """The nodes whose outputs that node reads, by name or because they lead to it."""
        kind = self.kinds.get(node.kind)
        before = frozenset(self.graph.incoming(node.id))
        settings = settings_of(node, kind)
        if kind is None or settings is None:
            return before
        names = mentioned(_texts(node.settings.get(name) for name in kind.templates))
        found = {name.partition(".")[0] if "." in name else name.removesuffix("_output") for name in names}
        found |= {named.name for named in kind.nodes(settings)}
        if "previous_output" in names or kind.previous(settings):
            found |= before
        return frozenset(found & set(self.graph.ids))

    def _independent(self) -> Iterator[NodeConfig]:
        """Answering nodes that see nothing that a model said."""
        told: set[str] = set()
        for node in self._in_order():
            kind = self.kinds.get(node.kind)
            if kind is None:
                continue
            sees = bool(self.seen_by(node) & told)
            if self._answers(node) and not sees:
                yield node
            if kind.calls or sees or node.kind == SUBFLOW.name:
                told.add(node.id)

    def _answers(self, node: NodeConfig) -> bool:
        if node.kind == SUBFLOW.name:
            return True
        settings = settings_of(node, self.kinds.get(node.kind))
        # An object of the node's own, such as a plan or a route, is no answer.
        return node.kind == GENERATE.name and isinstance(settings, GenerateSettings) and not settings.output_schema

    def _in_order(self) -> Iterable[NodeConfig]:
        return (self.graph.node(name) for name in self.graph.order or self.graph.ids)


def parts_of(flow: FlowConfig, kinds: Kinds) -> Parts:
    """The parts of a flow that was found to be in order."""
    return Parts(flow, graph_of(flow), kinds)


def is_of_node(name: str, node: str) -> bool:
    """True where a template's name means something of that node."""
    return name == f"{node}_output" or (name.partition(".")[0] == node and "." in name)


def _texts(values: Iterable[object]) -> Iterator[object]:
    """Templates; of a mapping of templates, or of languages, each text."""
    for value in values:
        yield from value.values() if isinstance(value, Mapping) else [value]
