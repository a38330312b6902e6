"""The route of what was measured over time: what a dashboard shows."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.alerts import ALERT, facts_of
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services
from agent_lab.lab.system import QUEUE, QueueInfo, queue_info
from agent_lab.telemetry.history.alerts import Alert, alerts
from agent_lab.telemetry.history.machine import MachineLook
from agent_lab.telemetry.history.series import RANGES, ModelRow, RangeName, Series, chart
from agent_lab.telemetry.history.slots import BreakerState

router = APIRouter(route_class=GuardedRoute, tags=["system"])

_DEVICE: dict[str, Any] = {"name": "cpu", "total_gb": 25.2, "limit_gb": 20.2}
_USE: dict[str, Any] = {"used_gb": 5.1, "used_by_models_gb": 0.005}
_ROW: dict[str, Any] = {
    "model": "demo",
    "calls": 40,
    "answers": 38,
    "errors": 2,
    "errors_by_slug": {"busy": 2},
    "prompt_tokens": 3100,
    "completion_tokens": 1240,
    "tokens_per_s": 61.5,
    "total": {"p50": 0.51, "p95": 1.2, "p99": 1.4},
    "first_token": {"p50": 0.05, "p95": 0.09, "p99": 0.1},
    "cost_usd": 0.0,
    "unpriced": 0,
    "cache_hit_ratio": 0.97,
}
_SERIES: dict[str, Any] = {one.name: [None, 1.5] for one in fields(Series) if one.name != "devices"}
_LOOK: dict[str, Any] = {
    "cpu_percent": 12.5,
    "ram_used_gb": 5.1,
    "ram_total_gb": 25.2,
    "devices": [{**_DEVICE, **_USE, "utilisation_percent": None}],
    "disk_free_gb": 80.2,
    "disk_total_gb": 250.0,
}
EXAMPLE: dict[str, Any] = {
    "range": "1h",
    "model": None,
    "start": "2026-11-21T09:00:00Z",
    "step_s": 15,
    "points": 2,
    "series": {
        **_SERIES,
        "devices": [
            {**_DEVICE, **{name: [None, used] for name, used in _USE.items()}, "utilisation_percent": [None, None]}
        ],
    },
    "totals": {**_ROW, "model": ""},
    "models": [_ROW],
    "breakers": {"demo": "closed"},
    "worst_breakers": {},
    "waiting": {"box": 0},
    "queue": QUEUE,
    "machine": _LOOK,
    "alerts": [ALERT],
}


class MetricsHistory(BaseModel):
    """What was measured in a range, and how things stand now. Point n is about `step_s` seconds from `start` on."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    range: RangeName
    model: str | None
    """The model whose calls, tokens and latencies the series tell alone; None: all together."""
    start: datetime
    step_s: int
    points: int
    series: Series
    totals: ModelRow
    models: list[ModelRow]
    """`rejected`: requests for which no model was looked for; `others`: models past the 32 that are told apart."""
    breakers: dict[str, BreakerState]
    """Of each model that was asked since the start, as it is now."""
    worst_breakers: dict[str, BreakerState]
    """Of each model whose breaker was not closed all the time, the worst state in the range."""
    waiting: dict[str, int]
    """Calls that wait for a limit of their provider."""
    queue: QueueInfo | None
    """None where the store of runs cannot be read."""
    machine: MachineLook
    alerts: list[Alert]


@router.get("/api/metrics/history", operation_id="get_metrics_history", responses=documented(422))
@owner
async def get_metrics_history(
    services: Services,
    range: RangeName = "1h",
    model: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> MetricsHistory:
    """Machine, calls, tokens, latencies and queue over time, a table of models, and what is wrong now."""
    sampler = services.sampler
    slots = sampler.tiers.slots(RANGES[range].tier)
    told = await asyncio.to_thread(chart, slots, range, now=sampler.clock(), model=model)
    facts = await facts_of(services)
    return MetricsHistory(
        range=range,
        model=model,
        start=datetime.fromtimestamp(told.start, UTC),
        step_s=told.step_s,
        points=told.points,
        series=told.series,
        totals=told.totals,
        models=told.models,
        breakers=services.gateway.breakers(),
        worst_breakers=told.breakers,
        waiting=services.gateway.waiting(),
        queue=await queue_info(services),
        machine=await sampler.last_look(),
        alerts=alerts(facts),
    )
