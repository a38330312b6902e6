"""The routes that act on a run: stop it, pause it, take it up, answer what it asks, run it again with a change."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from agent_lab.contracts.run import ForkPreview, ForkRequest, RunInfo
from agent_lab.lab.access import GuardedRoute, caller_of, owner
from agent_lab.lab.idempotency import Key
from agent_lab.lab.problems import documented, request_id_of
from agent_lab.lab.run_shapes import FORK, FORKED, INFO, PREVIEW, answers
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["runs"])


class PersonsAnswer(BaseModel):
    """What a person says to a node that waits for it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"example": {"node": "approval", "text": "Yes, as it stands."}}
    )

    # An id in a subflow has a slash or brackets, `sub/creator`; so it is no `Name`.
    node: str = Field(min_length=1, max_length=500)
    text: str = Field(max_length=MAX_PROMPT_CHARS, description="Empty: what the question has as its `default`.")
    visit: int | None = Field(default=None, ge=1, description="Which turn of the node is answered; the newest.")


ForkBody = Annotated[
    ForkRequest, Body(openapi_examples={"model": {"summary": "Another model for one node", "value": FORK}})
]


@router.post(
    "/api/runs/{run_id}/cancel",
    operation_id="cancel_run",
    responses=documented(404, 409) | answers(200, "The run stops.", INFO | {"status": "cancelled"}),
)
@owner
async def cancel_run(run_id: str, services: Services) -> RunInfo:
    """Stop a run, whichever process works on it; what it had is kept. One that has ended stays as it is (409)."""
    return await services.runs.cancel(run_id)


@router.post(
    "/api/runs/{run_id}/pause",
    operation_id="pause_run",
    responses=documented(404, 409) | answers(200, "The run pauses.", INFO | {"status": "paused"}),
)
@owner
async def pause_run(run_id: str, services: Services) -> RunInfo:
    """Let the calls in flight end, and begin no others until the run is resumed."""
    return await services.runs.pause(run_id)


@router.post(
    "/api/runs/{run_id}/resume",
    operation_id="resume_run",
    status_code=202,
    responses=documented(404, 409, 429, 503) | answers(202, "The run goes on.", INFO),
)
@owner
async def resume_run(run_id: str, services: Services) -> RunInfo:
    """Take up a run that was paused or interrupted, where its record ends. Nothing is paid for twice."""
    return await services.runs.resume(run_id)


@router.post(
    "/api/runs/{run_id}/answer",
    operation_id="answer_run",
    status_code=202,
    responses=documented(404, 409, body=True) | answers(202, "The answer is kept, and the run goes on.", INFO),
)
@owner
async def answer_run(run_id: str, body: PersonsAnswer, services: Services) -> RunInfo:
    """Answer a node that waits for a person. `question` and `choices` of the run's nodes say which ones do."""
    return await services.runs.answer(run_id, body.node, body.text, visit=body.visit)


def _begun(response: Response, info: RunInfo) -> RunInfo:
    response.headers["Location"] = f"/api/runs/{info.run_id}"
    return info


@router.post(
    "/api/runs/{run_id}/fork",
    operation_id="fork_run",
    status_code=202,
    responses=documented(404, 409, 429, 503, body=True) | answers(202, "A new run; see its Location.", FORKED),
)
@owner
async def fork_run(
    run_id: str, body: ForkBody, request: Request, response: Response, services: Services, key: Key = None
) -> RunInfo:
    """Run an ended run once more with something changed, and pay only for what the change touches."""
    info = await services.runs.fork(
        run_id, body, request_id=request_id_of(request), idempotency_key=key, caller=caller_of(request)
    )
    return _begun(response, info)


@router.post(
    "/api/runs/{run_id}/fork/preview",
    operation_id="preview_fork",
    responses=documented(404, 409, body=True) | answers(200, "What the fork would take.", PREVIEW),
)
@owner
async def preview_fork(run_id: str, body: ForkBody, services: Services) -> ForkPreview:
    """What a fork would ask anew and what it would cost, without beginning it."""
    return await services.runs.preview(run_id, body)


@router.post(
    "/api/runs/{run_id}/retry",
    operation_id="retry_run",
    status_code=202,
    responses=documented(404, 409, 429, 503) | answers(202, "A new run; see its Location.", FORKED),
)
@owner
async def retry_run(run_id: str, request: Request, response: Response, services: Services, key: Key = None) -> RunInfo:
    """Run a run that ended badly once more, from the node that failed; what it had is taken over, unpaid."""
    info = await services.runs.retry(
        run_id, request_id=request_id_of(request), idempotency_key=key, caller=caller_of(request)
    )
    return _begun(response, info)
