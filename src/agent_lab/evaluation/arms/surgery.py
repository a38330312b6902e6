"""Leaves one node out of a flow: those behind it follow on those before it, and nothing speaks of it any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.arms.parts import Kinds, Parts, is_of_node, parts_of
from agent_lab.evaluation.arms.texts import in_every_language, without_names
from agent_lab.flows.checking.examined import settings_of


def without_node(flow: FlowConfig, name: str, kinds: Kinds) -> dict[str, Any]:
    """The flow's document without that node.

    Its edges are joined over the gap; a loop that led through it alone falls away. A condition on what it said goes,
    and its edge is taken always. Texts lose what they said of it (see `texts.without_names`). Where it gave the answer,
    the one node before it does, unless that is the critic: then the first draft.
    Raises NotFoundError for an unknown node, ValidationError where nothing sensible would be left.
    """
    parts = parts_of(flow, kinds)
    node = parts.named(name)
    if len(flow.nodes) == 1:
        raise _refused(parts, node, said("only_node", "it is the flow's only node"))
    document = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document["nodes"] = [_spared(one, node, parts) for one in flow.nodes if one.id != name]
    document["edges"] = [_edge_document(edge) for edge in _edges(parts, node)]
    for beside in ("tests", "layout", "notes"):
        document.pop(beside, None)
    answer = _answer(parts, node)
    document.pop("answer", None)
    if answer is not None:
        document["answer"] = answer
    if flow.draft == name:
        document.pop("draft")
    return document


# --- who answers ------------------------------------------------------------------------------------------------------
def _answer(parts: Parts, gone: NodeConfig) -> str | None:
    answer = parts.answer
    if answer is None or answer != gone:
        return parts.flow.answer
    before = [name for name in parts.graph.incoming(gone.id) if name != gone.id]
    critic = None if parts.critic is None else parts.critic.id
    if len(before) == 1 and before[0] != critic:
        return before[0]
    # Of several answers that were given side by side none is the flow's own draft, unless the flow says so.
    draft = parts.draft.id if parts.draft is not None and len(before) == 1 else parts.flow.draft
    if draft not in (None, gone.id):
        return draft
    raise _refused(parts, gone, said("alone_answers", "it alone gives the answer"))


# --- the graph --------------------------------------------------------------------------------------------------------
def _edges(parts: Parts, gone: NodeConfig) -> list[EdgeConfig]:
    """The edges that are left, those over the gap in the place of those into it."""
    found: list[EdgeConfig] = []
    for edge in parts.flow.edges:
        if edge.source == gone.id:
            continue
        joined = [edge] if edge.target != gone.id else list(_over_the_gap(parts, edge, gone))
        found += [_unconditional(one, parts, gone) for one in joined]
    kept = _once_each([_forward(edge, found) for edge in found])
    return [_settled(edge, kept) for edge in kept]


def _over_the_gap(parts: Parts, into: EdgeConfig, gone: NodeConfig) -> Iterator[EdgeConfig]:
    for edge in _ways_on(parts, into, gone):
        if (edge.when is not None or edge.otherwise) and (into.when is not None or into.otherwise):
            raise _refused(parts, gone, said("two_conditions", "two conditions would stand on one edge then"))
        rounds = [bound for bound in (into.max_rounds, edge.max_rounds) if bound is not None]
        yield into.model_copy(
            update={
                "target": edge.target,
                "when": into.when or edge.when,
                "otherwise": into.otherwise or edge.otherwise,
                "max_rounds": min(rounds) if rounds else None,
            }
        )


def _ways_on(parts: Parts, into: EdgeConfig, gone: NodeConfig) -> list[EdgeConfig]:
    """The edges out of the node as they are without its own word, but for those back to where it was come from."""
    every = parts.graph.outgoing(gone.id)
    asked = any(_is_on(edge, gone) for edge in every)  # taken always now, so nothing is left for `otherwise`
    out = [edge for edge in every if edge.target not in (gone.id, into.source) and not (asked and edge.otherwise)]
    out = [_unconditional(edge, parts, gone) for edge in out]
    return [_settled(edge, out) for edge in out]


def _is_on(edge: EdgeConfig, gone: NodeConfig) -> bool:
    return edge.when is not None and edge.when.value.partition(".")[0] == gone.id


def _unconditional(edge: EdgeConfig, parts: Parts, gone: NodeConfig) -> EdgeConfig:
    """Without its condition, where that asks what the node said."""
    return edge.model_copy(update={"when": None}) if _is_on(edge, gone) else edge


def _forward(edge: EdgeConfig, edges: list[EdgeConfig]) -> EdgeConfig:
    """Without its bound, where no way leads back from its end to its beginning any more."""
    seen, waiting = {edge.target}, [edge.target]
    while waiting and edge.max_rounds is not None:
        node = waiting.pop()
        news = {one.target for one in edges if one.source == node} - seen
        seen |= news
        waiting += news
    return edge if edge.max_rounds is None or edge.source in seen else edge.model_copy(update={"max_rounds": None})


def _once_each(edges: list[EdgeConfig]) -> list[EdgeConfig]:
    """Of edges between the same nodes one that is always taken stands for all; equal ones are one."""
    always = {(edge.source, edge.target) for edge in edges if edge.when is None and not edge.otherwise}
    kept: list[EdgeConfig] = []
    for edge in edges:
        spare = (edge.source, edge.target) in always and (edge.when is not None or edge.otherwise)
        if not spare and edge not in kept:
            kept.append(edge)
    return kept


def _settled(edge: EdgeConfig, edges: list[EdgeConfig]) -> EdgeConfig:
    """An edge `otherwise` beside no condition is taken always."""
    others = [
        one for one in edges if one.source == edge.source and (one.when is not None or one.max_rounds is not None)
    ]
    return edge.model_copy(update={"otherwise": False}) if edge.otherwise and not others else edge


def _edge_document(edge: EdgeConfig) -> dict[str, Any]:
    document: dict[str, Any] = edge.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return document


# --- what the other nodes say of it -----------------------------------------------------------------------------------
def _spared(node: NodeConfig, gone: NodeConfig, parts: Parts) -> dict[str, Any]:
    """The document of another node, without what it says of the one that is left out."""
    document: dict[str, Any] = node.model_dump(mode="json", exclude_defaults=True)
    kind = parts.kinds[node.kind]
    for setting in kind.templates:
        if setting in document:
            document[setting] = _text_without(document[setting], node, gone, parts)
    settings = settings_of(node, kind)
    named = [] if settings is None else [one for one in kind.nodes(settings) if one.name == gone.id]
    for one in reversed(named):  # from the end, or the places of those before would move
        _take_out(document, one.pointer, node, gone, parts)
    return document


def _text_without(value: object, node: NodeConfig, gone: NodeConfig, parts: Parts) -> object:
    def is_gone(name: str) -> bool:
        return name not in parts.flow.inputs and is_of_node(name, gone.id)

    changed = in_every_language(value, lambda text: without_names(text, is_gone) if text.strip() else text)
    if changed is None:
        raise _refused(
            parts, gone, said("nothing_asked", "nothing of what {node!r} is asked would be left", node=node.id)
        )
    return changed


def _take_out(document: dict[str, Any], pointer: str, node: NodeConfig, gone: NodeConfig, parts: Parts) -> None:
    """Take a name out of a list of nodes, or out of its setting."""
    setting, _, place = pointer.strip("/").partition("/")
    value = document.get(setting)
    if isinstance(value, list) and place.isdigit():
        del value[int(place)]
        if value:
            return
    elif setting not in document:
        return
    del document[setting]
    if settings_of(NodeConfig.model_validate(document), parts.kinds[node.kind]) is None:
        raise _refused(parts, gone, said("reads_nothing_else", "{node!r} reads nothing else", node=node.id))


def _refused(parts: Parts, gone: NodeConfig, why: str) -> ValidationError:
    return ValidationError(
        said(
            "node_must_stay",
            "The node {node!r} cannot be left out of the flow {flow!r}: {why}. Leave out another one.",
            node=gone.id,
            flow=parts.flow.id,
            why=why,
        ),
        where="arms",
    )
