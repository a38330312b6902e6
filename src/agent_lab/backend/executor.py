"""Executes a prompt: asks the lab, one model or a flow, and maps what it says for the user interface."""

from __future__ import annotations

import json

import pydantic
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from agent_lab.backend.asking import check_known, client_of, own_ask
from agent_lab.backend.client import Answer
from agent_lab.backend.execution import (
    ExecutionRequest,
    ExecutionResult,
    direct_result,
    failed_result,
    lab_body,
    orchestrated_result,
)
from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError
from agent_lab.contracts.run import RunView
from agent_lab.flows.metrics import build_error_response
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.presence import while_waited_for
from agent_lab.lab.problems import documented

_TOLD = ("content-type", "retry-after")
"""What is handed on of the headers of a refusal."""

router = APIRouter(route_class=GuardedRoute, tags=["backend"])


class LabRefusal(Exception):
    """The lab did not take the request; its problem is handed on as it is."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


async def execute_prompt(asked: ExecutionRequest, request: Request) -> ExecutionResult:
    """Ask the lab and wait for the answer. A caller that leaves ends the work.

    Raises LabRefusal with the lab's problem where nothing had begun, LabAwayError, SilentError past REQUEST_TIMEOUT.
    """
    path, body = lab_body(asked)
    answer = await _asked(request, "POST", path, json.dumps(body).encode())
    if answer.status == 200:
        return _mapped(answer, asked)
    problem = answer.document()
    if not {"type", "status", "detail", "run_id"} <= problem.keys():
        raise LabRefusal(answer)
    return failed_result(problem, await _picture(request, problem["run_id"]), asked)


def _mapped(answer: Answer, asked: ExecutionRequest) -> ExecutionResult:
    try:
        if asked.mode == "direct":
            return direct_result(answer.document())
        return orchestrated_result(answer.document(), strategy=asked.strategy)
    except (KeyError, TypeError, pydantic.ValidationError) as error:
        raise EnvironmentFaultError(
            "The lab answers in a form that this backend does not know; bring both to the same version."
        ) from error


async def _picture(request: Request, run_id: str) -> dict[str, object] | None:
    """The run as far as it came; None where the lab cannot tell."""
    try:
        answer = await _asked(request, "GET", f"/api/runs/{run_id}")
        view = RunView.model_validate_json(answer.content)
    except (AgentLabError, pydantic.ValidationError):
        return None
    return build_error_response(view)


async def _asked(request: Request, method: str, path: str, body: bytes = b"") -> Answer:
    client, ask = client_of(request), own_ask(request, method, path, body)
    answer = await while_waited_for(request, client.call(ask))
    check_known(ask, answer.status, client.place)
    return answer


@router.post(
    "/api/v1/execute",
    operation_id="execute_prompt",
    response_model=ExecutionResult,
    responses=documented(404, 409, 429, 500, 502, 503, 504, 507, body=True),
)
@owner
async def execute(body: ExecutionRequest, request: Request) -> Response:
    """Ask one model or run a flow, and answer when it has ended. A run that began and failed has `success` false."""
    try:
        result = await execute_prompt(body, request)
    except LabRefusal as refusal:
        lab = refusal.answer
        return Response(lab.content, lab.status, {name: lab.headers[name] for name in _TOLD if name in lab.headers})
    headers = {"Location": f"/api/v1/runs/{result.execution_id}"} if result.execution_id else None
    return JSONResponse(result.model_dump(mode="json"), headers=headers)
