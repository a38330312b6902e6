"""The routes of evaluations: estimate one, start it, list them, follow one, stop it, take it up, delete it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.evaluation import EvaluationEstimate, EvaluationInfo, EvaluationSpec
from agent_lab.contracts.registry import Usd
from agent_lab.lab.access import GuardedRoute, caller_of, check_owner, owner
from agent_lab.lab.evaluation_shapes import DONE, ESTIMATE, EXAMPLES, INFO
from agent_lab.lab.idempotency import Key
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import answers
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["evaluations"])

SpecBody = Annotated[EvaluationSpec, Body(openapi_examples=EXAMPLES)]


class EvaluationPage(BaseModel):
    """A page of evaluations, newest first; `next_cursor` is None on the last one."""

    model_config = ConfigDict(json_schema_extra={"example": {"evaluations": [DONE], "next_cursor": None}})

    evaluations: list[EvaluationInfo]
    next_cursor: str | None


class ResumeRequest(BaseModel):
    """With what budget it goes on, in all; left out, with the one that it has."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": {"budget_usd": 10}})

    budget_usd: Usd | None = Field(default=None, ge=0)


@router.post(
    "/api/evaluations/estimate",
    operation_id="estimate_evaluation",
    responses=documented(404, 503, body=True) | answers(200, "What it would take.", ESTIMATE),
)
@owner
async def estimate_evaluation(body: SpecBody, services: Services) -> EvaluationEstimate:
    """Say what an evaluation would take, and which difference it could show, without starting it."""
    return await services.evaluations.estimate(body)


@router.post(
    "/api/evaluations",
    operation_id="start_evaluation",
    status_code=202,
    responses=documented(404, 503, body=True) | answers(202, "It has begun; see its Location.", INFO),
)
@owner
async def start_evaluation(
    body: SpecBody, request: Request, response: Response, services: Services, key: Key = None
) -> EvaluationInfo:
    """Put a dataset through several arms. Everything is checked first; then it goes on in the background.

    The owner's alone. A key of its own makes it safe to send again while this server runs.
    """
    check_owner(request)

    async def begin() -> str:
        return (await services.evaluations.start(body, caller=caller_of(request))).evaluation_id

    if key is None:
        evaluation_id = await begin()
    else:
        sent = body.model_dump_json().encode()
        evaluation_id = await services.repeats.once(caller_of(request), key, sent, begin)
    response.headers["Location"] = f"/api/evaluations/{evaluation_id}"
    return await services.evaluations.get(evaluation_id)


@router.get("/api/evaluations", operation_id="list_evaluations", responses=documented(404, 422))
@owner
async def list_evaluations(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")] = None,
) -> EvaluationPage:
    """Evaluations, newest first, each with how far it is and with its verdicts."""
    found = await services.evaluations.list(limit=limit + 1, before=cursor)
    page = list(found[:limit])
    return EvaluationPage(evaluations=page, next_cursor=page[-1].evaluation_id if len(found) > limit else None)


@router.get(
    "/api/evaluations/{evaluation_id}",
    operation_id="get_evaluation",
    responses=documented(404) | answers(200, "The evaluation as it is.", INFO),
)
@owner
async def get_evaluation(evaluation_id: str, services: Services) -> EvaluationInfo:
    """What was asked, how far it is, what it has cost so far."""
    return await services.evaluations.get(evaluation_id)


@router.post(
    "/api/evaluations/{evaluation_id}/cancel",
    operation_id="cancel_evaluation",
    responses=documented(404, 409) | answers(200, "It stops.", INFO | {"status": "cancelled"}),
)
@owner
async def cancel_evaluation(evaluation_id: str, request: Request, services: Services) -> EvaluationInfo:
    """Stop an evaluation; what it has is kept, and it can be resumed. The owner's alone."""
    check_owner(request)
    return await services.evaluations.cancel(evaluation_id)


@router.post(
    "/api/evaluations/{evaluation_id}/resume",
    operation_id="resume_evaluation",
    status_code=202,
    responses=documented(404, 409, 503, body=True) | answers(202, "It goes on.", INFO),
)
@owner
async def resume_evaluation(
    evaluation_id: str, request: Request, services: Services, body: ResumeRequest | None = None
) -> EvaluationInfo:
    """Take up an evaluation that was stopped, failed, or reached its budget. Nothing is paid for twice.

    The owner's alone.
    """
    check_owner(request)
    budget_usd = None if body is None else body.budget_usd
    return await services.evaluations.resume(evaluation_id, budget_usd=budget_usd)


@router.delete(
    "/api/evaluations/{evaluation_id}",
    operation_id="delete_evaluation",
    status_code=204,
    response_class=Response,
    responses=documented(404, 409),
)
@owner
async def delete_evaluation(evaluation_id: str, request: Request, services: Services) -> Response:
    """Forget an evaluation with its answers. The owner's alone."""
    check_owner(request)
    await services.evaluations.delete(evaluation_id)
    return Response(status_code=204)
