"""Asks a model: fills the prompt, sends it through the gateway, leaves the answer and what can be read in it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, JsonValue

from agent_lab.contracts.errors import TooLargeError
from agent_lab.contracts.flow import NodeConfig, Text, in_language
from agent_lab.contracts.flow_ports import FieldType, Named, NodeKind, Step
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Context, GenerationRequest, GenerationResult, Message
from agent_lab.contracts.run import NodeOutput, RunOptions
from agent_lab.contracts.sentences import said
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.state import AgentState, previous_nodes
from agent_lab.flows.templates import needed, parse
from agent_lab.nodes.filling import filled
from agent_lab.nodes.sampling import MAX_SAMPLES, Samples, StopEarly, sampled
from agent_lab.nodes.settings import NodeSettings
from agent_lab.nodes.structured import (
    NOT_PARSED,
    OutputSchema,
    Phrases,
    agrees,
    asked_schema,
    declared_fields,
    derived_fields,
    field_types,
    read_object,
    schema_problems,
)


class GenerateSettings(NodeSettings):
    """A question to a model. `prompt` and `system` are templates; what is None is left to the strategy."""

    prompt: Text
    system: Text | None = None
    model: str | None = None
    models: tuple[str, ...] = Field(default=(), max_length=MAX_SAMPLES)
    """Sample i goes to the i-th of them, from the start again after the last."""
    strategy: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[str, ...] = Field(default=(), max_length=16)
    seed: int | None = Field(default=None, ge=0)
    samples: int = Field(default=1, ge=1, le=MAX_SAMPLES)
    stop_early: StopEarly | None = None
    output_schema: OutputSchema | None = None
    accepts: Phrases = ()
    """Phrases that mean that the answer agrees; each may be given in several languages, and each of them counts."""


async def generate(state: AgentState, settings: GenerateSettings, step: Step) -> NodeOutput:
    """One generation, or several of the same question; the text is the first answer."""

    async def ask(sample: int) -> GenerationResult:
        return await step.generate(build_request(state, settings, step, sample=sample), sample=sample)

    if settings.samples == 1:
        result = await ask(0)
        fields = {**generation_fields(result), **read_fields(result.text, settings)}
        return NodeOutput(text=result.text, fields=fields)
    heard = await sampled(ask, settings.samples, settings.stop_early, width=step.flow.limits.max_parallel)
    first = heard.results[0]
    fields = {**generation_fields(first), **samples_fields(heard, settings), **read_fields(first.text, settings)}
    return NodeOutput(text=first.text, fields=fields)


def generation_fields(result: GenerationResult) -> dict[str, JsonValue]:
    """The declared fields of an answer."""
    return {
        "model": result.model_key,
        "finish_reason": result.finish_reason,
        "tokens": result.tokens_generated,
        "seconds": round(result.timings.total_s, 3),
    }


def samples_fields(heard: Samples, settings: GenerateSettings) -> dict[str, JsonValue]:
    """What several answers leave beside the first one's fields."""
    results = heard.results
    fields: dict[str, JsonValue] = {
        "tokens": sum(result.tokens_generated for result in results),
        "seconds": round(max(result.timings.total_s for result in results), 3),
        "samples": [result.text for result in results],
        "models": [result.model_key for result in results],
        "asked": heard.asked,
        "stopped_early": heard.asked < settings.samples,
        "failed": list(heard.failed),
    }
    if settings.output_schema:
        schema = settings.output_schema
        fields["values"] = [read_object(result.text, schema) for result in results]
    return fields


def read_fields(text: str, settings: GenerateSettings) -> dict[str, JsonValue]:
    """What the settings say is to be read in an answer."""
    fields: dict[str, JsonValue] = {}
    if settings.output_schema:
        value = read_object(text, settings.output_schema)
        fields = {"parsed": False} if value is None else derived_fields(value, settings.output_schema)
    if settings.accepts and "accepted" not in fields:
        fields["accepted"] = agrees(text, settings.accepts)
    return fields if fields.get("parsed", True) else {**fields, "note": NOT_PARSED}


def build_request(state: AgentState, settings: GenerateSettings, step: Step, *, sample: int = 0) -> GenerationRequest:
    """The request that this node sends in this state, under the options of its run."""
    options, node = step.options, step.node
    model = settings.models[sample % len(settings.models)] if settings.models else settings.model
    return GenerationRequest(
        prompt=filled(settings.prompt, state, step),
        model_key=model_for(node, model, options),
        strategy=options.strategy or settings.strategy,
        max_tokens=options.max_tokens or settings.max_tokens,
        temperature=settings.temperature if options.temperature is None else options.temperature,
        top_p=settings.top_p,
        stop=settings.stop,
        seed=settings.seed if options.seed is None else options.seed,
        task_type=_task_type(state),
        context=Context(
            system=(filled(settings.system, state, step) if settings.system else "") or None,
            history=tuple(state["history"]),
            role=node.part,
            turns=tuple(_turns(settings.prompt, state, step)),
        ),
        response_schema=asked_schema(settings.output_schema) if settings.output_schema else None,
    )


def _bounded(text: str, node: NodeConfig) -> str:
    if len(text) > MAX_PROMPT_CHARS:
        raise TooLargeError(
            said(
                "prompt_too_long",
                "The prompt of node {node!r} has {characters:,} characters and {most:,} are allowed; shorten "
                "the question, or the answers that it repeats (max_tokens).",
                node=node.id,
                characters=len(text),
                most=MAX_PROMPT_CHARS,
            )
        )
    return text


def model_for(node: NodeConfig, own: str | None, options: RunOptions) -> str | None:
    """The run's word for this node, for its role, for all; else the node's own; else None for the default."""
    return options.models.get(node.id) or options.models.get(node.part) or options.model or own


def _task_type(state: AgentState) -> str | None:
    found = (output.fields.get("task_type") for output in state["outputs"].values())
    return next((kind for kind in found if isinstance(kind, str)), None)


def _turns(prompt: Text, state: AgentState, step: Step) -> Iterator[Message]:
    """The question, then each voice that the prompt speaks of, in the order in which it speaks of them."""
    yield Message(role="user", content=state["user_input"])
    told: set[str] = set()
    graph = graph_of(step.flow)
    for name, _ in needed(parse(in_language(prompt, state["language"]))):
        for source in _sources(name, state, graph, step.node.id):
            output = state["outputs"].get(source)
            # Only a model's answer is a voice; what the analyzer or the history reader says is not.
            if output and "model" in output.fields and source not in told:
                told.add(source)
                yield Message(role=graph.node(source).part, content=_bounded(output.text, step.node))


def _sources(name: str, state: AgentState, graph: FlowGraph, node_id: str) -> tuple[str, ...]:
    if name == "previous_output":
        return previous_nodes(state, graph, node_id)
    return (name.removesuffix("_output"),) if name.endswith("_output") else ()


def declared(settings: GenerateSettings) -> dict[str, str]:
    """The fields that depend on the settings."""
    fields: dict[str, str] = dict(OF_SAMPLES) if settings.samples > 1 else {}
    if settings.output_schema:
        fields |= {
            **declared_fields(settings.output_schema),
            "note": said("generate_note", "why the answer could not be read"),
        }
        if settings.samples > 1:
            fields["values"] = said("generate_values", "what each sample's JSON holds; null where it cannot be read")
    if settings.accepts:
        fields["accepted"] = said("generate_accepted", "true where the answer agrees")
    return fields


def declared_types(settings: GenerateSettings) -> dict[str, FieldType]:
    """What those fields hold."""
    of_samples: dict[str, FieldType] = {
        "samples": "list",
        "models": "list",
        "asked": "number",
        "stopped_early": "boolean",
        "failed": "list",
        "values": "list",
        "note": "text",
        "accepted": "boolean",
    }
    return of_samples | (field_types(settings.output_schema) if settings.output_schema else {})


def problems(settings: GenerateSettings) -> Iterator[tuple[str, str]]:
    """What does not go together."""
    if settings.model and settings.models:
        yield "/models", said("model_and_models", "A node has either `model` or `models`; take one out.")
    elif len(settings.models) > settings.samples:
        yield (
            "/models",
            said(
                "models_unasked",
                "Only the first {samples} of these models would be asked; raise `samples`.",
                samples=settings.samples,
            ),
        )
    if settings.stop_early and settings.samples == 1:
        yield "/stop_early", said("nothing_to_stop", "With one sample there is nothing to stop; raise `samples`.")
    if settings.output_schema:
        taken = (*FIELDS, *OF_SAMPLES, "values", "parsed", "note", "text", "visits")
        for path, sentence in schema_problems(settings.output_schema, taken):
            yield f"/output_schema{path}", sentence


FIELDS = {
    "model": said("generate_model", "registry key of the model that answered"),
    "finish_reason": said("generate_finish_reason", "stop or length"),
    "tokens": said("generate_tokens", "tokens written"),
    "seconds": said("generate_seconds", "seconds from the call to the last token"),
}
OF_SAMPLES = {
    "samples": said("generate_samples", "every answer"),
    "models": said("generate_models", "the model of each answer"),
    "asked": said("generate_asked", "how many answers were asked for"),
    "stopped_early": said("generate_stopped_early", "true where fewer answers than `samples` were needed"),
    "failed": said("generate_failed", "a sentence for each answer that failed"),
}
GENERATE = NodeKind(
    name="generate",
    summary="Asks a model, once or several times.",
    settings=GenerateSettings,
    run=generate,
    fields=FIELDS,
    types={"model": "text", "finish_reason": "text", "tokens": "number", "seconds": "number"},
    templates=("prompt", "system"),
    calls=True,
    declares=declared,
    declares_types=declared_types,
    most_calls=lambda settings: settings.samples,
    models=lambda settings: (Named(pointer=f"/models/{n}", name=name) for n, name in enumerate(settings.models)),
    problems=problems,
)
