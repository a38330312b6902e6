"""The routes of the model cache: which local models are in memory, and putting them out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.ports import ResidentModel
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services
from agent_lab.lab.system import GpuInfo, gpu_info

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
}


class CachedModel(BaseModel):
    """A model in memory. Sizes in GB (1e9 bytes)."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    model_key: str
    strategy: str
    size_gb: float
    loaded_at: datetime
    last_used_at: datetime
    hits: int
    in_use: int
    """Generations that use it at this moment."""
    device: str

    @classmethod
    def of(cls, resident: ResidentModel) -> CachedModel:
        """The resident model as the API shows it."""
        return cls(
            model_key=resident.model_key,
            strategy=resident.strategy,
            size_gb=resident.size_gb,
            loaded_at=resident.loaded_at,
            last_used_at=resident.last_used_at,
            hits=resident.hits,
            in_use=resident.in_use,
            device=resident.device,
        )


class CacheStatus(BaseModel):
    """The models in memory, and the memory itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "models": [EXAMPLE],
                "memory": {
                    "device": "cpu",
                    "memory": "ram",
                    "total_gb": 25.2,
                    "available_gb": 20.1,
                    "limit_gb": 20.2,
                    "used_by_models_gb": 0.005,
                },
            }
        }
    )

    models: list[CachedModel]
    memory: GpuInfo


class Unloaded(BaseModel):
    """The keys of the models that were put out of memory."""

    model_config = ConfigDict(json_schema_extra={"example": {"unloaded": ["demo"]}})

    unloaded: list[str]


@router.get("/cache", operation_id="get_cache", responses=documented())
@owner
def get_cache(services: Services) -> CacheStatus:
    """Which models are in memory, since when, and how often they were used."""
    return CacheStatus(models=[CachedModel.of(model) for model in services.host.resident()], memory=gpu_info(services))


@router.post("/cache/clear", operation_id="clear_cache", responses=documented())
@owner
async def clear_cache(services: Services) -> Unloaded:
    """Put every model out of memory that is not in use."""
    return Unloaded(unloaded=list(await services.host.unload()))


@router.delete("/cache/{model_key}", operation_id="unload_model", responses=documented(404, 409))
@owner
async def unload_model(model_key: str, services: Services) -> Unloaded:
    """Put one model out of memory."""
    return Unloaded(unloaded=list(await services.host.unload(model_key)))
