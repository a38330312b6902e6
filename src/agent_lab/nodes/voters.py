"""Who stands in a vote or before a judge: every answer of the nodes that are named, sample by sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow_ports import Named, Step
from agent_lab.contracts.sentences import said
from agent_lab.flows.graph import graph_of
from agent_lab.flows.state import AgentState, previous_nodes, seen_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """One answer, and what is known of it. The name is the node's, with `#2` for its second sample."""

    name: str
    node: str
    model: str | None
    text: str
    fields: Mapping[str, JsonValue]


def voters(state: AgentState, step: Step, of: Sequence[str]) -> tuple[Voter, ...]:
    """The answers of those nodes, or of those that led here where none is named. Raises ValidationError where there is
    none."""
    sources = of or previous_nodes(state, graph_of(step.flow), step.node.id)
    outputs = state["outputs"]
    found = tuple(voter for node in sources if node in outputs for voter in _of(node, state))
    if not found:
        raise ValidationError(
            said(
                "none_before",
                "No node has answered before {node!r}; name some that have, with `of`.",
                node=step.node.id,
            )
        )
    return found


def _of(node: str, state: AgentState) -> Iterator[Voter]:
    fields = seen_fields(node, state["outputs"], state["visits"])
    samples = fields.get("samples")
    if not isinstance(samples, list) or not samples:
        yield Voter(
            name=node, node=node, model=_text(fields.get("model")), text=state["outputs"][node].text, fields=fields
        )
        return
    for number, text in enumerate(samples):
        value = _item(fields.get("values"), number)
        yield Voter(
            name=f"{node}#{number + 1}",
            node=node,
            model=_text(_item(fields.get("models"), number)),
            text=str(text),
            fields={"text": text, **(value if isinstance(value, dict) else {})},
        )


def _item(values: JsonValue, number: int) -> JsonValue:
    return values[number] if isinstance(values, list) and number < len(values) else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def named(of: Sequence[str], field: str | None = None) -> Iterator[Named]:
    """The nodes of a setting `of`, and the field that is read of each."""
    return (Named(pointer=f"/of/{number}", name=name, field=field) for number, name in enumerate(of))
