"""The routes of the model cache: which local models are in memory, and putting them out of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.ports import LoadProgress, LoadStage, ResidentModel
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services
from agent_lab.lab.system import MACHINE, GpuInfo, gpu_info

router = APIRouter(route_class=GuardedRoute, tags=["cache"])

EXAMPLE: dict[str, Any] = {
    "model_key": "demo",
    "strategy": "standard",
    "size_gb": 0.005,
    "loaded_at": "2026-11-21T09:00:00Z",
    "last_used_at": "2026-11-21T09:05:00Z",
    "hits": 12,
    "in_use": 0,
    "device": "cpu",
    "pinned": False,
    "worker_pid": None,
    "adapters": [],
    "notes": [],
}
PROGRESS: dict[str, Any] = {
    "model_key": "mistral7b",
    "stage": "loading",
    "done_bytes": 2_400_000_000,
    "total_bytes": 14_500_000_000,
    "elapsed_s": 1.9,
    "seconds_left": 9.6,
}
COUNTS: dict[str, Any] = {"hits": 12, "loads": 1, "load_s": 0.4, "evictions": 0, "refused": 0, "lost": 0, "waiting": 0}


class CachedModel(BaseModel):
    """A model in memory. Sizes in GB (1e9 bytes)."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    model_key: str
    strategy: str
    size_gb: float
    """What is kept for it: weights, the memory of its conversations, and a margin."""
    loaded_at: datetime
    last_used_at: datetime
    hits: int
    in_use: int
    """Generations that use it at this moment."""
    device: str
    """`cpu`, `cuda:0`, or several, apart by `+`, for a model that is spread."""
    pinned: bool
    """True: it is never put out to make room for another one."""
    worker_pid: int | None
    """The process that it runs in, where that is one of its own."""
    adapters: list[str]
    """Keys of the LoRA adapters that are loaded onto it."""
    notes: list[str]
    """What was done otherwise than its strategy says, such as another strategy that stands in for it."""

    @classmethod
    def of(cls, resident: ResidentModel) -> CachedModel:
        """The resident model as the API shows it."""
        lists = {"adapters": list(resident.adapters), "notes": list(resident.notes)}
        return cls.model_validate({**asdict(resident), **lists})


class LoadState(BaseModel):
    """How far a model is on its way into memory."""

    model_config = ConfigDict(json_schema_extra={"example": PROGRESS})

    model_key: str
    stage: LoadStage
    """`waiting`: for room in memory. `fetching`: its files are downloaded. `loading`: they are read into memory."""
    done_bytes: int
    total_bytes: int | None
    elapsed_s: float
    seconds_left: float | None
    """None where it cannot be told yet."""

    @classmethod
    def of(cls, progress: LoadProgress) -> LoadState:
        """The progress as the API shows it."""
        return cls.model_validate(asdict(progress))


class CacheCounts(BaseModel):
    """What has happened since the start, and what happens at this moment."""

    hits: int
    """Requests whose model was in memory."""
    loads: int
    load_s: float
    """Seconds of all loads together."""
    evictions: int
    """Models put out of memory so that another one fits."""
    refused: int
    """Requests for which there was no room, or not in time."""
    lost: int
    """Models whose worker process died."""
    waiting: int
    """Requests that wait for their model to be in memory."""


class CacheStatus(BaseModel):
    """The models in memory, those on their way, what was counted, and the memory itself."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"models": [EXAMPLE], "loading": [PROGRESS], "counts": COUNTS, "memory": MACHINE}}
    )

    models: list[CachedModel]
    """The least recently used first."""
    loading: list[LoadState]
    counts: CacheCounts
    memory: GpuInfo


class Unloaded(BaseModel):
    """The keys of the models that were put out of memory."""

    model_config = ConfigDict(json_schema_extra={"example": {"unloaded": ["demo"]}})

    unloaded: list[str]


def loading_now(services: LabServices) -> dict[str, LoadState]:
    """The models on their way into memory, by key, whoever asked for them."""
    seen = (*services.loads.going(), *services.loading())
    return {progress.model_key: LoadState.of(progress) for progress in seen if progress.stage != "ready"}


@router.get("/cache", operation_id="get_cache", responses=documented())
@owner
def get_cache(services: Services) -> CacheStatus:
    """Which models are in memory and on their way there, how often they were used, and what each device has left."""
    return CacheStatus(
        models=[CachedModel.of(model) for model in services.host.resident()],
        loading=list(loading_now(services).values()),
        counts=CacheCounts.model_validate(asdict(services.figures())),
        memory=gpu_info(services),
    )


@router.post("/cache/clear", operation_id="clear_cache", responses=documented())
@owner
async def clear_cache(services: Services) -> Unloaded:
    """Put every model out of memory that is not in use."""
    return Unloaded(unloaded=list(await services.host.unload()))


@router.delete("/cache/{model_key}", operation_id="unload_model", responses=documented(404, 409))
@owner
async def unload_model(model_key: str, services: Services) -> Unloaded:
    """Put one model out of memory. One that is answering just now stays (409)."""
    return Unloaded(unloaded=list(await services.host.unload(model_key)))
