"""The routes of the model registry: which models there are, one by one, and which would be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import CostProfile, ModelSpec, Residency
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.cache import LoadState, loading_now
from agent_lab.lab.places import is_here
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["models"])

EXAMPLE: dict[str, Any] = {
    "key": "demo",
    "name": "Built-in demonstration model",
    "family": "agent-lab",
    "provider": "local",
    "model_id": "builtin:demo",
    "revision": None,
    "base": None,
    "context_window": 1024,
    "fallbacks": [],
    "split": {},
    "default_strategy": "standard",
    "capabilities": ["chat", "math"],
    "cost_profile": {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0, "cached_input_usd_per_mtok": None},
    "price": {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0, "cached_input_usd_per_mtok": None},
    "min_vram_gb": 0.0,
    "demonstration": True,
    "residency": {"keep_alive_s": None, "pinned": False, "warm": False, "worker": False},
    "loaded": True,
    "pinned": False,
    "loading": None,
    "on_disk": True,
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
    revision: str | None
    """The commit of the hub's repository that its files are taken from, where the row pins one."""
    base: str | None
    """The model that this LoRA adapter is put on; they share one copy of its weights."""
    context_window: int
    """Tokens, prompt and answer together; 0 where it is not known."""
    fallbacks: list[str]
    """Models asked instead, in order, when this one does not answer."""
    split: dict[str, float]
    """Models that this row shares its requests out to, by weight."""
    default_strategy: str
    capabilities: list[str]
    cost_profile: CostProfile | None
    """The price that its row gives."""
    price: CostProfile | None
    """What a short call costs now: as its row says, else as the list of prices has it. None: not known."""
    min_vram_gb: float
    demonstration: bool
    """True: shown as a demonstration wherever a user meets it."""
    residency: Residency | None
    """How long it stays in memory and in which process; None for a model that is not local."""
    loaded: bool
    pinned: bool
    """True: it is in memory and never put out to make room for another one."""
    loading: LoadState | None
    """How far it is, while it is on its way into memory."""
    on_disk: bool | None
    """Whether its files are on this machine; without them its first load fetches them. None for a model that is not
    local."""
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


@router.get("/models", operation_id="list_models", responses=documented())
@owner
def list_models(services: Services) -> ModelList:
    """All models of the registry, built in and your own."""
    memory = _memory(services)
    entries = [_entry(services, model, memory) for model in services.models.list_models()]
    return ModelList(models=entries, default=_taker(services, None)[0])


@router.post("/models/why", operation_id="explain_model_choice", responses=documented(404, body=True))
@owner
async def explain_model_choice(body: WhyRequest, services: Services) -> Candidates:
    """Which model would take a request now, and why each of the others would not. Nothing is asked of any model."""
    candidates = services.gateway.explain(body)
    return Candidates(candidates=[CandidateEntry(key=c.key, taken=c.taken, reason=c.reason) for c in candidates])


@router.get("/models/{key}", operation_id="get_model", responses=documented(404))
@owner
def get_model(key: str, services: Services) -> ModelEntry:
    """One model of the registry."""
    return _entry(services, services.models.get_model(key), _memory(services))


@dataclass(frozen=True, slots=True)
class _Memory:
    """What is in memory at this moment: keys of models and of the adapters on them."""

    loaded: frozenset[str]
    pinned: frozenset[str]
    loading: Mapping[str, LoadState]


def _memory(services: LabServices) -> _Memory:
    resident = services.host.resident()
    keys = [(model, key) for model in resident for key in (model.model_key, *model.adapters)]
    return _Memory(
        loaded=frozenset(key for _, key in keys),
        pinned=frozenset(key for model, key in keys if model.pinned),
        loading=loading_now(services),
    )


def _entry(services: LabServices, model: ModelSpec, memory: _Memory) -> ModelEntry:
    taker, why_not = _taker(services, model.key)
    return ModelEntry(
        key=model.key,
        name=model.name,
        family=model.family,
        provider=model.provider,
        model_id=model.model_id,
        revision=model.revision,
        base=model.base,
        context_window=model.context_window,
        fallbacks=list(model.fallbacks),
        split=dict(model.split),
        default_strategy=model.default_strategy,
        capabilities=sorted(model.capabilities),
        cost_profile=model.cost_profile,
        price=services.gateway.price_of(model),
        min_vram_gb=model.min_vram_gb,
        demonstration=model.demonstration,
        residency=model.residency if model.provider == "local" else None,
        loaded=model.key in memory.loaded,
        pinned=model.key in memory.pinned,
        loading=memory.loading.get(model.key),
        on_disk=is_here(model, services.reading.settings) if model.provider == "local" else None,
        usable=taker == model.key or (taker is not None and bool(model.split)),
        why_not=why_not,
    )


def _taker(services: LabServices, key: str | None) -> tuple[str | None, str | None]:
    """The model that would take a request for `key` (None: for any), or the sentence that says why none would."""
    try:
        return services.gateway.resolve_model(GenerationRequest(prompt="?", model_key=key)).key, None
    except AgentLabError as error:
        return None, error.message
