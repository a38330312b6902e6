"""The routes of runs: start one, list them, look at one, follow it live, stop it, take it up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, RootModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.run import TERMINAL, RunInfo, RunRequest, RunStatus, RunView
from agent_lab.contracts.run_ports import RunFilter
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented, request_id_of
from agent_lab.lab.services import LabServices, Services, services_of

router = APIRouter(route_class=GuardedRoute, tags=["runs"])

SHOWN_PROMPT_CHARS = 300
"""A list of runs shows this much of each question: a page of full ones could be megabytes."""
PING_S = 15
SEND_TIMEOUT_S = 60.0
"""A reader that takes nothing for this long is let go; it comes back with Last-Event-ID."""

REQUEST: dict[str, Any] = {"flow": "challenge", "prompt": "Ana has 12 apples and buys 30 more. How many has she now?"}
INFO: dict[str, Any] = {
    "run_id": "20261121t090000-5f1d7c0e9b",
    "flow_id": "challenge",
    "flow_hash": "9f2c",
    "status": "running",
    "prompt": REQUEST["prompt"],
    "request_id": "5f1d7c0e9b6a4c52",
    "created_at": "2026-11-21T09:00:00Z",
    "finished_at": None,
}
VIEW: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "request_id": INFO["request_id"],
    "flow_id": "challenge",
    "flow_hash": "9f2c",
    "prompt": REQUEST["prompt"],
    "status": "completed",
    "nodes": [{"id": "creator", "kind": "generate", "label": "Creator", "role": "creator", "status": "completed"}],
    "edges": [{"source": "creator", "target": "challenger", "taken": 1}],
    "answer": "Answer: 42",
    "totals": {"calls": 3, "prompt_tokens": 150, "completion_tokens": 60, "cost_usd": 0.0, "seconds": 0.8},
    "last_seq": 14,
}
STREAM = (
    "id: 2\r\nevent: node_started\r\ndata: "
    '{"seq":2,"at":"2026-11-21T09:00:00Z","type":"node_started","node":"creator","visit":1,'
    '"kind":"generate","label":"Creator","role":"creator"}\r\n\r\n'
)


class EventStream(EventSourceResponse):
    """A stream of server-sent events, which says so in the OpenAPI document too."""

    media_type = "text/event-stream"


class RunEventMessage(RootModel[RunEvent]):
    """The `data` of one message of the stream: an event of the run, told apart by its `type`."""


class RunPage(BaseModel):
    """A page of runs, newest first; `next_cursor` is None on the last one."""

    model_config = ConfigDict(json_schema_extra={"example": {"runs": [INFO], "next_cursor": INFO["run_id"]}})

    runs: list[RunInfo]
    next_cursor: str | None


def _answers(status: int, description: str, example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": description, "content": {"application/json": {"example": example}}}}


RunBody = Annotated[RunRequest, Body(openapi_examples={"challenge": {"summary": "A debate", "value": REQUEST}})]


@router.post(
    "/api/runs",
    operation_id="start_run",
    status_code=202,
    responses=documented(404, 503, body=True) | _answers(202, "The run has begun; see its Location.", INFO),
)
@owner
async def start_run(body: RunBody, request: Request, response: Response, services: Services) -> RunInfo:
    """Start a flow on a question. Everything is checked first; then the run goes on in the background."""
    info = await services.runs.start(body, request_id=request_id_of(request))
    response.headers["Location"] = f"/api/runs/{info.run_id}"
    return info


@router.get("/api/runs", operation_id="list_runs", responses=documented(422))
@owner
async def list_runs(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")] = None,
    flow: Annotated[str | None, Query(max_length=64)] = None,
    status: RunStatus | None = None,
) -> RunPage:
    """Runs, newest first, with the beginning of each question."""
    found = await services.runs.list(limit=limit + 1, before=cursor, only=RunFilter(flow_id=flow, status=status))
    page = [info.model_copy(update={"prompt": info.prompt[:SHOWN_PROMPT_CHARS]}) for info in found[:limit]]
    return RunPage(runs=page, next_cursor=page[-1].run_id if len(found) > limit else None)


@router.get(
    "/api/runs/{run_id}", operation_id="get_run", responses=documented(404) | _answers(200, "The run as it is.", VIEW)
)
@owner
async def get_run(run_id: str, services: Services) -> RunView:
    """A run as its events add up: status, every node's text, cost, answer."""
    return await services.runs.view(run_id)


@router.post(
    "/api/runs/{run_id}/cancel",
    operation_id="cancel_run",
    responses=documented(404, 409) | _answers(200, "The run has stopped.", INFO | {"status": "cancelled"}),
)
@owner
async def cancel_run(run_id: str, services: Services) -> RunInfo:
    """Stop a run. One that has ended stays as it is (409)."""
    return await services.runs.cancel(run_id)


@router.post(
    "/api/runs/{run_id}/resume",
    operation_id="resume_run",
    status_code=202,
    responses=documented(404, 409) | _answers(202, "The run goes on.", INFO),
)
@owner
async def resume_run(run_id: str, services: Services) -> RunInfo:
    """Take up a run that was interrupted, where its record ends."""
    return await services.runs.resume(run_id)


class Position(BaseModel):
    """Where a reader stands: the run, the last event that it has, and whether more can come."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    after: int
    is_over: bool


async def _position(
    run_id: str,
    request: Request,
    last_event_id: Annotated[str | None, Header(description="`id` of the last event received.")] = None,
    after: Annotated[str | None, Query(description="The same, where headers cannot be set.")] = None,
) -> Position:
    # A dependency, so that what is wrong is answered as a problem: once the stream has begun it is too late.
    services: LabServices = services_of(request)
    given = last_event_id if last_event_id is not None else after
    where = "Last-Event-ID" if last_event_id is not None else "after"
    if given is not None and not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise ValidationError(
            f"{where} must be the number of an event; leave it out to begin at the start.", where=where
        )
    seen = int(given or 0)
    view = await services.runs.view(run_id)
    return Position(run_id=run_id, after=seen, is_over=view.status in TERMINAL and seen >= view.last_seq)


@router.get(
    "/api/runs/{run_id}/events",
    operation_id="watch_run",
    response_class=EventStream,
    responses=documented(404, 422)
    | {
        200: {
            "model": RunEventMessage,
            "description": "Events as they are stored, and live `token` events, which carry no id; ends with the run.",
            "content": {"text/event-stream": {"example": STREAM}},
        },
        204: {"description": "The run has ended and the reader has all of it; do not reconnect."},
    },
)
@owner
async def watch_run(position: Annotated[Position, Depends(_position)], services: Services) -> Response:
    """Follow a run. Leaving does not stop it; come back with Last-Event-ID and nothing is missed or repeated."""
    if position.is_over:
        return Response(status_code=204)
    return EventStream(_messages(services, position), ping=PING_S, send_timeout=SEND_TIMEOUT_S)


async def _messages(services: LabServices, position: Position) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(services.runs.watch(position.run_id, position.after)) as events:  # type: ignore[type-var]
        async for event in events:
            data = event.model_dump_json(by_alias=True)
            yield ServerSentEvent(data, event=event.type, id=str(event.seq) if event.seq else None)
