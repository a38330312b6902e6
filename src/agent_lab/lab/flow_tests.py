"""The route that runs the test cases of a flow."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.lab.access import GuardedRoute, caller_of, owner
from agent_lab.lab.presence import while_waited_for
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services
from agent_lab.runs.cases import CaseResult

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

RESULT: dict[str, Any] = {
    "name": "the refiner has the last word",
    "passed": False,
    "scripted": True,
    "status": "completed",
    "seconds": 0.02,
    "run_id": None,
    "differences": [{"value": "answer", "op": "==", "expected": "66", "found": "85"}],
    "problem": None,
    "transcript": {"creator": "85", "challenger": "Right.", "refiner": "85"},
}


class TestWish(BaseModel):
    """Which cases to run."""

    __test__ = False  # no test of ours, whatever its name looks like

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"case": "the refiner has the last word"}})

    case: str | None = Field(default=None, max_length=100, description="The name of one case; all of them without it.")


class TestReport(BaseModel):
    """How the cases came out, in the flow's order."""

    __test__ = False

    model_config = ConfigDict(
        json_schema_extra={"example": {"flow": "challenge", "passed": False, "results": [RESULT]}}
    )

    flow: str
    passed: bool
    """True where every case came out as it expects."""
    results: list[CaseResult]


@router.post("/api/flows/{flow_id}/test", operation_id="test_flow", responses=documented(404, body=True))
@owner
async def run_flow_tests(
    flow_id: str, request: Request, services: Services, body: TestWish | None = None
) -> TestReport:
    """Run the test cases that a flow carries (all of them without a body) and answer when they have ended.

    Cases with `answers` run on those and leave nothing; cases without them ask the real models, at their price. A
    client that leaves ends the work.
    """
    found = await services.runs.flows.resolve(flow_id)
    running = services.cases.run(found, only=body.case if body else None, caller=caller_of(request))
    results = await while_waited_for(request, running)
    return TestReport(flow=found.flow.id, passed=all(one.passed for one in results), results=results)
