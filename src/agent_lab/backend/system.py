"""Says in one answer how backend and lab are: health, models, cache, resources; also while the lab is away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Literal, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from agent_lab import __version__
from agent_lab.backend.asking import check_known, client_of, own_ask
from agent_lab.backend.client import LabClient
from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError
from agent_lab.lab.access import GuardedRoute, admitted, owner, public
from agent_lab.lab.cache import COUNTS, CacheStatus
from agent_lab.lab.cache import EXAMPLE as CACHED
from agent_lab.lab.models import EXAMPLE as MODEL
from agent_lab.lab.models import ModelList
from agent_lab.lab.presence import while_waited_for
from agent_lab.lab.problems import documented
from agent_lab.lab.system import MACHINE, NOT_READY, QUEUE, GpuInfo, Health, QueueInfo, Readiness

router = APIRouter(route_class=GuardedRoute, tags=["backend"])
alone_router = APIRouter(route_class=GuardedRoute, tags=["backend"])
"""What a backend that stands alone says of itself; under one roof with the lab, the lab says it."""

NO_LAB = "The lab does not answer; the owner is told why."
_HERE: dict[str, Any] = {"status": "healthy", "version": "0.1.0", "uptime_s": 12.5}


class BackendState(BaseModel):
    """This server."""

    status: Literal["healthy"]
    version: str
    uptime_s: float
    lab_url: str | None
    """Where it asks the lab; None: the lab is in this process."""


class LabState(BaseModel):
    """The lab behind it."""

    status: Literal["healthy", "away"]
    detail: str | None = None
    """Why it is away, and what to do."""
    version: str | None = None
    uptime_s: float | None = None
    breakers: dict[str, str] | None = None


class SystemStatus(BaseModel):
    """Backend and lab together. All but `backend` is None while the lab is away."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "backend": {**_HERE, "lab_url": "http://127.0.0.1:8001"},
                "lab": {**_HERE, "detail": None, "breakers": {"demo": "closed"}},
                "models": {"models": [MODEL], "default": "demo"},
                "cache": {"models": [CACHED], "loading": [], "counts": COUNTS, "memory": MACHINE},
                "resources": MACHINE,
                "runs": QUEUE,
            }
        }
    )

    backend: BackendState
    lab: LabState
    models: ModelList | None = None
    cache: CacheStatus | None = None
    resources: GpuInfo | None = None
    """The machine of the lab: what models may use of it."""
    runs: QueueInfo | None = None


@router.get("/api/v1/system", operation_id="get_system", response_model=SystemStatus, responses=documented())
@owner
async def get_system(request: Request) -> Response:
    """How backend and lab are, which models there are and which are in memory, and what the machine has left."""
    client = client_of(request)
    told: dict[str, Any] = {"backend": _backend(request, client)}
    try:
        health, models, cache = await while_waited_for(request, _looked(request, client))
    except AgentLabError as error:
        return JSONResponse(told | {"lab": {"status": "away", "detail": error.message}})
    lab = {name: health.get(name) for name in ("status", "version", "uptime_s", "breakers")}
    seen = {"lab": lab, "models": models, "cache": cache, "resources": health.get("gpu"), "runs": health.get("runs")}
    return JSONResponse(told | seen)


async def _looked(request: Request, client: LabClient) -> list[dict[str, Any]]:
    """The lab's health, models and cache. Raises what the client raises, or that the lab cannot tell."""
    await client.check()
    return await asyncio.gather(*(_told(request, client, path) for path in ("/health", "/models", "/cache")))


async def _told(request: Request, client: LabClient, path: str) -> dict[str, Any]:
    ask = own_ask(request, "GET", path)
    answer = await client.call(ask)
    check_known(ask, answer.status, client.place)
    if answer.status != 200:
        raise EnvironmentFaultError(f"The lab answers {path} with {answer.status}: {answer.document().get('detail')}")
    return answer.document()


def _backend(request: Request, client: LabClient) -> dict[str, Any]:
    return {
        "status": "healthy",
        "version": __version__,
        "uptime_s": _uptime_s(request),
        "lab_url": client.address,
    }


def _uptime_s(request: Request) -> float:
    started_at = cast("datetime", request.app.state.started_at)
    return round((datetime.now(UTC) - started_at).total_seconds(), 3)


@alone_router.get("/health", operation_id="get_health", responses=documented(public=True))
@public
async def get_health(request: Request) -> Health:
    """Whether this backend answers; `/health/ready` says whether the lab does."""
    return Health(status="healthy", version=__version__, uptime_s=_uptime_s(request))


@alone_router.get(
    "/health/ready",
    operation_id="get_readiness",
    response_model=Readiness,
    responses=documented(public=True) | NOT_READY,
)
@public
async def get_readiness(request: Request) -> Response:
    """Whether work would be taken now: 200, or 503 while the lab is away."""
    state = "ok"
    try:
        await client_of(request).check()
    except AgentLabError as error:
        state = error.message if admitted(request) else NO_LAB
    is_ready = state == "ok"
    readiness = Readiness(status="ready" if is_ready else "not ready", checks={"lab": state})
    return JSONResponse(readiness.model_dump(), status_code=200 if is_ready else 503)
