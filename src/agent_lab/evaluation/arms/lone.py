"""Makes of a flow's first draft a flow of its own: asked once, or several times with a vote or a judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import FlowConfig, FlowLimits, NodeConfig
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.arms.parts import Kinds, Parts, parts_of
from agent_lab.evaluation.arms.texts import Gone, in_every_language, needs_names, without_names
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.checking.nodes import ALWAYS_BOUND
from agent_lab.nodes.analyzer import ANALYZER
from agent_lab.nodes.generate import GENERATE, GenerateSettings
from agent_lab.nodes.judge import JUDGE
from agent_lab.nodes.sampling import MAX_SAMPLES
from agent_lab.nodes.subflow import SUBFLOW

BARE = "answer"
"""The node of an arm that belongs to no flow."""
JUDGE_ID = "the_judge"
MOST_JUDGED = 16
WARM = 0.7
"""The temperature of samples whose node has 0: the same answer again and again could not vote."""
_KNOWN = frozenset({*ALWAYS_BOUND, "history"})


@dataclass(frozen=True, slots=True)
class Lone:
    """One node that answers alone, how it came to be, and the nodes that its request depends on beside it."""

    flow: FlowConfig
    node: NodeConfig
    sentence: str
    beside: tuple[NodeConfig, ...] = ()


def lone_of(flow: FlowConfig, kinds: Kinds, subflows: Mapping[str, FlowConfig]) -> Lone:
    """The first draft of a flow as a node alone. Raises ValidationError where no node of it answers.

    Where the draft cannot be asked for without what other nodes said, the bare question goes to the model and the
    system text of the node that answers.
    """
    parts = parts_of(flow, kinds)
    draft = parts.draft
    if draft is not None and draft.kind == SUBFLOW.name:
        inner = _inner_draft(draft, kinds, subflows)
        if inner is not None:
            return inner
    alone = None if draft is None else _alone(draft, parts)
    if draft is not None and alone is not None:
        beside = tuple(node for node in flow.nodes if node.kind == ANALYZER.name and _before(parts, node, draft))
        return Lone(flow, alone, f"the first draft of {flow.id!r} (node {draft.id!r})", beside)
    return _bare(parts)


def bare_question(model: str | None) -> Lone:
    """The question as it stands, to a model or to the default one."""
    node = _node(BARE, {"prompt": "{user_input}", **({} if model is None else {"model": model})})
    flow = FlowConfig(id="question", name="The bare question", nodes=(node,), answer=BARE, draft=BARE)
    return Lone(flow, node, f"the bare question to {model or 'the default model'}")


def with_model(lone: Lone, model: str | None) -> Lone:
    """The same asked of that model."""
    if model is None:
        return lone
    settings = {name: value for name, value in lone.node.settings.items() if name != "models"}
    node = _node(lone.node.id, {**settings, "model": model}, like=lone.node)
    return Lone(lone.flow, node, f"{lone.sentence}, asked of {model!r}", lone.beside)


def once(lone: Lone) -> dict[str, Any]:
    """The document of one call."""
    settings = {name: value for name, value in lone.node.settings.items() if name not in {"samples", "stop_early"}}
    models = settings.pop("models", None)
    if isinstance(models, list | tuple) and models:
        settings["model"] = models[0]
    return _document(lone, [_node(lone.node.id, settings, like=lone.node)])


def sampled(lone: Lone, k: int) -> tuple[dict[str, Any], str]:
    """The document of k answers to the same question, and what is to be said of it."""
    if k > MAX_SAMPLES:
        raise ValidationError(
            said(
                "vote_of_too_many",
                "A vote has {most} answers at the most; {asked} were asked for.",
                most=MAX_SAMPLES,
                asked=k,
            ),
            where="arms",
        )
    settings = {name: value for name, value in lone.node.settings.items() if name not in {"samples", "stop_early"}}
    note = ""
    if k > 1 and settings.get("temperature") == 0:
        settings["temperature"] = WARM
        note = f" Its temperature is raised from 0 to {WARM:g}: the same answer again and again could not vote."
    models = settings.get("models")
    if isinstance(models, list | tuple) and models:
        settings["models"] = list(models)[:k]
    if k == 1:
        return once(Lone(lone.flow, _node(lone.node.id, settings, like=lone.node), "", lone.beside)), note
    return _document(lone, [_node(lone.node.id, {**settings, "samples": k}, like=lone.node)]), note


def judged(lone: Lone, k: int, judge: str | None) -> tuple[dict[str, Any], str]:
    """The document of k answers of which a judge chooses one."""
    if k > MOST_JUDGED:
        raise ValidationError(
            said(
                "judges_too_many",
                "A judge compares {most} answers at the most, each two of them twice; {asked} were asked for.",
                most=MOST_JUDGED,
                asked=k,
            ),
            where="arms",
        )
    document, note = sampled(lone, k)
    own = judge or lone.node.settings.get("model")
    models = lone.node.settings.get("models")
    if own is None and isinstance(models, list | tuple) and models:
        own = models[0]
    node = {
        "id": JUDGE_ID,
        "kind": JUDGE.name,
        "of": [lone.node.id],
        "most": k,
        **({} if own is None else {"model": own}),
    }
    document["nodes"].append(node)
    document["edges"].append({"from": lone.node.id, "to": JUDGE_ID})
    document["answer"] = JUDGE_ID
    return document, note


def _inner_draft(node: NodeConfig, kinds: Kinds, subflows: Mapping[str, FlowConfig]) -> Lone | None:
    """The first draft of a flow within, where that is asked the very question."""
    flow = subflows.get(str(node.settings.get("flow")))
    if flow is None or node.settings.get("prompt", "{user_input}") != "{user_input}" or node.settings.get("inputs"):
        return None
    return lone_of(flow, kinds, subflows)


def _alone(node: NodeConfig, parts: Parts) -> NodeConfig | None:
    """The node without what its texts say of others; None where it cannot be asked without them."""
    if node.kind != GENERATE.name or settings_of(node, parts.kinds.get(node.kind)) is None:
        return None
    gone = _of_others(parts.flow)
    settings: dict[str, Any] = dict(node.settings)
    for name in ("prompt", "system"):
        if _needs(settings.get(name), gone):
            return None
        if name in settings:
            settings[name] = in_every_language(settings[name], lambda text: without_names(text, gone) or "")
    if not settings["prompt"]:
        return None
    return _node(node.id, settings, like=node)


def _needs(value: object, gone: Gone) -> bool:
    texts = value.values() if isinstance(value, Mapping) else [value]
    return any(isinstance(text, str) and needs_names(text, gone) for text in texts)


def _of_others(flow: FlowConfig) -> Gone:
    return lambda name: name not in _KNOWN and name not in flow.inputs


def _bare(parts: Parts) -> Lone:
    answer, flow = parts.answer, parts.flow
    asked = answer if answer is not None and answer.kind == GENERATE.name else _last_generate(parts)
    settings = None if asked is None else settings_of(asked, parts.kinds.get(asked.kind))
    if asked is None or not isinstance(settings, GenerateSettings):
        raise ValidationError(
            said(
                "no_single_call",
                "No node of the flow {flow!r} asks a model for an answer, so there is no single call "
                "to compare it with; name a model instead, as in single:MODEL.",
                flow=flow.id,
            ),
            where="arms",
        )
    gone = _of_others(flow)
    wanted = {"strategy", "max_tokens", "temperature"}
    kept: dict[str, Any] = {name: value for name, value in asked.settings.items() if name in wanted}
    model = settings.model or next(iter(settings.models), None)
    kept |= {} if model is None else {"model": model}
    if asked.settings.get("system") and not _needs(asked.settings["system"], gone):
        kept["system"] = in_every_language(asked.settings["system"], lambda text: without_names(text, gone) or "")
    node = _node(asked.id, {"prompt": "{user_input}", **kept}, like=asked)
    sentence = (
        f"the bare question to the model of {asked.id!r} in {flow.id!r}, since no first draft of that flow can be "
        "asked for by itself"
    )
    return Lone(flow, node, sentence)


def _last_generate(parts: Parts) -> NodeConfig | None:
    order = parts.graph.order or parts.graph.ids
    found = [parts.graph.node(name) for name in order if parts.graph.node(name).kind == GENERATE.name]
    plain = [node for node in found if not node.settings.get("output_schema")]
    return (plain or found)[-1] if found else None


def _before(parts: Parts, node: NodeConfig, draft: NodeConfig) -> bool:
    return parts.graph.surely_before(draft.id, [node.id])


def _node(node_id: str, settings: Mapping[str, Any], like: NodeConfig | None = None) -> NodeConfig:
    named: dict[str, Any] = {"id": node_id, "kind": GENERATE.name}
    if like is not None:
        named |= {"label": like.label, "role": like.role}
    return NodeConfig.model_validate({**named, **settings})


def _document(lone: Lone, nodes: list[NodeConfig]) -> dict[str, Any]:
    """A flow of these nodes behind those that its request depends on."""
    limits = FlowLimits(
        timeout_s=lone.flow.limits.timeout_s,
        max_parallel=lone.flow.limits.max_parallel,
    )
    flow = FlowConfig(
        id=lone.flow.id,
        name=lone.flow.name,
        inputs=lone.flow.inputs,
        nodes=(*lone.beside, *nodes),
        limits=limits,
        answer=lone.node.id,
        draft=lone.node.id,
    )
    document = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document["edges"] = [{"from": node.id, "to": lone.node.id} for node in lone.beside]
    return document
