"""What a run knows while it walks its graph: the state that each node's turn is handed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from pydantic import JsonValue

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import Message
from agent_lab.contracts.run import NodeOutput, RunRequest
from agent_lab.flows.graph import FlowGraph

STATE_VERSION = 1


class AgentState(TypedDict):
    """The shared state of a run; `version` and `request_id` make it traceable."""

    version: int
    request_id: str
    run_id: str
    flow_type: str
    user_input: str
    language: str
    inputs: dict[str, str]
    history: Sequence[Message]
    outputs: dict[str, NodeOutput]
    visits: dict[str, int]
    taken: dict[str, int]
    """How often each bounded edge was taken, under `from->to`."""
    order: list[str]
    """Nodes in the order in which they finished."""


@dataclass(slots=True)
class RunState:
    """The state of one walk, which goes on while each turn has a picture of it as it was at the turn's beginning."""

    start: AgentState
    outputs: dict[str, NodeOutput] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def pin(self, outputs: Mapping[str, NodeOutput]) -> None:
        """Take these to have been said, one after the other, before the first turn."""
        for node, output in outputs.items():
            self.end_turn(node, 1, output)

    def end_turn(self, node: str, visit: int, output: NodeOutput) -> None:
        """Take in what a turn left."""
        self.outputs[node], self.visits[node] = output, visit
        self.order.append(node)

    def take_edges(self, bounded: Iterable[str]) -> None:
        """Count bounded edges, by their keys."""
        for key in bounded:
            self.taken[key] = self.taken.get(key, 0) + 1

    def picture(self) -> AgentState:
        """The state as it is now; what happens later does not change it."""
        return {
            **self.start,
            "outputs": self.outputs.copy(),
            "visits": self.visits.copy(),
            "taken": self.taken.copy(),
            "order": self.order.copy(),
        }


def initial_state(*, flow: FlowConfig, request: RunRequest, run_id: str, request_id: str) -> AgentState:
    """The state before the first node. Missing inputs take their defaults (the checks made sure that they have one)."""
    defaults = {name: given.default for name, given in flow.inputs.items() if given.default is not None}
    return AgentState(
        version=STATE_VERSION,
        request_id=request_id,
        run_id=run_id,
        flow_type=flow.id,
        user_input=request.prompt,
        language=request.options.language,
        inputs={**defaults, **request.inputs, "user_input": request.prompt},
        history=request.options.history,
        outputs={},
        visits={},
        taken={},
        order=[],
    )


def conversation(history: Sequence[Message]) -> str | None:
    """Earlier turns as text, a line each; None where there are none."""
    return "\n".join(f"{turn.role}: {turn.content}" for turn in history) or None


def bound_value(name: str, state: AgentState, graph: FlowGraph, node_id: str) -> str | None:
    """The value of a template's name at that node now; None while it has none."""
    if "." in name:
        return _field(name, state)
    fixed: dict[str, str | None] = {
        "round": str(state["visits"].get(node_id, 0) + 1),
        "history": conversation(state["history"]),
    }
    if name in fixed:
        return fixed[name]
    if name in state["inputs"]:
        return state["inputs"][name]
    if name == "previous_output":
        return previous_output(state, graph, node_id)
    output = state["outputs"].get(name.removesuffix("_output"))
    return output.text if output else None


def previous_nodes(state: AgentState, graph: FlowGraph, node_id: str) -> tuple[str, ...]:
    """The nodes that led here: all that a join waited for, else the one of the incoming ones that finished last."""
    arrived = tuple(source for source in graph.joined(node_id) if source in state["outputs"])
    if arrived:
        return arrived
    incoming = set(graph.incoming(node_id))
    return next(((node,) for node in reversed(state["order"]) if node in incoming), ())


def previous_output(state: AgentState, graph: FlowGraph, node_id: str) -> str | None:
    """What the nodes that led here said, apart by a blank line."""
    texts = [state["outputs"][node].text for node in previous_nodes(state, graph, node_id)]
    return "\n\n".join(texts) if texts else None


def seen_fields(node: str, outputs: Mapping[str, NodeOutput], visits: Mapping[str, int]) -> Mapping[str, JsonValue]:
    """The fields that a node has left, and those that every node has: `text`, and `visits`, how many turns it had."""
    if node not in outputs:
        return {}
    return {"text": outputs[node].text, "visits": visits.get(node, 1), **outputs[node].fields}


def _field(name: str, state: AgentState) -> str | None:
    node, field = name.split(".", 1)
    value = seen_fields(node, state["outputs"], state["visits"]).get(field)
    return None if value is None or value == "" else as_text(value)


def as_text(value: Any) -> str:
    """A field's value as it stands in a prompt: objects as `name: value; ...`, a list of objects as a line for each."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return "\n".join("- " + as_text(item).replace("\n", "\n  ") for item in value)
        return "; ".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {as_text(item)}" for name, item in value.items() if item is not None)
    return "" if value is None else str(value)
