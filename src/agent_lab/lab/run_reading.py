"""The routes that read stored runs: how one began, two side by side, what else one would have said, a file of one."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.run import RunRequest
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import ALTERNATIVES, BEGINNING, COMPARISON, VIEW, answers
from agent_lab.lab.services import Services
from agent_lab.runs.alternatives import RunAlternatives, alternatives
from agent_lab.runs.comparison import RunComparison, compare
from agent_lab.runs.record import beginning
from agent_lab.runs.transcript import run_document, run_markdown

router = APIRouter(route_class=GuardedRoute, tags=["runs"])


class RunBeginning(Contract):
    """What a run was started with: the flow as it was then, and the request."""

    run_id: str
    parent_run_id: str | None
    from_node: str | None
    flow: FlowConfig
    flow_hash: str
    flow_version: int | None
    request: RunRequest


@router.get(
    "/api/runs/{run_id}/beginning",
    operation_id="run_beginning",
    responses=documented(404) | answers(200, "How the run began.", BEGINNING),
)
@owner
async def run_beginning(run_id: str, services: Services) -> RunBeginning:
    """The flow that the run walks, whatever became of it since, and what was asked: what a fork may change."""
    started = beginning(await services.runs.events(run_id))
    return RunBeginning(**{name: getattr(started, name) for name in RunBeginning.model_fields})


@router.get(
    "/api/runs/{run_id}/compare/{other_id}",
    operation_id="compare_runs",
    responses=documented(404) | answers(200, "The two runs, node by node.", COMPARISON),
)
@owner
async def compare_runs(run_id: str, other_id: str, services: Services) -> RunComparison:
    """Two runs side by side: what was asked otherwise, text diffs, and what each node and each run took."""
    left, right = await services.runs.so_far(run_id), await services.runs.so_far(other_id)
    begun = (beginning(await services.runs.events(run_id)), beginning(await services.runs.events(other_id)))
    return await asyncio.to_thread(compare, left, right, begun=begun)


@router.get(
    "/api/runs/{run_id}/alternatives",
    operation_id="run_alternatives",
    responses=documented(404) | answers(200, "What would have been said instead.", ALTERNATIVES),
)
@owner
async def run_alternatives(run_id: str, services: Services) -> RunAlternatives:
    """What the first draft, a vote of the first answers and the best of them would have said. Asks no model."""
    events = await services.runs.events(run_id)
    return await asyncio.to_thread(alternatives, events, services.runs.shop.kinds)


EXPORTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The whole transcript, as a file.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": {"run": VIEW, "events": []}},
            "text/markdown": {"schema": {"type": "string"}, "example": "# Run `20261121t090000-5f1d7c0e9b`\n"},
        },
    }
}


@router.get(
    "/api/runs/{run_id}/export",
    operation_id="export_run",
    response_class=Response,
    responses=documented(404, 422) | EXPORTS,
)
@owner
async def export_run(
    run_id: str,
    services: Services,
    written_as: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
    language: Annotated[Literal["en", "es"], Query(description="Of what stands between the texts of a run.")] = "en",
) -> Response:
    """The whole run as a file: every event as JSON, or a transcript for people in Markdown."""
    events = await services.runs.events(run_id)
    if written_as == "markdown":
        content = (await asyncio.to_thread(run_markdown, events, language)).encode("utf-8", "replace")
        return _file(content, "text/markdown; charset=utf-8", f"{run_id}.md")
    content = await asyncio.to_thread(lambda: json.dumps(run_document(events), ensure_ascii=True).encode("ascii"))
    return _file(content, "application/json", f"{run_id}.json")


def _file(content: bytes, media_type: str, name: str) -> Response:
    # Of a run that was found, so its id has nothing in it that a header could not have.
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
