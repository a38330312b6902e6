"""The routes of the providers: who they are, whether their keys are there, and whether they answer."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.registry import ModelSpec
from agent_lab.lab.access import GuardedRoute, check_owner, owner
from agent_lab.lab.connections import Call
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services
from agent_lab.lab.vendors import KeyState, Protocol, ProviderState, Vendor
from agent_lab.settings import Origin

router = APIRouter(route_class=GuardedRoute, tags=["models"])

EXAMPLE: dict[str, Any] = {
    "name": "openai",
    "protocol": "openai",
    "host": "api.openai.com",
    "key": "missing",
    "key_name": "OPENAI_API_KEY",
    "key_origin": None,
    "state": "no key",
    "why_not": "Put OPENAI_API_KEY into /srv/lab/.env or the environment, and start again.",
    "models": [{"key": "gpt-5-mini", "breaker": None}],
}
TESTED: dict[str, Any] = {
    "ok": True,
    "call": "list of models",
    "sentence": "api.openai.com answers with the key in OPENAI_API_KEY and lists 80 models.",
    "seconds": 0.412,
    "model": None,
}


class ProviderModel(BaseModel):
    """A model of the registry that the provider serves."""

    key: str
    breaker: Literal["closed", "open", "half-open", "cooling"] | None
    """`open` while it is left alone after failing several times in a row, `cooling` while its provider asked for that.
    None: it was not asked yet."""


class ProviderEntry(BaseModel):
    """A provider as it stands. Of its key only is told whether it is there."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    name: str
    protocol: Protocol
    host: str | None
    """The only host that its key is sent to, with its port; None: it is in this process, or a plug-in."""
    key: KeyState
    key_name: str | None
    """The variable that holds it."""
    key_origin: Origin | None
    state: ProviderState
    why_not: str | None
    """What is missing, and what to do about it."""
    models: list[ProviderModel]


class ProviderList(BaseModel):
    """Every provider that a model may name."""

    model_config = ConfigDict(json_schema_extra={"example": {"providers": [EXAMPLE]}})

    providers: list[ProviderEntry]


class TestedConnection(BaseModel):
    """What came of the call."""

    model_config = ConfigDict(json_schema_extra={"example": TESTED})

    ok: bool
    call: Call
    """What was asked: its list of models or what its key may do, which cost nothing; one token of `model`, where it
    offers neither; `nothing`, where it cannot be called or nobody need be."""
    sentence: str
    seconds: float
    model: str | None


@router.get("/api/providers", operation_id="list_providers", responses=documented())
@owner
def list_providers(services: Services) -> ProviderList:
    """The providers: which can be called, whose key is missing, and which of their models are left alone now."""
    models = services.models.list_models()
    breakers = services.gateway.breakers()
    entries = []
    for vendor in services.vendors.all(models):
        of_it = [ProviderModel(key=one.key, breaker=breakers.get(one.key)) for one in models if _serves(vendor, one)]
        told = {name: value for name, value in asdict(vendor).items() if name in ProviderEntry.model_fields}
        entries.append(ProviderEntry(**told, models=of_it))
    return ProviderList(providers=entries)


@router.post("/api/providers/{name}/test", operation_id="test_provider", responses=documented(404, 429))
@owner
async def test_provider(name: str, request: Request, services: Services) -> TestedConnection:
    """Try a provider's address and key with the cheapest call that proves them: a free one where it has such.

    The owner's alone, one at a time for each provider, 15 seconds and 0.01 USD at the most.
    """
    check_owner(request)
    models = services.models.list_models()
    vendor = services.vendors.get(name, models)
    provider = services.vendors.callable.get(name)
    outcome = await services.connections.test(vendor, provider, _to_ask(services, vendor, models))
    return TestedConnection(**asdict(outcome))


def _serves(vendor: Vendor, model: ModelSpec) -> bool:
    return model.provider == vendor.name


def _to_ask(services: LabServices, vendor: Vendor, models: list[ModelSpec]) -> list[ModelSpec]:
    """The models of it that may be asked for a token, the best one first; of this machine none that must be fetched."""
    of_it = [model for model in models if _serves(vendor, model)]
    if vendor.protocol == "local":
        loaded = {resident.model_key for resident in services.host.resident()}
        ready = [model for model in of_it if model.key in loaded or model.demonstration]
        return sorted(ready, key=lambda model: model.key not in loaded)
    return sorted(of_it, key=lambda model: _output_usd(services, model))


def _output_usd(services: LabServices, model: ModelSpec) -> Decimal:
    price = services.gateway.price_of(model)
    return Decimal(0) if price is None else price.output_usd_per_mtok
