"""Reshapes what is there, by one of a closed set of operations; no model is asked and nothing is ever evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from agent_lab.contracts.flow import FlowConfig, Text, in_language
from agent_lab.contracts.flow_ports import Named, NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.graph import graph_of
from agent_lab.flows.state import AgentState, as_text
from agent_lab.nodes.filling import read_value, text_lines
from agent_lab.nodes.json_text import json_in
from agent_lab.nodes.settings import NodeSettings

Source = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63})?$")]
"""`<node>` for its text, or `<node>.<field>`."""
Operation = Literal["pick", "newest", "join", "extract", "split", "count"]
MAX_PARTS = 10_000


class TransformSettings(NodeSettings):
    """Which operation, on the texts of nodes (`plan`) or their fields (`plan.steps`).

    `pick`: that text or field. `newest`: of several the one whose node had its turn last. `join`: several apart by
    `separator`, with `headings` each under its node's label. `extract`: what a JSON pointer (RFC 6901) leads to, in a
    field or in a text that is or holds JSON. `split`: a list of the lines, or of what stands between `separator`s.
    `count`: how long the list is, or of how many lines, or parts between `separator`s, a text is. `default`: the text
    where nothing is found.
    """

    op: Operation
    of: Source | Annotated[tuple[Source, ...], Field(min_length=1, max_length=100)]
    pointer: str | None = Field(default=None, max_length=500)
    separator: str | None = Field(default=None, min_length=1, max_length=100)
    headings: bool = False
    default: Text = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """What is read, in order."""
        return (self.of,) if isinstance(self.of, str) else self.of


@dataclass(frozen=True, slots=True)
class _Found:
    """What an operation came to. `text`: what differs from the value's own."""

    value: JsonValue
    text: str | None = None


async def transform(state: AgentState, settings: TransformSettings, step: Step) -> NodeOutput:
    """What the operation finds; the default where it finds nothing, whatever a model wrote."""
    found = _join(state, settings, step.flow) if settings.op == "join" else _one(state, settings)
    if found is None:
        return _output(None, in_language(settings.default, state["language"]), count=0)
    text = as_text(found.value) if found.text is None else found.text
    return _output(found.value, text, count=_count(found.value, settings))


def _output(value: JsonValue, text: str, *, count: int) -> NodeOutput:
    return NodeOutput(text=text, fields={"value": value, "found": value is not None, "count": count})


def _count(value: JsonValue, settings: TransformSettings) -> int:
    if settings.op == "count" and isinstance(value, int):
        return value
    return len(value) if isinstance(value, list) else 1


def _one(state: AgentState, settings: TransformSettings) -> _Found | None:
    value = read_value(_source(state, settings), state)
    return None if value is None else _OPERATIONS[settings.op](value, settings)


def _source(state: AgentState, settings: TransformSettings) -> str:
    """The source that is read: the only one, or the one whose node had its turn last."""
    by_node = {source.partition(".")[0]: source for source in settings.sources}
    return next((by_node[node] for node in reversed(state["order"]) if node in by_node), settings.sources[0])


def _pick(value: JsonValue, settings: TransformSettings) -> _Found:
    return _Found(value)


def _extract(value: JsonValue, settings: TransformSettings) -> _Found | None:
    document = json_in(value) if isinstance(value, str) else value
    inner = at_pointer(document, settings.pointer or "")
    return None if inner is None else _Found(inner)


def _split(value: JsonValue, settings: TransformSettings) -> _Found | None:
    parts = _parts(value, settings.separator)
    return _Found(parts, "\n".join(map(as_text, parts))) if parts else None


def _length(value: JsonValue, settings: TransformSettings) -> _Found:
    return _Found(len(_parts(value, settings.separator)))


_OPERATIONS: Mapping[str, Callable[[JsonValue, TransformSettings], _Found | None]] = {
    "pick": _pick,
    "newest": _pick,
    "extract": _extract,
    "split": _split,
    "count": _length,
}


def _parts(value: JsonValue, separator: str | None) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    text = as_text(value)
    parts = text_lines(text) if separator is None else [part.strip() for part in text.split(separator)]
    kept: list[JsonValue] = [part for part in parts if part]
    return kept[:MAX_PARTS]


def _join(state: AgentState, settings: TransformSettings, flow: FlowConfig) -> _Found | None:
    texts: list[JsonValue] = []
    for source in settings.sources:
        text = as_text(value) if (value := read_value(source, state)) is not None else ""
        if text:
            texts.append(f"{_heading(source, flow, state)}\n{text}" if settings.headings else text)
    separator = "\n\n" if settings.separator is None else settings.separator
    return _Found(texts, separator.join(map(str, texts))) if texts else None


def _heading(source: str, flow: FlowConfig, state: AgentState) -> str:
    node = graph_of(flow).node(source.partition(".")[0])
    return in_language(node.label, state["language"]) or node.id


def at_pointer(document: JsonValue, pointer: str) -> JsonValue:
    """What a JSON pointer (RFC 6901) leads to; None where it leads nowhere."""
    value = document
    for raw in pointer.split("/")[1:]:
        token = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list):
            value = value[int(token)] if _is_index(token) and int(token) < len(value) else None
        else:
            return None
    return value


def _is_index(token: str) -> bool:
    # isdigit alone would let digits of other scripts, leading zeros and figures of any length through.
    return token.isascii() and token.isdigit() and len(token) <= 9 and (token == "0" or token[0] != "0")


def _problems(settings: TransformSettings) -> Iterator[tuple[str, str]]:
    if settings.op == "extract":
        if settings.pointer is None:
            yield "", "Say with `pointer` what is extracted, such as '/items/0/name'; '' stands for all of it."
        elif settings.pointer and not settings.pointer.startswith("/"):
            yield "/pointer", f"A JSON pointer begins with '/': write {'/' + settings.pointer!r}."
    for name, ops in (("pointer", ("extract",)), ("separator", ("join", "split", "count")), ("headings", ("join",))):
        if getattr(settings, name) not in {None, False} and settings.op not in ops:
            yield f"/{name}", f"{settings.op!r} has no use for {name!r}; take it out."
    several = settings.op in {"join", "newest"}
    if not several and len(settings.sources) > 1:
        yield "/of", f"{settings.op!r} reads one node; name one, or `join` them first, or take the `newest`."


def _nodes(settings: TransformSettings) -> Iterator[Named]:
    for index, source in enumerate(settings.sources):
        node, _, field = source.partition(".")
        place = "/of" if isinstance(settings.of, str) else f"/of/{index}"
        # What is not there is `found: false`.
        yield Named(pointer=place, name=node, field=field or None, sure=False)


TRANSFORM = NodeKind(
    name="transform",
    summary="Picks, joins, extracts, splits or counts what is there, or takes the newest of it.",
    settings=TransformSettings,
    run=transform,
    fields={
        "value": said("transform_value", "what was found: a text, a number, a list, an object; null where nothing was"),
        "found": said("transform_found", "true where anything was found"),
        "count": said("transform_count", "elements of the list, 1 for anything else, 0 where nothing was found"),
    },
    types={"found": "boolean", "count": "number"},
    nodes=_nodes,
    problems=_problems,
)
