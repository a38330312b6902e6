"""The routes of the model registry: which models there are, one by one, and loading one ahead of its use."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.errors import AgentLabError, ValidationError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import CostProfile, ModelSpec
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.cache import CachedModel
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["models"])

EXAMPLE: dict[str, Any] = {
    "key": "demo",
    "name": "Built-in demonstration model",
    "family": "agent-lab",
    "provider": "local",
    "model_id": "builtin:demo",
    "context_window": 1024,
    "fallbacks": [],
    "split": {},
    "default_strategy": "standard",
    "capabilities": ["chat", "math"],
    "cost_profile": {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0, "cached_input_usd_per_mtok": None},
    "min_vram_gb": 0.0,
    "demonstration": True,
    "loaded": True,
    "usable": True,
    "why_not": None,
}


class ModelEntry(BaseModel):
    """A model of the registry, and whether it is in memory now."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    key: str
    name: str
    family: str
    provider: str
    model_id: str
    context_window: int
    """Tokens, prompt and answer together; 0 where it is not known."""
    fallbacks: list[str]
    """Models asked instead, in order, when this one does not answer."""
    split: dict[str, float]
    """Models that this row shares its requests out to, by weight."""
    default_strategy: str
    capabilities: list[str]
    cost_profile: CostProfile | None
    """None: the price is not known."""
    min_vram_gb: float
    demonstration: bool
    """True: shown as a demonstration wherever a user meets it."""
    loaded: bool
    usable: bool
    """Whether a request that names it would be taken now."""
    why_not: str | None
    """What is missing, and what to do about it."""


class ModelList(BaseModel):
    """All models, and the one that answers where a request names none."""

    model_config = ConfigDict(json_schema_extra={"example": {"models": [EXAMPLE], "default": "demo"}})

    models: list[ModelEntry]
    default: str | None


class WhyRequest(GenerationRequest):
    """A request as it would be made."""

    model_config = ConfigDict(json_schema_extra={"example": {"prompt": "?", "constraints": {"latency_budget_s": 5}}})


class CandidateEntry(BaseModel):
    """A model as the choice sees it."""

    key: str
    taken: bool
    reason: str


class Candidates(BaseModel):
    """Every model: the one taken first, then those that stand in for it, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"candidates": [{"key": "demo", "taken": True, "reason": "DEFAULT_MODEL names it."}]}
        }
    )

    candidates: list[CandidateEntry]


class LoadRequest(BaseModel):
    """How to load the model; its own default strategy where nothing is said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"strategy": "optimized"}})

    strategy: str | None = Field(default=None, max_length=64)


@router.get("/models", operation_id="list_models", responses=documented())
@owner
async def list_models(services: Services) -> ModelList:
    """All models of the registry, built in and your own."""
    loaded = _loaded(services)
    entries = [_entry(services, model, loaded) for model in services.models.list_models()]
    return ModelList(models=entries, default=_taker(services, None)[0])


@router.post("/models/why", operation_id="explain_model_choice", responses=documented(404, body=True))
@owner
async def explain_model_choice(body: WhyRequest, services: Services) -> Candidates:
    """Which model would take a request now, and why each of the others would not. Nothing is asked of any model."""
    candidates = services.gateway.explain(body)
    return Candidates(candidates=[CandidateEntry(key=c.key, taken=c.taken, reason=c.reason) for c in candidates])


@router.get("/models/{key}", operation_id="get_model", responses=documented(404))
@owner
async def get_model(key: str, services: Services) -> ModelEntry:
    """One model of the registry."""
    return _entry(services, services.models.get_model(key), _loaded(services))


@router.post("/models/{key}/load", operation_id="load_model", responses=documented(404, 502, 503, 507, body=True))
@owner
async def load_model(key: str, services: Services, body: LoadRequest | None = None) -> CachedModel:
    """Load a local model now, so that its first request need not wait for it."""
    model = services.models.get_model(key)
    if model.provider != "local":
        raise ValidationError(f"The model {key!r} is served by {model.provider}; only local models can be loaded.")
    name = (body.strategy if body else None) or model.default_strategy
    return CachedModel.of(await services.host.load(model, services.strategies.get_strategy(name)))


def _loaded(services: LabServices) -> set[str]:
    return {resident.model_key for resident in services.host.resident()}


def _entry(services: LabServices, model: ModelSpec, loaded: set[str]) -> ModelEntry:
    taker, why_not = _taker(services, model.key)
    return ModelEntry(
        key=model.key,
        name=model.name,
        family=model.family,
        provider=model.provider,
        model_id=model.model_id,
        context_window=model.context_window,
        fallbacks=list(model.fallbacks),
        split=dict(model.split),
        default_strategy=model.default_strategy,
        capabilities=sorted(model.capabilities),
        cost_profile=model.cost_profile,
        min_vram_gb=model.min_vram_gb,
        demonstration=model.demonstration,
        loaded=model.key in loaded,
        usable=taker == model.key or (taker is not None and bool(model.split)),
        why_not=why_not,
    )


def _taker(services: LabServices, key: str | None) -> tuple[str | None, str | None]:
    """The model that would take a request for `key` (None: for any), or the sentence that says why none would."""
    try:
        return services.gateway.resolve_model(GenerationRequest(prompt="?", model_key=key)).key, None
    except AgentLabError as error:
        return None, error.message
