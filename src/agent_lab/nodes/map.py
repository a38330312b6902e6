"""Asks the same of each element of a list: a branch each, side by side, a model's or another flow's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from pydantic import Field, JsonValue

from agent_lab.contracts.errors import AgentLabError, ValidationError
from agent_lab.contracts.flow import FieldName, Text
from agent_lab.contracts.flow_ports import Named, NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState, as_text
from agent_lab.flows.templates import needed, parse
from agent_lab.nodes.branches import OnError, side_by_side
from agent_lab.nodes.filling import filled, read_value, text_lines
from agent_lab.nodes.generate import GenerateSettings, build_request
from agent_lab.nodes.settings import NodeSettings
from agent_lab.nodes.subflow import FlowName, asked

BINDS = ("item", "item_number")
ASKING = ("system", "model", "strategy", "temperature", "max_tokens", "top_p", "stop", "seed")
"""What goes to a model, besides the prompt, as a `generate` node has it."""


class MapSettings(NodeSettings):
    """The elements, and what is asked of each.

    `over` is a field that holds a list (`plan.steps`); or `lines` is a template, each line of which is an element.
    `prompt` and `system` are templates that may use `{item}` and `{item_number}`; with `flow` that flow is run on each
    prompt (the item where none is given), in place of asking a model. `most`: elements taken; the rest is left out.
    """

    over: FieldName | None = None
    lines: Text | None = None
    most: int = Field(default=16, ge=1, le=64)
    flow: FlowName | None = None
    prompt: Text | None = None
    system: Text | None = None
    model: str | None = None
    strategy: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[str, ...] = Field(default=(), max_length=16)
    seed: int | None = Field(default=None, ge=0)
    separator: str = Field(default="\n\n", max_length=100)
    on_error: OnError = "fail"


async def run_map(state: AgentState, settings: MapSettings, step: Step) -> NodeOutput:
    """The branches' texts in the order of their elements."""
    items = _items(state, settings, step)
    taken = items[: settings.most]
    branch = _ask_model if settings.flow is None else _ask_flow
    branches: list[Callable[[], Awaitable[str]]] = [
        partial(branch, _with_item(state, item, number), settings, step, number)
        for number, item in enumerate(taken, start=1)
    ]
    outcomes = await side_by_side(branches, on_error=settings.on_error)
    results = [outcome for outcome in outcomes if isinstance(outcome, str)]
    failed: list[JsonValue] = [
        {"item_number": number, "error": outcome.message}
        for number, outcome in enumerate(outcomes, start=1)
        if isinstance(outcome, AgentLabError)
    ]
    return NodeOutput(
        text=settings.separator.join(results),
        fields={
            "results": list(results),
            "count": len(results),
            "left_out": len(items) - len(taken),
            "failed": failed,
            "failed_count": len(failed),
        },
    )


def _items(state: AgentState, settings: MapSettings, step: Step) -> list[str]:
    """The elements as texts; those without any text are passed over."""
    if settings.over is None:
        return text_lines(filled(settings.lines or "", state, step))
    value = read_value(settings.over, state)
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return [text for text in map(as_text, listed) if text.strip()]


def _with_item(state: AgentState, item: str, number: int) -> AgentState:
    # The question of a branch is its item: a model that reads turns in place of the prompt is asked about that.
    bound = {**state["inputs"], "item": item, "item_number": str(number)}
    return {**state, "inputs": bound, "user_input": item}


async def _ask_model(state: AgentState, settings: MapSettings, step: Step, number: int) -> str:
    asking = {name: getattr(settings, name) for name in ASKING}
    request = build_request(state, GenerateSettings(prompt=settings.prompt or "{item}", **asking), step)
    return (await step.generate(request, sample=number - 1)).text


async def _ask_flow(state: AgentState, settings: MapSettings, step: Step, number: int) -> str:
    prompt = asked(filled(settings.prompt or "{item}", state, step), step)
    return (await step.run_flow(settings.flow or "", prompt, branch=number)).text


def _problems(settings: MapSettings) -> Iterator[tuple[str, str]]:
    if (settings.over is None) == (settings.lines is None):
        place = "" if settings.over is None else "/lines"
        yield place, "Give either `over` (a field that holds a list) or `lines` (a template, split by its lines)."
    if settings.flow is None and settings.prompt is None:
        yield "", "Say what is asked of each element: `prompt` for a model, or `flow` for another flow."
    for name in ASKING:
        if settings.flow is not None and getattr(settings, name) not in {None, ()}:
            yield f"/{name}", f"With `flow` no model is asked here; take {name!r} out."
    for place, name in _early_names(settings):
        yield place, f"{{{name}}} is there only in `prompt` and `system`; `lines` says what the elements are."


def _early_names(settings: MapSettings) -> Iterator[tuple[str, str]]:
    lines = settings.lines or ""
    for language, text in {"": lines}.items() if isinstance(lines, str) else lines.items():
        try:
            names = {name for name, _ in needed(parse(text))}
        except ValidationError:  # told with the templates
            continue
        yield from ((f"/lines/{language}".rstrip("/"), name) for name in BINDS if name in names)


def _nodes(settings: MapSettings) -> tuple[Named, ...]:
    if settings.over is None:
        return ()
    node, field = settings.over.split(".", 1)
    return (Named(pointer="/over", name=node, field=field),)


MAP = NodeKind(
    name="map",
    summary="Asks the same of each element of a list, side by side.",
    settings=MapSettings,
    run=run_map,
    fields={
        "results": said("map_results", "the branches' texts, in the order of their elements"),
        "count": said("map_count", "how many there are"),
        "left_out": said("map_left_out", "elements beyond `most`, which were not asked about"),
        "failed": said("map_failed", "with on_error skip: item_number and error of each branch that failed"),
        "failed_count": said("map_failed_count", "how many failed"),
    },
    types={"results": "list", "count": "number", "left_out": "number", "failed": "list", "failed_count": "number"},
    templates=("lines", "prompt", "system"),
    binds=BINDS,
    calls=True,
    most_calls=lambda settings: settings.most if settings.flow is None else 0,
    nodes=_nodes,
    flows=lambda settings: () if settings.flow is None else (Named(pointer="/flow", name=settings.flow),),
    most_flows=lambda settings: settings.most,
    problems=_problems,
)
