"""The route that says before a run what it may take at the most."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.registry import Usd
from agent_lab.contracts.run import RunRequest
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import EXAMPLES
from agent_lab.lab.services import Services
from agent_lab.runs.worst_case import WorstCase, worst_case

router = APIRouter(route_class=GuardedRoute, tags=["runs"])

NODE: dict[str, Any] = {"node": "creator", "turns": 1, "calls": 1, "cost_usd": 0.0004}
ESTIMATE: dict[str, Any] = {"flow_id": "challenge", "turns": 3, "calls": 3, "cost_usd": 0.0021, "nodes": [NODE]}


class NodeEstimate(BaseModel):
    """What one node may take, with the flows that it runs. `cost_usd` is null where a price is not known."""

    model_config = ConfigDict(json_schema_extra={"example": NODE})

    node: str
    turns: int
    calls: int
    cost_usd: Usd | None


class RunEstimate(BaseModel):
    """The most that a run may take; turns and calls are bounds, the cost an estimate on the high side.

    The nodes add up to the whole, which is less where a limit of the run ends it before all of them had their most.
    """

    model_config = ConfigDict(json_schema_extra={"example": ESTIMATE})

    flow_id: str
    turns: int
    """Of all nodes, those of subflows too."""
    calls: int
    cost_usd: Usd | None
    """Null where a price is not known."""
    nodes: list[NodeEstimate]


RunBody = Annotated[RunRequest, Body(openapi_examples=EXAMPLES)]


@router.post("/api/runs/estimate", operation_id="estimate_run", responses=documented(404, 503, body=True))
@owner
async def estimate_run(body: RunBody, services: Services) -> RunEstimate:
    """Say what a run may take at the most, without starting it: turns, model calls, USD."""
    runs = services.runs
    flow = (await runs.flows.resolve(body.flow, only=body.only)).flow
    subflows = await runs.admission.subflows(flow, runs.flows, only=body.only)
    runs.admission.check(flow, body, subflows.values())
    kinds = runs.admission.kinds
    most = await asyncio.to_thread(worst_case, flow, body, kinds, subflows.get, services.gateway)
    return _estimate(flow.id, most)


def _estimate(flow_id: str, most: WorstCase) -> RunEstimate:
    nodes = [
        NodeEstimate(node=one.node, turns=one.turns, calls=one.calls, cost_usd=most.nodes[one.node])
        for one in most.bounds.nodes
    ]
    return RunEstimate(
        flow_id=flow_id, turns=most.bounds.turns, calls=most.bounds.calls, cost_usd=most.cost_usd, nodes=nodes
    )
