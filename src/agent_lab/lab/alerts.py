"""The route of what is wrong now, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.errors import AgentLabError, NotFoundError
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services
from agent_lab.runs.queue import QueueFigures
from agent_lab.telemetry.history.alerts import Alert, Facts, Memory, alerts
from agent_lab.telemetry.history.machine import MachineLook

router = APIRouter(route_class=GuardedRoute, tags=["system"])

ALERT: dict[str, Any] = {
    "id": "breaker:gpt-5-mini",
    "kind": "breaker",
    "severity": "warning",
    "sentence": "'gpt-5-mini' failed several times in a row and is left alone for now; see at the models what it says, "
    "or name another one.",
    "values": {"model": "gpt-5-mini"},
}


class Alerts(BaseModel):
    """All that is wrong now, the worst first; empty where nothing is."""

    model_config = ConfigDict(json_schema_extra={"example": {"alerts": [ALERT]}})

    alerts: list[Alert]


@router.get("/api/metrics/alerts", operation_id="get_alerts", responses=documented())
@owner
async def get_alerts(services: Services) -> Alerts:
    """What is wrong now: models that are left alone, many errors, memory, queue, disk, budget, storage."""
    return Alerts(alerts=alerts(await facts_of(services)))


async def facts_of(services: LabServices) -> Facts:
    """What the rules look at, as it is now."""
    sampler = services.sampler
    look = await sampler.last_look()
    fault, queue, waited_s, spent = await _stored(services)
    budget = services.daily_budget_usd
    return Facts(
        now=sampler.clock(),
        slots=sampler.tiers.slots("seconds"),
        breakers=services.gateway.breakers(),
        memories=_memories(look),
        queued=queue.queued if queue else 0,
        queue_limit=queue.queue_limit if queue else 0,
        oldest_wait_s=waited_s,
        disk_free_gb=look.disk_free_gb,
        disk_total_gb=look.disk_total_gb,
        spent_usd=spent,
        daily_budget_usd=None if budget is None else float(budget),
        storage_fault=fault,
        metrics_fault=sampler.fault,
    )


async def _stored(services: LabServices) -> tuple[str | None, QueueFigures | None, float | None, float]:
    """Why the store cannot be read; else the queue, how long the first in it has waited, and what today cost."""
    try:
        queue = await services.runs.counts()
        waited_s = await _oldest_wait_s(services) if queue.queued else None
        spent = await services.spending.total(datetime.now(UTC).date())
    except AgentLabError as error:
        return error.message, None, None, 0.0
    return None, queue, waited_s, float(spent)


async def _oldest_wait_s(services: LabServices) -> float | None:
    first = await services.runs.store.queued(limit=1)
    try:
        run = await services.runs.store.get(first[0].run_id) if first else None
    except NotFoundError:
        return None
    return None if run is None else (datetime.now(UTC) - run.created_at).total_seconds()


def _memories(look: MachineLook) -> list[Memory]:
    """The RAM and each GPU's memory: a machine without a GPU has its models in the RAM."""
    ram = Memory(name="ram", total_gb=look.ram_total_gb, free_gb=look.ram_total_gb - look.ram_used_gb)
    gpus = (one for one in look.devices if one.name != "cpu")
    return [ram, *(Memory(name=one.name, total_gb=one.total_gb, free_gb=one.total_gb - one.used_gb) for one in gpus)]
