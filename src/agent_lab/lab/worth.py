"""The routes that say whether a flow was worth its price: badges, and what its own runs tell for nothing."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.evaluation_report import Badge
from agent_lab.contracts.tally import FlowTally
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.evaluation_shapes import BADGE, TALLY
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import answers
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["evaluations"])


class Badges(BaseModel):
    """The newest badge of each flow that has one."""

    model_config = ConfigDict(json_schema_extra={"example": {"badges": [BADGE]}})

    badges: list[Badge]


class FlowWorth(BaseModel):
    """A flow's newest badge; None where it was never held against its equal-cost baseline."""

    model_config = ConfigDict(json_schema_extra={"example": {"badge": BADGE}})

    badge: Badge | None


@router.get("/api/badges", operation_id="list_badges", responses=documented())
@owner
async def list_badges(services: Services) -> Badges:
    """Of each flow the newest badge, with why it holds no longer where its prompt, model, price or version changed."""
    return Badges(badges=list(await services.evaluations.badges()))


@router.get("/api/flows/{flow_id}/badge", operation_id="flow_badge", responses=documented(404))
@owner
async def flow_badge(flow_id: str, services: Services) -> FlowWorth:
    """Whether the flow was worth its price against what the same money buys without it, on its owner's dataset."""
    await services.shelf.get(flow_id)
    return FlowWorth(badge=await services.evaluations.badge(flow_id))


@router.get(
    "/api/flows/{flow_id}/tally",
    operation_id="flow_tally",
    responses=documented(404) | answers(200, "What its own runs tell, for nothing.", TALLY),
)
@owner
async def flow_tally(flow_id: str, services: Services) -> FlowTally:
    """What a first draft, a vote and the best draft would have answered over all runs of the flow. Asks no model."""
    entry = await services.shelf.get(flow_id)
    return await services.tallies.of(flow_id, entry.flow_hash)
