"""Finds what a client means by a model's name: a row of the registry, a vendor's own id, or a flow."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from agent_lab.contracts.errors import NotFoundError, unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.flows.catalog import flow_hash
from agent_lab.lab.services import LabServices

DEFAULT = "default"
FLOW = "flow/"
MIN_HASH_CHARS = 4
SHOWN_HASH_CHARS = 12
_HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH_CHARS},64}}")


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to answer: a flow under this name, or the model of this key; neither where the gateway is to choose."""

    model_key: str | None = None
    flow: FlowConfig | None = None
    flow_name: str = ""


async def target_of(name: str | None, services: LabServices) -> Target:
    """Who answers to this name. Raises NotFoundError with the nearest names."""
    if not name or name == DEFAULT:
        return Target()
    if name.startswith(FLOW):
        flow = await asyncio.to_thread(_flow, name, services)  # the user's folder is looked through
        return Target(flow=flow, flow_name=name)
    return Target(model_key=_model_key(name, services))


def _model_key(name: str, services: LabServices) -> str:
    rows = services.models.list_models()
    for row in rows:
        if row.key == name:
            return name
    keys = [row.key for row in rows if row.model_id == name]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise NotFoundError(f"{name[:80]!r} is the id of several models; name one of {', '.join(keys)}.", where="model")
    raise unknown_name("model", name, known_names(services), where="model")


def known_names(services: LabServices) -> list[str]:
    """Every name that would do, but for the vendors' own ids."""
    flows = [FLOW + flow.id for flow in services.flows.list()]
    return [*(row.key for row in services.models.list_models()), *flows]


def _flow(name: str, services: LabServices) -> FlowConfig:
    flow_id, _, version = name.removeprefix(FLOW).partition("@")
    try:
        flow = services.flows.get(flow_id)
    except NotFoundError:
        raise unknown_name("model", FLOW + flow_id, known_names(services), where="model") from None
    if version and version != "1":
        content = flow_hash(flow)
        if not (_HASH.fullmatch(version) and content.startswith(version)):
            raise NotFoundError(
                f"The flow {flow_id!r} has no version {version[:64]!r}; it has version 1 "
                f"(@1, or @ and the beginning of {content[:SHOWN_HASH_CHARS]}).",
                where="model",
            )
    return flow
