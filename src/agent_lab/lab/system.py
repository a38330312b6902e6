"""Says what this server is, whether it is well and ready, and what it has counted."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from agent_lab import __version__
from agent_lab.contracts.errors import AgentLabError
from agent_lab.lab.access import GuardedRoute, admitted, owner, public
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services
from agent_lab.telemetry.metrics import CONTENT_TYPE

home_router = APIRouter(route_class=GuardedRoute, tags=["system"])
router = APIRouter(route_class=GuardedRoute, tags=["system"])


_SIZES: dict[str, Any] = {"total_gb": 25.2, "available_gb": 20.1, "limit_gb": 20.2, "used_by_models_gb": 0.005}
_BOUNDS: dict[str, Any] = {"limit": 64, "queue_limit": 1000}
QUEUE: dict[str, Any] = {"queued": 3, "running": 64, "waiting": 1, "paused": 0, "active": 64, **_BOUNDS}
MACHINE: dict[str, Any] = {"device": "cpu", "memory": "ram", **_SIZES, "devices": [{"name": "cpu", **_SIZES}]}


class ServiceInfo(BaseModel):
    """What this server is."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "AI Agent Lab",
                "version": "0.1.0",
                "status": "running",
                "started_at": "2026-11-21T09:00:00Z",
                "links": {"health": "/health", "models": "/models", "openapi": "/openapi.json"},
            }
        }
    )

    name: str
    version: str
    status: Literal["running"]
    started_at: datetime
    links: dict[str, str]


class DeviceInfo(BaseModel):
    """One device that models are put on: a GPU, or the RAM of a machine without any. GB (1e9 bytes)."""

    name: str
    """`cpu`, `cuda:0`, `cuda:1`, ..."""
    total_gb: float
    available_gb: float
    limit_gb: float
    """What models may take of it."""
    used_by_models_gb: float


class GpuInfo(BaseModel):
    """What models may use of this machine, over all its devices. GB (1e9 bytes)."""

    device: str
    memory: str
    """`vram` on a machine with a GPU, `ram` elsewhere."""
    total_gb: float
    available_gb: float
    limit_gb: float
    used_by_models_gb: float
    devices: list[DeviceInfo] = []


class QueueInfo(BaseModel):
    """Runs that have not ended, and the bounds on them."""

    queued: int
    """Runs that wait for their turn."""
    running: int
    waiting: int
    """Runs that wait for a person."""
    paused: int
    active: int
    """Runs that this process works on."""
    limit: int
    """How many it works on at once."""
    queue_limit: int
    """How many may wait for their turn; past it a start is refused (429)."""


class Health(BaseModel):
    """The server answers. `runs`, `gpu`, `models_loaded` and `breakers` are told only to the owner."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "healthy",
                "version": "0.1.0",
                "uptime_s": 12.5,
                "runs": QUEUE,
                "gpu": MACHINE,
                "models_loaded": ["demo"],
                "breakers": {"demo": "closed"},
            }
        }
    )

    status: Literal["healthy"]
    version: str
    uptime_s: float
    runs: QueueInfo | None = None
    """None too where the store of runs cannot be read; `/health/ready` says why."""
    gpu: GpuInfo | None = None
    models_loaded: list[str] | None = None
    breakers: dict[str, Literal["closed", "open", "half-open", "cooling"]] | None = None
    """Of each model that was asked so far: `open` while it is left alone after failing several times in a row,
    `cooling` while its provider asked for that."""


class Readiness(BaseModel):
    """Whether work is taken: each part by name, `ok` or the sentence that says what is wrong."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "ready", "checks": {"storage": "ok", "models": "ok"}}}
    )

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


def service_info(started_at: datetime) -> ServiceInfo:
    """What `GET /` answers to programs."""
    links = {
        "health": "/health",
        "ready": "/health/ready",
        "models": "/models",
        "flows": "/api/flows",
        "runs": "/api/runs",
        "metrics": "/metrics",
        "openapi": "/openapi.json",
    }
    return ServiceInfo(name="AI Agent Lab", version=__version__, status="running", started_at=started_at, links=links)


def gpu_info(services: LabServices) -> GpuInfo:
    """What the machine has free now."""
    return GpuInfo.model_validate(asdict(services.monitor.look()))


@home_router.get("/", operation_id="get_service_info", responses=documented(public=True))
@public
async def get_service_info(services: Services) -> ServiceInfo:
    """What this server is, and where to go from here."""
    return service_info(services.started_at)


@router.get("/health", operation_id="get_health", responses=documented(public=True))
@public
async def get_health(request: Request, services: Services) -> Health:
    """Whether the server answers; for the owner also the queue of runs, the machine's memory and who is in it."""
    uptime_s = (datetime.now(UTC) - services.started_at).total_seconds()
    health = Health(status="healthy", version=__version__, uptime_s=round(uptime_s, 3))
    if not admitted(request):
        return health
    loaded = sorted({model.model_key for model in services.host.resident()})
    told = {
        "runs": await queue_info(services),
        "gpu": await asyncio.to_thread(gpu_info, services),
        "models_loaded": loaded,
        "breakers": services.gateway.breakers(),
    }
    return health.model_copy(update=told)


async def queue_info(services: LabServices) -> QueueInfo | None:
    """Runs that have not ended; None where the store of runs cannot be read."""
    try:
        return QueueInfo.model_validate(asdict(await services.runs.counts()))
    except AgentLabError:  # the server answers all the same
        return None


NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": Readiness, "description": "Some part is not usable."}}


@router.get(
    "/health/ready",
    operation_id="get_readiness",
    response_model=Readiness,
    responses=documented(public=True) | NOT_READY,
)
@public
async def get_readiness(request: Request, services: Services) -> Response:
    """Whether work would be taken now: 200, or 503 with the part that is not usable."""
    checks = {"storage": await _storage(services), "models": "ok" if services.models.list_models() else "none known"}
    is_ready = all(state == "ok" for state in checks.values())
    if not admitted(request):
        checks = {name: "ok" if state == "ok" else "not usable" for name, state in checks.items()}
    readiness = Readiness(status="ready" if is_ready else "not ready", checks=checks)
    return JSONResponse(readiness.model_dump(), status_code=200 if is_ready else 503)


async def _storage(services: LabServices) -> str:
    try:
        await services.runs.list(limit=1)
    except AgentLabError as error:
        return error.message
    return "ok"


METRICS_EXAMPLES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus text, or JSON where the client accepts `application/json`.",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": "agent_lab_runs_active 1.0\n"},
            "application/json": {"schema": {"type": "object"}, "example": {"execution": {"runs": {"active": 1}}}},
        },
    }
}


@router.get("/metrics", operation_id="get_metrics", response_class=Response, responses=documented() | METRICS_EXAMPLES)
@owner
def get_metrics(request: Request, services: Services) -> Response:
    """What has been counted since the start: requests, tokens, cost, loads, runs by state."""
    vary = {"Vary": "Accept"}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(services.metrics.as_json(), headers=vary)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE, headers=vary)
