"""What a run knows while it walks its graph: the state that LangGraph hands from node to node."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict, TypeVar

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import Message
from agent_lab.contracts.run import NodeOutput, RunRequest
from agent_lab.flows.graph import FlowGraph

STATE_VERSION = 1
T = TypeVar("T")


def merge(left: dict[str, T], right: dict[str, T]) -> dict[str, T]:
    """Each node writes under its own name, so parallel branches never overwrite each other."""
    return {**left, **right}


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
    outputs: Annotated[dict[str, NodeOutput], merge]
    visits: Annotated[dict[str, int], merge]
    taken: Annotated[dict[str, int], merge]
    """How often each bounded edge was taken, under `from->to`."""
    routes: Annotated[dict[str, tuple[str, ...]], merge]
    """Where each node's last turn led."""
    order: Annotated[list[str], operator.add]
    """Nodes in the order in which they finished."""


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
        routes={},
        order=[],
    )


def conversation(history: Sequence[Message]) -> str | None:
    """Earlier turns as text, a line each; None where there are none."""
    return "\n".join(f"{turn.role}: {turn.content}" for turn in history) or None


def bound_value(name: str, state: AgentState, graph: FlowGraph, node_id: str) -> str | None:
    """The value of a template's name at that node now; None while it has none."""
    if "." in name:
        return _field(name, state["outputs"])
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
    joined = graph.joined(node_id)
    if joined:
        return tuple(source for source in joined if source in state["outputs"])
    incoming = set(graph.incoming(node_id))
    return next(((node,) for node in reversed(state["order"]) if node in incoming), ())


def previous_output(state: AgentState, graph: FlowGraph, node_id: str) -> str | None:
    """What the nodes that led here said, apart by a blank line."""
    texts = [state["outputs"][node].text for node in previous_nodes(state, graph, node_id)]
    return "\n\n".join(texts) if texts else None


def _field(name: str, outputs: Mapping[str, NodeOutput]) -> str | None:
    node, field = name.split(".", 1)
    value = outputs[node].fields.get(field) if node in outputs else None
    return None if value is None or value == "" else as_text(value)


def as_text(value: Any) -> str:
    """A field's value as it stands in a prompt."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(as_text(item) for item in value)
    return str(value)
