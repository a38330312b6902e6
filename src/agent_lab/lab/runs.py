"""The routes of runs: start one, list them, look at one, follow it live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, RootModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.run import TERMINAL, RunInfo, RunRequest, RunStatus, RunView
from agent_lab.contracts.run_ports import RunFilter
from agent_lab.contracts.sentences import said
from agent_lab.lab.access import GuardedRoute, caller_of, owner
from agent_lab.lab.idempotency import Key
from agent_lab.lab.problems import documented, request_id_of
from agent_lab.lab.run_shapes import EXAMPLES, INFO, STREAM, VIEW, answers
from agent_lab.lab.run_stream import SEND_TIMEOUT_S, event_number
from agent_lab.lab.services import LabServices, Services, services_of

router = APIRouter(route_class=GuardedRoute, tags=["runs"])

SHOWN_PROMPT_CHARS = 300
"""A list of runs shows this much of each question: a page of full ones could be megabytes."""
PING_S = 15


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


RunBody = Annotated[RunRequest, Body(openapi_examples=EXAMPLES)]


@router.post(
    "/api/runs",
    operation_id="start_run",
    status_code=202,
    responses=documented(404, 429, 503, body=True)
    | answers(202, "The run has begun, or stands in the queue; see its Location.", INFO),
)
@owner
async def start_run(
    body: RunBody, request: Request, response: Response, services: Services, key: Key = None
) -> RunInfo:
    """Start a flow on a question. Everything is checked first; then the run goes on in the background."""
    info = await services.runs.start(
        body, request_id=request_id_of(request), idempotency_key=key, caller=caller_of(request)
    )
    response.headers["Location"] = f"/api/runs/{info.run_id}"
    return info


def _with_zone(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(said("no_such_time", "there is no such time; name one between the years 1 and 9999")) from None


Moment = Annotated[datetime, AfterValidator(_with_zone)]
"""A time; one that names no zone is UTC."""


def _filter(
    flow: Annotated[str | None, Query(max_length=64, description="Runs of this flow.")] = None,
    status: Annotated[RunStatus | None, Query(description="Runs in this state.")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Runs whose question has this in it.")] = None,
    since: Annotated[Moment | None, Query(description="Runs begun at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Runs begun before this time.")] = None,
    parent: Annotated[str | None, Query(max_length=100, description="Forks of this run.")] = None,
    caller: Annotated[
        str | None, Query(max_length=64, description="Runs of this access key; left empty, the owner's.")
    ] = None,
    trial: Annotated[
        bool | None, Query(description="`true`: runs of one node alone; `false`: those of whole flows.")
    ] = None,
    cost_from: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="Runs that cost this much or more, in USD.")
    ] = None,
    cost_to: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="Runs that cost this much or less, in USD.")
    ] = None,
    model: Annotated[str | None, Query(max_length=64, description="Runs in which this model answered.")] = None,
) -> RunFilter:
    return RunFilter(
        flow_id=flow,
        status=status,
        text=q or None,
        since=since,
        until=until,
        parent_run_id=parent,
        caller=caller,
        trial=trial,
        cost_usd_from=cost_from,
        cost_usd_to=cost_to,
        model=model or None,
    )


@router.get("/api/runs", operation_id="list_runs", responses=documented(404, 422))
@owner
async def list_runs(
    services: Services,
    only: Annotated[RunFilter, Depends(_filter)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")] = None,
) -> RunPage:
    """Runs, newest first, with the beginning of each question."""
    found = await services.runs.list(limit=limit + 1, before=cursor, only=only)
    page = [info.model_copy(update={"prompt": info.prompt[:SHOWN_PROMPT_CHARS]}) for info in found[:limit]]
    return RunPage(runs=page, next_cursor=page[-1].run_id if len(found) > limit else None)


@router.get(
    "/api/runs/{run_id}", operation_id="get_run", responses=documented(404) | answers(200, "The run as it is.", VIEW)
)
@owner
async def get_run(run_id: str, services: Services) -> RunView:
    """A run as its events add up: status, every node's text, cost, answer."""
    return await services.runs.so_far(run_id)


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
    seen = event_number(given, where) if given is not None else 0
    is_over = (await services.runs.store.get(run_id)).status in TERMINAL
    if is_over and seen:
        is_over = not await services.runs.store.events(run_id, after=seen)
    return Position(run_id=run_id, after=seen, is_over=is_over and seen > 0)


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
    async with aclosing(services.readers.follow(services.runs, position.run_id, position.after)) as events:
        async for event, data in events:
            yield ServerSentEvent(data, event=event.type, id=str(event.seq) if event.seq else None)
