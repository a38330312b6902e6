"""A flow under examination: its nodes with their kinds and settings, and the report that the checks write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import pydantic

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import Named, NodeKind
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.flows.checking.report import Report, pointer
from agent_lab.flows.graph import FlowGraph

ALWAYS = ("text", "visits")
"""Fields that every node has, beside those of its kind: what it said, and how many turns it has had."""


@dataclass(slots=True)
class Examined:
    """One flow, and everything that is known here beside it."""

    flow: FlowConfig
    kinds: Mapping[str, NodeKind]
    models: Collection[str]
    strategies: Collection[str]
    flows: Callable[[str], FlowConfig | None] | None
    unusable: Collection[str]
    """Names of flows that are there, and that have problems of their own."""
    graph: FlowGraph
    report: Report = field(default_factory=Report)
    positions: dict[str, int] = field(default_factory=dict)
    settings: dict[str, pydantic.BaseModel] = field(default_factory=dict)
    """By node; a node whose settings cannot be read has none."""

    def say(self, path: str, message: Sentence) -> None:
        """Note a problem."""
        self.report.say(path, message)

    def place(self, node: str) -> str:
        """The JSON pointer of a node."""
        return pointer("nodes", self.positions[node])

    def kind_of(self, node: str) -> NodeKind | None:
        """The kind of a node, where there is such a kind."""
        return self.kinds.get(self.graph.node(node).kind)

    def fields(self, node: str) -> set[str] | None:
        """The fields that a node leaves; None where that cannot be told before its own mistakes are mended."""
        kind, settings = self.kind_of(node), self.settings.get(node)
        if kind is None or settings is None:
            return None
        return {*ALWAYS, *kind.fields, *kind.declares(settings)}

    def field_problem(self, node: str, name: str) -> Sentence | None:
        """A clause that says why there is no such field of a node; None where there is."""
        if node not in self.graph:
            return no_node(node, self.report.nearest(node, self.graph.ids))
        known = self.fields(node)
        if known is None or name in known:
            return None
        kind = self.graph.node(node).kind
        form = "a node of kind {kind!r} has no field {field!r}; {hint}"
        return said("kind_has_no_field", form, kind=kind, field=name, hint=self.report.nearest(name, known))


def no_node(name: str, hint: Sentence) -> Sentence:
    """A clause for a node that is not there, with what may have been meant."""
    return said("no_node", "there is no node {node!r}; {hint}", node=name[:80], hint=hint)


def settings_of(node: NodeConfig, kind: NodeKind | None) -> pydantic.BaseModel | None:
    """A node's settings as its kind reads them; None where it cannot."""
    try:
        return kind.settings.model_validate(node.settings) if kind else None
    except pydantic.ValidationError:
        return None


def subflows_of(flow: FlowConfig, kinds: Mapping[str, NodeKind]) -> Iterable[tuple[NodeConfig, Named]]:
    """Each flow that a node of this one runs."""
    for node in flow.nodes:
        settings = settings_of(node, kinds.get(node.kind))
        if settings is not None:
            yield from ((node, named) for named in kinds[node.kind].flows(settings))
