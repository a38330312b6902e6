"""Lists what can be asked for by name: the models that can be called, and every flow."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agent_lab.compat.naming import FLOW, target_of
from agent_lab.contracts.errors import AgentLabError, BusyError
from agent_lab.contracts.flow import in_language
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.lab.services import LabServices

EXAMPLE: dict[str, Any] = {
    "id": "flow/challenge",
    "object": "model",
    "created": 1795251600,
    "owned_by": "agent-lab",
    "type": "model",
    "display_name": "Challenge",
    "created_at": "2026-11-21T09:00:00Z",
}


class ModelDocument(BaseModel):
    """A model as OpenAI's SDK reads it (`object`, `created`, `owned_by`) and as Anthropic's does (the rest)."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"example": EXAMPLE})

    id: str
    object: Literal["model"] = "model"
    created: int
    """When this server began to serve it: seconds since 1970."""
    owned_by: str
    """The provider, or `agent-lab` for a flow."""
    type: Literal["model"] = "model"
    display_name: str
    created_at: datetime


class ModelsDocument(BaseModel):
    """The list, on one page."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {
                "object": "list",
                "data": [EXAMPLE],
                "has_more": False,
                "first_id": EXAMPLE["id"],
                "last_id": EXAMPLE["id"],
            }
        },
    )

    object: Literal["list"] = "list"
    data: list[ModelDocument]
    has_more: bool = False
    first_id: str | None
    last_id: str | None


async def served_models(services: LabServices) -> ModelsDocument:
    """The models that can be called, then the flows."""
    models = await asyncio.to_thread(_models, services)
    flows = [
        _document(FLOW + entry.flow_id, in_language(entry.flow.name, "en"), "agent-lab", services)
        for entry in await services.shelf.served()
        if entry.flow is not None
    ]
    data = [*models, *flows]
    return ModelsDocument(data=data, first_id=data[0].id if data else None, last_id=data[-1].id if data else None)


def _models(services: LabServices) -> list[ModelDocument]:
    return [
        _document(row.key, row.name, row.provider, services)
        for row in services.models.list_models()
        if _can_be_called(row.key, services)
    ]


async def served_model(name: str, services: LabServices) -> ModelDocument:
    """The one of that name. Raises NotFoundError with the nearest names."""
    target = await target_of(name, services)
    if target.flow is not None:
        return _document(name, in_language(target.flow.name, "en"), "agent-lab", services)
    key = target.model_key or services.gateway.resolve_model(GenerationRequest(prompt="?")).key
    row = services.models.get_model(key)
    return _document(name, row.name, row.provider, services)


def _can_be_called(key: str, services: LabServices) -> bool:
    try:
        services.gateway.resolve_model(GenerationRequest(prompt="?", model_key=key))
    except BusyError:  # it will be again
        return True
    except AgentLabError:
        return False
    return True


def _document(name: str, title: str, by: str, services: LabServices) -> ModelDocument:
    since = services.started_at.astimezone(UTC).replace(microsecond=0)
    return ModelDocument(
        id=name, created=int(since.timestamp()), owned_by=by, display_name=title or name, created_at=since
    )
