"""Says how long the prompts and texts of a flow may get, before anybody has written them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.templates import Block, Literal, Part, Slot, parse

OTHER_CHARS = 1_000
"""What a node says that asks no model and repeats nobody, or what a kind adds to a prompt in words of its own."""


def size(text: str) -> int:
    """How long a text is: its bytes, as the gateway counts; what is not English has more of them for a token."""
    return len(text.encode("utf-8", "surrogatepass"))


class Lengths:
    """How long texts may get, in characters, before anybody has written them."""

    def __init__(
        self,
        graph: FlowGraph,
        kinds: Mapping[str, NodeKind],
        inputs: Mapping[str, int],
        *,
        history: int,
        answer: Callable[[NodeConfig], int],
        pins: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """`inputs`, `history` and `pins` (what nodes have said already): how long those are; `answer`: how long one
        answer of a model to that node may get."""
        self._graph = graph
        self._kinds = kinds
        self._inputs = inputs
        self._history = history
        self._answer = answer
        self._pins = pins
        self._written: dict[str, int] = dict(pins)
        ordered = [graph.node(node) for node in graph.order if node not in pins]
        # Who asks a model writes as much as the model may, whatever it reads; the others repeat what they read.
        for node in sorted(ordered, key=lambda one: not kinds[one.kind].calls):
            self._written[node.id] = self._writes(node)

    def prompt(self, node: NodeConfig, kind: NodeKind, settings: pydantic.BaseModel) -> int:
        """What a node's templates, and the nodes that it reads beside them, come to."""
        given = [node.settings.get(name) for name in kind.templates]
        chars = sum(self._text(value, node) for value in given)
        named = [one.name for one in kind.nodes(settings)]
        if not named and not any(given):  # it reads what led to it
            named = list(self._graph.incoming(node.id))
        chars += self._all(named) + (0 if "prompt" in kind.templates else OTHER_CHARS)
        return min(chars, MAX_PROMPT_CHARS)

    def _writes(self, node: NodeConfig) -> int:
        kind = self._kinds[node.kind]
        settings = settings_of(node, kind)
        if settings is None:
            return OTHER_CHARS
        if kind.calls:
            # A kind that binds names asks once for each part, and says all that it heard.
            texts = kind.most_calls(settings) if kind.binds else 1
            return min(self._answer(node) * texts, MAX_PROMPT_CHARS)
        inner = sum(kind.most_flows(settings) for _ in kind.flows(settings))
        answers = inner * self._answer(node) if inner else 0
        return min(self.prompt(node, kind, settings) + answers + OTHER_CHARS, MAX_PROMPT_CHARS)

    def _all(self, nodes: Iterable[str]) -> int:
        return sum(self._written.get(node, OTHER_CHARS) for node in nodes)

    def _text(self, value: JsonValue, node: NodeConfig) -> int:
        if isinstance(value, str):
            try:
                return sum(self._parts(parse(value), node))
            except ValidationError:
                return size(value)
        if isinstance(value, dict) and value and value.keys() <= {"en", "es"}:
            return max(self._text(inner, node) for inner in value.values())
        inner_values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return sum(self._text(inner, node) for inner in inner_values)

    def _parts(self, parts: Iterable[Part], node: NodeConfig) -> Iterator[int]:
        for part in parts:
            if isinstance(part, Literal):
                yield size(part.text)
            elif isinstance(part, Slot):
                yield self._value(part.name, node)
            elif isinstance(part, Block):
                yield from self._parts(part.parts, node)

    def _value(self, name: str, node: NodeConfig) -> int:
        if name in self._inputs:
            return self._inputs[name]
        if name == "round":
            return 4
        if name == "history":
            return self._history
        if name == "previous_output":
            return self._all(self._graph.incoming(node.id))
        source, _, is_field = name.partition(".")
        if is_field:
            return self._field(source)
        source = name.removesuffix("_output")
        # A name of the kind's own, as `item`, is a part of something that was read.
        return self._all([source]) if source in self._graph else max(self._written.values(), default=OTHER_CHARS)

    def _field(self, node: str) -> int:
        """A field may hold every answer that the node has had: its samples."""
        if node in self._pins:
            return self._pins[node]
        kind = self._kinds[self._graph.node(node).kind]
        settings = settings_of(self._graph.node(node), kind)
        samples = kind.most_calls(settings) if kind.calls and settings is not None and not kind.binds else 1
        return min(self._all([node]) * samples, MAX_PROMPT_CHARS)
