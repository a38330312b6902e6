"""Uses a tool that the administrator registered; a flow names it and fills its arguments, and says no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, JsonValue

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import AgentLabError, ProviderError, ValidationError, nearest, unknown_name
from agent_lab.contracts.flow_ports import NodeKind, Offered, Step, ToolSpec
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.checking.report import pointer
from agent_lab.flows.state import AgentState
from agent_lab.nodes.branches import OnError
from agent_lab.nodes.filling import filled_value
from agent_lab.nodes.settings import NodeSettings
from agent_lab.registries.schemas import misfit

MAX_CHARS = 1_000_000
"""Of what a tool answers."""


class ToolSettings(NodeSettings):
    """Which tool, with which arguments.

    An argument that is a text is a template, and what is one `{<node>.<field>}` alone is that field's value as it is;
    any other JSON value stands as it is written.
    """

    tool: str = Field(min_length=1, max_length=64)
    arguments: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    on_error: OnError = "fail"


def tool_kind(tools: Mapping[str, ToolSpec]) -> NodeKind:
    """The kind, with those tools."""

    async def use(state: AgentState, settings: ToolSettings, step: Step) -> NodeOutput:
        try:
            text = await _called(tools, state, settings, step)
        except AgentLabError as error:
            if settings.on_error == "fail":
                raise
            return NodeOutput(text="", fields={"ok": False, "error": error.message, "value": None})
        return NodeOutput(text=text, fields={"ok": True, "error": None, "value": _as_json(text)})

    return NodeKind(
        name="tool",
        summary="Uses a tool that the administrator registered.",
        settings=ToolSettings,
        run=use,
        fields={
            "ok": said("tool_ok", "false where it failed (on_error skip)"),
            "error": said("tool_error", "what went wrong; null where nothing did"),
            "value": said("tool_value", "what it wrote, read as JSON; null where that is none"),
        },
        types={"ok": "boolean", "error": "text"},
        templates=("arguments",),
        offers={
            "tool": [Offered(name=one.name, about=one.description, takes=one.parameters) for one in tools.values()]
        },
        steady=False,
        problems=lambda settings: _problems(tools, settings),
    )


async def _called(tools: Mapping[str, ToolSpec], state: AgentState, settings: ToolSettings, step: Step) -> str:
    tool = tools.get(settings.tool)
    if tool is None:
        raise unknown_name("tool", settings.tool, tools)
    arguments = {
        name: filled_value(value, state, step) if isinstance(value, str) else value
        for name, value in settings.arguments.items()
    }
    fault = misfit(arguments, tool.parameters)
    if fault:
        raise ValidationError(
            said(
                "tool_misfit",
                "The tool {tool!r} does not take its arguments in node {node!r}: {reason}.",
                tool=tool.name,
                node=step.node.id,
                reason=fault,
            )
        )
    text = await tool.call(arguments)
    if len(text) > MAX_CHARS:
        raise ProviderError(
            said(
                "tool_too_long",
                "The tool {tool!r} answered with {characters:,} characters; {most:,} may be.",
                tool=tool.name,
                characters=len(text),
                most=MAX_CHARS,
            )
        )
    return text


def _as_json(text: str) -> JsonValue:
    try:
        return read_json(text.encode("utf-8", "replace"), what="what the tool wrote")
    except ValidationError:
        return None


TOOL_NEEDS = "The tool {tool!r} needs the argument {argument!r}; give it."
TOOL_TAKES = "The tool {tool!r} takes no argument {argument!r}; {near}"


def _problems(tools: Mapping[str, ToolSpec], settings: ToolSettings) -> Iterator[tuple[str, str]]:
    """Each at its argument, also at one that is missing."""
    tool = tools.get(settings.tool)
    if tool is None:
        near = nearest(settings.tool, tools)
        yield "/tool", said("no_tool", "No tool {tool!r} is registered; {near}", tool=settings.tool, near=near)
        return
    required, known = tool.parameters.get("required"), tool.parameters.get("properties")
    for name in required if isinstance(required, list) else ():
        if name not in settings.arguments:
            told = said("tool_needs", TOOL_NEEDS, tool=tool.name, argument=str(name))
            yield pointer("arguments", str(name)), told
    if isinstance(known, dict) and tool.parameters.get("additionalProperties") is False:
        for name in settings.arguments:
            if name not in known:
                near = nearest(name, known)
                yield (
                    pointer("arguments", name),
                    said("tool_takes", TOOL_TAKES, tool=tool.name, argument=name, near=near),
                )
