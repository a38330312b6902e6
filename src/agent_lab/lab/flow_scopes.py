"""What the check of a flow answers beside problems: the names that each node may use, and what a run may take."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.flow import Text
from agent_lab.contracts.flow_ports import FieldType
from agent_lab.contracts.sentences import Told, told_of
from agent_lab.flows.scope import FlowScope

FIELD: dict[str, Any] = {"name": "text", "type": "text", "about": "what the node said"}
NODE: dict[str, Any] = {
    "fields": 0,
    "after": "draft",
    "sure": [],
    "maybe": [],
    "previous": "sure",
    "binds": [],
    "turns": 1,
    "calls": 1,
}
SCOPE: dict[str, Any] = {
    "names": [{"name": "user_input", "source": "input", "about": "The question", "sure": True}],
    "fields": [[FIELD]],
    "nodes": {"draft": NODE | {"after": None, "previous": "never"}, "better": NODE},
    "turns": 2,
    "calls": 2,
    "whole": True,
}


class ScopeName(BaseModel):
    """A name that templates have at every node: an input of the flow, or `round` and `history` of the run.

    One that is not `sure` may have no value; it stands inside `{?name}...{/name}` alone.
    """

    name: str
    source: Literal["input", "run"]
    about: Text
    sure: bool


class ScopeField(BaseModel):
    """A field that nodes leave: `{node.field}` in templates, `node.field` in conditions."""

    model_config = ConfigDict(json_schema_extra={"example": FIELD})

    name: str
    type: FieldType
    about: str
    said: Told | None = None
    """What `about` says, for those who say it in another language."""


class ScopeNode(BaseModel):
    """What may be named at one node besides the names of all.

    That is the node `after` and all that may be named there, then `sure` and `maybe`. Everything that is sure at
    `after` is sure here; of the others those in `sure` are. What is not sure stands inside `{?name}...{/name}` alone.
    `{previous_output}` is `previous`.
    """

    model_config = ConfigDict(json_schema_extra={"example": NODE})

    fields: int
    """The place of its own fields among the lists of `fields`."""
    sure: list[str]
    maybe: list[str]
    previous: Literal["sure", "maybe", "never"]
    binds: list[str]
    """Names of its kind's own, such as `item`."""
    turns: int
    calls: int | None = None
    """The most in one run; null where that cannot be told yet."""
    after: str | None = None


class ScopeAnswer(BaseModel):
    """What may be named at each node, and what a run may take at the most. Long lists are shared, or left out of a
    very large flow (`whole` is false then)."""

    model_config = ConfigDict(json_schema_extra={"example": SCOPE})

    names: list[ScopeName]
    fields: list[list[ScopeField]]
    nodes: dict[str, ScopeNode]
    turns: int
    whole: bool
    calls: int | None = None


def scope_answer(scope: FlowScope) -> ScopeAnswer:
    """The scope as the API tells it."""
    told = asdict(scope)
    for field in itertools.chain(*told["fields"]):
        field["said"] = told_of(field["about"])
    return ScopeAnswer.model_validate(told | {"nodes": {node.pop("node"): node for node in told["nodes"]}})
