"""The route of what was spent: by day and model, and what is left of the day's budget."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.registry import Usd
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["system"])

EXAMPLE: dict[str, Any] = {
    "today_usd": 0.42,
    "daily_budget_usd": 5.0,
    "days": [{"day": "2026-11-21", "model_key": "gpt-5-mini", "usd": 0.42}],
}


class DayAndModel(BaseModel):
    """What a model was booked with on a day (UTC)."""

    day: date
    model_key: str
    usd: Usd


class SpendingView(BaseModel):
    """What calls with a known price have cost. A call that broke off is booked with the most that it may have."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    today_usd: Usd
    daily_budget_usd: Usd | None
    """AGENT_LAB_DAILY_BUDGET_USD; None: no bound."""
    days: list[DayAndModel]


@router.get("/api/spending", operation_id="get_spending", responses=documented(422))
@owner
async def get_spending(services: Services, days: Annotated[int, Query(ge=1, le=366)] = 30) -> SpendingView:
    """What each model cost on each of the last days, today's among them."""
    today = datetime.now(UTC).date()
    found = await services.spending.by_model(today - timedelta(days=days - 1))
    rows = [DayAndModel(day=one.day, model_key=one.model_key, usd=one.usd) for one in found]
    return SpendingView(
        today_usd=await services.spending.total(today), daily_budget_usd=services.daily_budget_usd, days=rows
    )
