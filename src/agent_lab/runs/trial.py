"""Runs one node of a flow alone: what the nodes before it said is pinned, and what is missing is named beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError, in_flow, unknown_name
from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.run import NodeOutput, RunRequest
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.flows.checking.nodes import ALWAYS_BOUND, NEVER_SURE
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.state import seen_fields
from agent_lab.flows.templates import needed, parse

PREVIOUS = "previous_output"
MOST_NAMED = 6
"""Nodes that one sentence asks to be pinned."""


def asked_nodes(flow: FlowConfig, request: RunRequest) -> tuple[NodeConfig, ...]:
    """The nodes that the run may give a turn: of a trial that one."""
    return flow.nodes if request.only is None else tuple(node for node in flow.nodes if node.id == request.only)[:1]


def pinned(request: RunRequest, graph: FlowGraph) -> dict[str, NodeOutput]:
    """What the pins say, in the order in which the nodes would have said it."""
    places = {node: place for place, node in enumerate(graph.order or graph.ids)}
    pins = sorted(request.pins.items(), key=lambda pin: places.get(pin[0], 0))
    return {node: NodeOutput(text=pin.text, fields=pin.fields) for node, pin in pins}


def with_pins(flow: FlowConfig, request: RunRequest) -> FlowConfig:
    """Of a flow what a trial has to do with: its node, and those that are pinned."""
    kept = {*request.pins, request.only}
    nodes = tuple(node for node in flow.nodes if node.id in kept)
    edges = tuple(edge for edge in flow.edges if {edge.source, edge.target} <= kept)
    return flow.model_copy(update={"nodes": nodes, "edges": edges})


def is_decided(edges: tuple[EdgeConfig, ...], outputs: Mapping[str, NodeOutput]) -> bool:
    """True where everything that the conditions of these edges read was said or pinned."""
    return all(edge.when is None or edge.when.value.split(".", 1)[0] in outputs for edge in edges)


def check_trial(flow: FlowConfig, request: RunRequest, kinds: Mapping[str, NodeKind]) -> None:
    """Raises NotFoundError for a node that is not there, ValidationError for a pin too few."""
    if request.only is None:
        if request.pins:
            raise ValidationError(
                said("pins_for_one", "Pins are for a run of one node; say which one with `only`."), where="pins"
            )
        return
    graph = graph_of(flow)
    for name, where in [(request.only, "only"), *((name, "pins") for name in request.pins)]:
        if name not in graph:
            raise unknown_name("node", name, graph.ids, place=in_flow(flow.id), where=where)
    wanted = list(dict.fromkeys(_missing(graph, request, kinds)))
    for node, name in wanted:
        if node in request.pins:
            raise ValidationError(
                said(
                    "pin_wants",
                    "Give the pin of {node!r} what {only!r} needs of it: {name}.",
                    node=node,
                    only=request.only,
                    name=name,
                ),
                where="pins",
            )
    if wanted:
        nodes, names = (list(dict.fromkeys(one)) for one in zip(*wanted, strict=True))
        raise ValidationError(_to_pin(request.only, nodes, names[:MOST_NAMED]), where="pins")


def _to_pin(only: str, nodes: Sequence[str], names: Sequence[str]) -> Sentence:
    named, more = nodes[:MOST_NAMED], len(nodes) - MOST_NAMED
    if more > 0:
        form = "Pin what {nodes:quoted} and {more} others said: the node {only!r} needs {names}."
        return said("pin_these_and_more", form, nodes=named, more=more, only=only, names=names)
    form = "Pin what {nodes:quoted} said: the node {only!r} needs {names}."
    return said("pin_these", form, nodes=named, only=only, names=names)


def _missing(graph: FlowGraph, request: RunRequest, kinds: Mapping[str, NodeKind]) -> Iterator[tuple[str, str]]:
    """Each node that is to be pinned, or to be pinned with more, and for which name."""
    node = graph.node(request.only or "")
    kind, settings = _settings(node, kinds)
    outputs = pinned(request, graph)
    for named in kind.nodes(settings):
        if named.sure and named.name not in outputs:
            yield named.name, repr(named.name)
    known = {*ALWAYS_BOUND, *NEVER_SURE, *graph.flow.inputs, *kind.binds, PREVIOUS}
    names = list(_names(kind, settings, request.options.language))
    for name in names:
        if name not in known and not _says(name, outputs):
            yield name.split(".", 1)[0].removesuffix("_output"), f"{{{name}}}"
    before = graph.joined(node.id) or graph.incoming(node.id)
    if (PREVIOUS in names or kind.previous(settings)) and not any(source in outputs for source in before):
        yield from ((source, f"{{{PREVIOUS}}}" if PREVIOUS in names else "an answer to read") for source in before)


def _settings(node: NodeConfig, kinds: Mapping[str, NodeKind]) -> tuple[NodeKind, Any]:
    kind = kinds.get(node.kind)
    try:
        if kind is not None:
            return kind, kind.settings.model_validate(node.settings)
    except pydantic.ValidationError:
        pass
    raise ValidationError(
        said("node_has_problems", "The node {node!r} has problems; mend them first.", node=node.id), where="only"
    )


def _names(kind: NodeKind, settings: pydantic.BaseModel, language: str) -> Iterator[str]:
    """The names without which the node's templates cannot be filled."""
    for setting in kind.templates:
        for text in _texts(getattr(settings, setting, None), language):
            yield from (name for name, must in needed(parse(text)) if must)


def _texts(value: JsonValue, language: str) -> Iterator[str]:
    """The texts that would be filled in that language."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and value and value.keys() <= {"en", "es"}:
        yield from _texts(value.get(language) or value.get("en") or next(iter(value.values())), language)
    else:
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        yield from (text for text in inner if isinstance(text, str))


def _says(name: str, outputs: Mapping[str, NodeOutput]) -> bool:
    node, dot, field = name.partition(".")
    if not dot:
        return node.removesuffix("_output") in outputs
    return seen_fields(node, outputs, {}).get(field) not in (None, "")
