"""The route that says what flows are made of: the kinds of node, and the JSON Schema of a flow document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.flows.schema import flow_schema
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

KIND: dict[str, Any] = {
    "name": "generate",
    "summary": "Asks a model.",
    "asks_models": True,
    "fields": {"model": "registry key of the model that answered"},
    "templates": ["prompt", "system"],
    "binds": [],
    "offers": {},
}
OFFERED: dict[str, Any] = {"name": "wordcount", "about": "Counts words.", "takes": {"type": "object"}}


class OfferedEntry(BaseModel):
    """Something registered that a setting may name. `takes`: a JSON Schema of what it is given."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": OFFERED})

    name: str
    about: str
    takes: dict[str, Any]


class KindEntry(BaseModel):
    """A kind of node. Its settings are `$defs/node_<name>` of the schema."""

    model_config = ConfigDict(json_schema_extra={"example": KIND})

    name: str
    summary: str
    asks_models: bool
    """True where a turn of it may ask a model."""
    fields: dict[str, str]
    """What it leaves beside its text, whatever its settings; conditions and templates may name these."""
    templates: list[str]
    """Settings that are templates."""
    binds: list[str]
    """Names that its templates may use besides those of the flow."""
    offers: dict[str, list[OfferedEntry]]
    """For settings that name something registered, such as a tool: all that there is."""


class Kinds(BaseModel):
    """Every kind of node that a flow may use here, those of plug-ins too, and the schema of flows."""

    model_config = ConfigDict(json_schema_extra={"example": {"kinds": [KIND], "schema": {"type": "object"}}})

    kinds: list[KindEntry]
    flow_schema: dict[str, Any] = Field(alias="schema")


@router.get("/api/node-kinds", operation_id="list_node_kinds", responses=documented())
@owner
def list_node_kinds(services: Services) -> Kinds:
    """The kinds of node, and the JSON Schema (2020-12) of a flow document."""
    kinds = services.runs.shop.kinds
    entries = [
        KindEntry(
            name=kind.name,
            summary=kind.summary,
            asks_models=kind.calls,
            fields=dict(kind.fields),
            templates=list(kind.templates),
            binds=list(kind.binds),
            offers={
                setting: [OfferedEntry.model_validate(one) for one in offered]
                for setting, offered in kind.offers.items()
            },
        )
        for kind in kinds.values()
    ]
    return Kinds(kinds=entries, schema=flow_schema(kinds))
