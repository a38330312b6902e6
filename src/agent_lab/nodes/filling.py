"""Fills the templates of a node with what its run knows now."""

from __future__ import annotations

from pydantic import JsonValue

from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.flow import Text, in_language
from agent_lab.contracts.flow_ports import Step
from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from agent_lab.contracts.sentences import said
from agent_lab.flows.graph import graph_of
from agent_lab.flows.state import AgentState, bound_value, seen_fields
from agent_lab.flows.templates import Slot, needed, parse, render


def filled(template: Text, state: AgentState, step: Step) -> str:
    """The text in the run's language. Raises ValidationError for a name without a value, TooLargeError."""
    parts = parse(in_language(template, state["language"]))
    graph = graph_of(step.flow)
    values = {name: bound_value(name, state, graph, step.node.id) for name, _ in needed(parts)}
    try:
        text = render(parts, values)
    except KeyError as missing:
        name = missing.args[0]
        raise ValidationError(
            said(
                "no_value_in",
                "{{{name}}} has no value in node {node!r}; write {{?{name}}}...{{/{name}}} around what speaks of it.",
                name=name,
                node=step.node.id,
            )
        ) from None
    if len(text) > MAX_PROMPT_CHARS:
        raise TooLargeError(
            said(
                "text_too_long",
                "A text of node {node!r} has {characters:,} characters and {most:,} are allowed; shorten the "
                "question, or the answers that it repeats (max_tokens).",
                node=step.node.id,
                characters=len(text),
                most=MAX_PROMPT_CHARS,
            )
        )
    return text


def filled_value(template: str, state: AgentState, step: Step) -> JsonValue:
    """As `filled`, but what is one `{<node>.<field>}` alone is that field's value as it is: a number, a list."""
    parts = parse(template)
    if len(parts) == 1 and isinstance(parts[0], Slot) and "." in parts[0].name:
        value = read_value(parts[0].name, state)
        if value is not None:
            return value
    return filled(template, state, step)


def read_value(name: str, state: AgentState) -> JsonValue:
    """What `<node>` (its text) or `<node>.<field>` stands for now; None where there is nothing."""
    node, _, field = name.partition(".")
    return seen_fields(node, state["outputs"], state["visits"]).get(field or "text")


def text_lines(text: str) -> list[str]:
    """The lines that hold anything, without what surrounds it."""
    return [line.strip() for line in text.splitlines() if line.strip()]
