"""The routes that run a flow on a question and answer when it has ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.errors import ConflictError, error_kind
from agent_lab.contracts.events import RUN_EVENT
from agent_lab.contracts.flow import Name
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Message
from agent_lab.contracts.run import RunOptions, RunRequest, RunView
from agent_lab.contracts.sentences import again, said
from agent_lab.flows.metrics import build_api_response
from agent_lab.lab.access import GuardedRoute, caller_of, owner
from agent_lab.lab.presence import ClientGoneError, while_waited_for
from agent_lab.lab.problems import RunFailedError, documented, request_id_of
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["orchestration"])

ASKED: dict[str, Any] = {"prompt": "Explain quantum computing", "strategy": "optimized", "max_tokens": 500}


class OrchestrateRequest(BaseModel):
    """A question for a flow. What is None is left to the flow."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": ASKED})

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    flow_type: str = Field(
        default="linear", min_length=1, max_length=80, description="The flow's id; `id@3` for a version of it."
    )
    inputs: dict[Name, str] = Field(default_factory=dict, description="Values for the flow's other inputs.")
    model: str | None = Field(default=None, description="The model for every role.")
    models: dict[Name, str] = Field(default_factory=dict, max_length=1000, description="Model by node or role.")
    strategy: str | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    language: Literal["en", "es"] = "en"
    history: tuple[Message, ...] = ()
    verbose: bool = Field(default=False, description="Answer with every event of the run as well.")


class FlowPicture(BaseModel):
    """The flow as it went: each node with its output and figures, each edge with how often it was taken."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]


class OrchestrateAnswer(BaseModel):
    """What the run came to: the answer, the flow as it went, and its figures."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "success": True,
                "result": "A qubit ...",
                "execution_id": "20261121t090000-5f1d7c0e9b",
                "request_id": "5f1d7c0e9b6a4c52",
                "flow_type": "linear",
                "status": "completed",
                "draft": "A qubit ...",
                "final_summary": "linear: 1 model call, 2.5 s",
                "flow": {
                    "nodes": [{"id": "execution", "kind": "generate", "status": "completed", "output": "A qubit ..."}],
                    "edges": [{"from": "analyzer", "to": "resources", "taken": 1}],
                },
                "metrics": {"total_time_sec": 2.5, "model_calls": 1, "tokens_generated": 120, "cost_usd": 0.0},
            }
        },
    )

    success: bool
    result: str | None
    """The answer; of a declined run the sentence that says why and what to use instead."""
    execution_id: str
    """The run's id, for `/api/runs/{run_id}`."""
    request_id: str
    flow_type: str
    status: Literal["completed", "declined"]
    draft: str | None
    final_summary: str | None
    flow: FlowPicture
    metrics: dict[str, Any]
    events: list[dict[str, Any]] | None = None
    """With `verbose`: every event of the run."""


async def _orchestrate(body: OrchestrateRequest, request: Request, services: LabServices) -> JSONResponse:
    options = RunOptions(
        model=body.model,
        models=body.models,
        strategy=body.strategy,
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        seed=body.seed,
        language=body.language,
        history=body.history,
    )
    run = RunRequest(flow=body.flow_type, prompt=body.prompt, inputs=body.inputs, options=options)
    info = await services.runs.start(run, request_id=request_id_of(request), caller=caller_of(request))
    view = await _ended(info.run_id, request, services)
    if view.status not in {"completed", "declined"}:
        raise failure_of(view)
    answer = build_api_response(view)
    if body.verbose:
        events = await services.runs.events(view.run_id)
        answer["events"] = [RUN_EVENT.dump_python(event, mode="json", by_alias=True) for event in events]
    return JSONResponse(answer, headers={"Location": f"/api/runs/{view.run_id}"})


async def _ended(run_id: str, request: Request, services: LabServices) -> RunView:
    try:
        return await while_waited_for(request, services.runs.wait(run_id))
    except ClientGoneError:
        with suppress(ConflictError):  # it ended in this very moment
            await services.runs.cancel(run_id)
        raise


def failure_of(view: RunView) -> RunFailedError:
    """The error that a run ended with, or that nobody can wait for its end."""
    if view.status == "waiting":
        asking = " or ".join(repr(node.id) for node in view.nodes if node.question is not None)
        detail = f"The run {view.run_id} waits for a person at {asking}; answer at POST /api/runs/{view.run_id}/answer."
        return RunFailedError(detail, slug="waiting-for-person", status=409, run_id=view.run_id)
    if view.status == "paused":
        detail = f"The run {view.run_id} was paused; POST /api/runs/{view.run_id}/resume lets it go on."
        return RunFailedError(detail, slug="paused", status=409, run_id=view.run_id)
    if view.status == "cancelled":
        return RunFailedError(
            said("run_was_cancelled", "The run {run} was cancelled.", run=view.run_id),
            slug="cancelled",
            status=409,
            run_id=view.run_id,
        )
    slug = view.fault.type if view.fault else "error"
    why = said("run_without_answer", "The run {run} ended without an answer.", run=view.run_id)
    if view.fault is not None:
        why = again(view.fault.message, view.fault.said)
    return RunFailedError(why, slug=slug, status=error_kind(slug).status, run_id=view.run_id)


FAILURES = documented(404, 409, 429, 500, 502, 503, 504, 507, body=True)


@router.post("/orchestrate", operation_id="orchestrate", response_model=OrchestrateAnswer, responses=FAILURES)
@owner
async def orchestrate(body: OrchestrateRequest, request: Request, services: Services) -> JSONResponse:
    """Run a flow and answer when it has ended. A client that leaves cancels the run."""
    return await _orchestrate(body, request, services)


@router.post("/api/orchestrate", operation_id="orchestrate_api", response_model=OrchestrateAnswer, responses=FAILURES)
@owner
async def orchestrate_api(body: OrchestrateRequest, request: Request, services: Services) -> JSONResponse:
    """The same as `/orchestrate`, under the API's own path."""
    return await _orchestrate(body, request, services)
