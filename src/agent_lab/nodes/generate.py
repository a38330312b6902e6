"""Asks a model: fills the prompt, sends it through the gateway, leaves the answer."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from agent_lab.contracts.errors import TooLargeError
from agent_lab.contracts.flow import NodeConfig, Text, in_language
from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Context, GenerationRequest, GenerationResult, Message
from agent_lab.contracts.run import NodeOutput, RunOptions
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.state import AgentState, bound_value, previous_nodes
from agent_lab.flows.templates import Part, needed, parse, render
from agent_lab.nodes.settings import NodeSettings


class GenerateSettings(NodeSettings):
    """A question to a model. `prompt` and `system` are templates; what is None is left to the strategy."""

    prompt: Text
    system: Text | None = None
    model: str | None = None
    strategy: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[str, ...] = Field(default=(), max_length=16)
    seed: int | None = Field(default=None, ge=0)


async def generate(state: AgentState, settings: GenerateSettings, step: Step) -> NodeOutput:
    """One generation; its text is the output."""
    result = await step.generate(build_request(state, settings, step))
    return NodeOutput(text=result.text, fields=generation_fields(result))


def generation_fields(result: GenerationResult) -> dict[str, str | int | float]:
    """The declared fields of an answer."""
    return {
        "model": result.model_key,
        "finish_reason": result.finish_reason,
        "tokens": result.tokens_generated,
        "seconds": round(result.timings.total_s, 3),
    }


def build_request(state: AgentState, settings: GenerateSettings, step: Step) -> GenerationRequest:
    """The request that this node sends in this state, under the options of its run."""
    options, node = step.options, step.node
    graph = FlowGraph(step.flow)
    prompt = parse(in_language(settings.prompt, state["language"]))
    system = parse(in_language(settings.system, state["language"])) if settings.system else ()
    names = {name for name, _ in (*needed(prompt), *needed(system))}
    values = {name: bound_value(name, state, graph, node.id) for name in names}
    return GenerationRequest(
        prompt=_bounded(render(prompt, values), node),
        model_key=model_for(node, settings.model, options),
        strategy=options.strategy or settings.strategy,
        max_tokens=options.max_tokens or settings.max_tokens,
        temperature=settings.temperature if options.temperature is None else options.temperature,
        top_p=settings.top_p,
        stop=settings.stop,
        seed=settings.seed if options.seed is None else options.seed,
        task_type=_task_type(state),
        context=Context(
            system=_bounded(render(system, values), node) or None,
            history=tuple(state["history"]),
            role=node.part,
            turns=tuple(_turns(prompt, state, graph, step)),
        ),
    )


def _bounded(text: str, node: NodeConfig) -> str:
    if len(text) > MAX_PROMPT_CHARS:
        raise TooLargeError(
            f"The prompt of node {node.id!r} has {len(text):,} characters and {MAX_PROMPT_CHARS:,} are allowed; "
            "shorten the question, or the answers that it repeats (max_tokens)."
        )
    return text


def model_for(node: NodeConfig, own: str | None, options: RunOptions) -> str | None:
    """The run's word for this node, for its role, for all; else the node's own; else None for the default."""
    return options.models.get(node.id) or options.models.get(node.part) or options.model or own


def _task_type(state: AgentState) -> str | None:
    found = (output.fields.get("task_type") for output in state["outputs"].values())
    return next((kind for kind in found if isinstance(kind, str)), None)


def _turns(prompt: tuple[Part, ...], state: AgentState, graph: FlowGraph, step: Step) -> Iterator[Message]:
    """The question, then each voice that the prompt speaks of, in the order in which it speaks of them."""
    yield Message(role="user", content=state["user_input"])
    told: set[str] = set()
    for name, _ in needed(prompt):
        for source in _sources(name, state, graph, step.node.id):
            output = state["outputs"].get(source)
            # Only a model's answer is a voice; what the analyzer or the history reader says is not.
            if output and "model" in output.fields and source not in told:
                told.add(source)
                yield Message(role=step.flow.node(source).part, content=_bounded(output.text, step.node))


def _sources(name: str, state: AgentState, graph: FlowGraph, node_id: str) -> tuple[str, ...]:
    if name == "previous_output":
        return previous_nodes(state, graph, node_id)
    return (name.removesuffix("_output"),) if name.endswith("_output") else ()


GENERATE = NodeKind(
    name="generate",
    summary="Asks a model.",
    settings=GenerateSettings,
    run=generate,
    fields={
        "model": "registry key of the model that answered",
        "finish_reason": "stop or length",
        "tokens": "tokens written",
        "seconds": "seconds from the call to the last token",
    },
    templates=("prompt", "system"),
    calls=True,
)
