"""Reads what can be read of a document that is not right yet: an editor wants to know something of it all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.flow import NAME, EdgeConfig, FlowConfig, FlowInput, FlowLimits, NodeConfig

MAX_NODES = 10_000
MAX_EDGES = 50_000
_Part = TypeVar("_Part", bound=pydantic.BaseModel)


def salvaged(document: JsonValue) -> FlowConfig | None:
    """A flow of what can be read, whatever else the document holds; None where no node can be. Never to be run."""
    if not isinstance(document, dict):
        return None
    nodes = tuple(_nodes(document.get("nodes")))
    if not nodes:
        return None
    return FlowConfig.model_construct(
        id="salvaged",
        name="",
        inputs=dict(_inputs(document.get("inputs"))) or {"user_input": FlowInput()},
        nodes=nodes,
        edges=tuple(_edges(document.get("edges"))),
        limits=_read(FlowLimits, document.get("limits")) or FlowLimits(),
    )


def _nodes(given: JsonValue) -> Iterator[NodeConfig]:
    for node in given[:MAX_NODES] if isinstance(given, list) else ():
        if isinstance(node, dict):
            found = _read(NodeConfig, node) or _read(NodeConfig, {name: node.get(name) for name in ("id", "kind")})
            yield from [found] if found else []


def _edges(given: JsonValue) -> Iterator[EdgeConfig]:
    for edge in given[:MAX_EDGES] if isinstance(given, list) else ():
        if isinstance(edge, dict):
            # What is wrong with it is most likely its condition: without one it would claim too much.
            bare = {"from": edge.get("from"), "to": edge.get("to"), "otherwise": True}
            found = _read(EdgeConfig, edge) or _read(EdgeConfig, bare)
            yield from [found] if found else []


def _inputs(given: JsonValue) -> Iterator[tuple[str, FlowInput]]:
    for name, one in given.items() if isinstance(given, dict) else ():
        if re.fullmatch(NAME, name):
            yield name, _read(FlowInput, one) or FlowInput()


def _read(model: type[_Part], value: Any) -> _Part | None:
    try:
        return model.model_validate(value)
    except pydantic.ValidationError:
        return None
