"""The routes that bring a local model into memory, show how far that is, and keep the model there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from agent_lab.contracts.errors import AgentLabError, ValidationError
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.cache import CachedModel, LoadState
from agent_lab.lab.loads import Load
from agent_lab.lab.problems import documented, problem_of, request_id_of
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["models"])

PING_S = 15
SEND_TIMEOUT_S = 60.0
"""A reader that takes nothing for this long is let go; the load goes on."""
STREAM = (
    "event: progress\r\ndata: "
    '{"model_key":"mistral7b","stage":"loading","done_bytes":2400000000,"total_bytes":14500000000,'
    '"elapsed_s":1.9,"seconds_left":9.6}\r\n\r\n'
)
PROGRESS_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The model in memory. With `Accept: text/event-stream` a stream: `progress` events, then "
        "`ready` with the model, or `error` with the problem document.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}},
    }
}


class LoadRequest(BaseModel):
    """How to load the model; its own default strategy where nothing is said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"strategy": "optimized", "pin": True}})

    strategy: str | None = Field(default=None, max_length=64)
    pin: bool = False
    """True: keep it in memory whatever else wants its place, as `PUT /models/{key}/pin` does."""


@router.post(
    "/models/{key}/load",
    operation_id="load_model",
    response_model=CachedModel,
    responses=documented(404, 409, 429, 502, 503, 507, body=True) | PROGRESS_STREAM,
)
@owner
async def load_model(key: str, request: Request, services: Services, body: LoadRequest | None = None) -> Response:
    """Load a local model now, so that its first request need not wait for it. A client that leaves stops nothing."""
    body = body or LoadRequest()
    model = _local(services, key)
    strategy = services.strategies.get_strategy(body.strategy or model.default_strategy)
    load = services.loads.start(model, strategy, pin=body.pin)
    if "text/event-stream" in request.headers.get("accept", ""):
        messages = _messages(load, request_id_of(request))
        return EventSourceResponse(messages, ping=PING_S, send_timeout=SEND_TIMEOUT_S, headers={"Vary": "Accept"})
    loaded = CachedModel.of(await load.result())
    return JSONResponse(loaded.model_dump(mode="json"), headers={"Vary": "Accept"})


@router.put("/models/{key}/pin", operation_id="pin_model", responses=documented(404, 422))
@owner
async def pin_model(key: str, services: Services) -> CachedModel:
    """Keep a model that is in memory there, whatever else wants its place."""
    return CachedModel.of(services.host.pin(_kept_for(services, key), pinned=True))


@router.delete("/models/{key}/pin", operation_id="unpin_model", responses=documented(404, 422))
@owner
async def unpin_model(key: str, services: Services) -> CachedModel:
    """Let a model make way again when another one needs its place."""
    return CachedModel.of(services.host.pin(_kept_for(services, key), pinned=False))


def _local(services: LabServices, key: str) -> ModelSpec:
    model = services.models.get_model(key)
    if model.provider != "local":
        raise ValidationError(
            said(
                "not_a_local_model",
                "The model {model!r} is served by {provider}; only local models can be loaded and pinned.",
                model=key,
                provider=model.provider,
            )
        )
    return model


def _kept_for(services: LabServices, key: str) -> str:
    """The model whose weights are in memory for this one: an adapter stays as long as the model that it is put on."""
    model = _local(services, key)
    return model.base or model.key


async def _messages(load: Load, request_id: str) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(load.watch()) as states:  # type: ignore[type-var]
        async for state in states:
            yield ServerSentEvent(LoadState.of(state).model_dump_json(), event="progress")
    try:
        loaded = CachedModel.of(await load.result())
    except AgentLabError as error:
        yield ServerSentEvent(problem_of(error, request_id).model_dump_json(exclude_none=True), event="error")
    else:
        yield ServerSentEvent(loaded.model_dump_json(), event="ready")
