"""Finds what a client means by a model's name: a row of the registry, a vendor's own id, or a flow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_lab.contracts.errors import NotFoundError, unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.flows.finding import DRAFT, Entry
from agent_lab.lab.services import LabServices

DEFAULT = "default"
FLOW = "flow/"
MIN_HASH_CHARS = 4
SHOWN_HASH_CHARS = 12
_HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH_CHARS},64}}")
MAX_LOOKED_THROUGH = 200
"""How many of a flow's newest versions are looked through for a content hash."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to answer: a flow under this name, or the model of this key; neither where the gateway is to choose."""

    model_key: str | None = None
    flow: FlowConfig | None = None
    flow_name: str = ""
    run_as: str = ""
    """The flow's name for its run: with the version, so that what is published meanwhile changes nothing."""


async def target_of(name: str | None, services: LabServices) -> Target:
    """Who answers to this name. Raises NotFoundError with the nearest names."""
    if not name or name == DEFAULT:
        return Target()
    if name.startswith(FLOW):
        found = await _flow(name, services)
        version = "" if found.version is None else f"@{found.version}"
        return Target(flow=found.flow, flow_name=name, run_as=found.flow.id + version)
    return Target(model_key=await _model_key(name, services))


async def _model_key(name: str, services: LabServices) -> str:
    rows = services.models.list_models()
    for row in rows:
        if row.key == name:
            return name
    keys = [row.key for row in rows if row.model_id == name]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise NotFoundError(f"{name[:80]!r} is the id of several models; name one of {', '.join(keys)}.", where="model")
    raise unknown_name("model", name, await known_names(services), where="model")


async def known_names(services: LabServices) -> list[str]:
    """Every name that would do, but for the vendors' own ids."""
    flows = [FLOW + entry.flow_id for entry in await services.shelf.served()]
    return [*(row.key for row in services.models.list_models()), *flows]


async def _flow(name: str, services: LabServices) -> FlowRef:
    flow_id, _, version = name.removeprefix(FLOW).partition("@")
    try:
        entry = await services.shelf.get(flow_id)
    except NotFoundError:
        raise unknown_name("model", FLOW + flow_id, await known_names(services), where="model") from None
    if not version and not entry.serves:
        raise NotFoundError(
            f"No version of the flow {flow_id!r} is published; publish one, or ask for {FLOW}{flow_id}@{DRAFT}.",
            where="model",
        )
    return await services.shelf.resolve(await _name_of(entry, version, services))


async def _name_of(entry: Entry, version: str, services: LabServices) -> str:
    """The flow's name on the shelf, for a version's number, its name, or the beginning of its content hash."""
    stored = entry.stored
    is_number = version.isdigit() and int(version) <= (stored.newest if stored else 1)
    if not version or (stored is None and (is_number or version == DRAFT)):
        return entry.flow_id
    if not is_number and _HASH.fullmatch(version):
        if entry.flow_hash.startswith(version):
            return entry.flow_id if entry.version is None else f"{entry.flow_id}@{entry.version}"
        rows = await services.shelf.versions(entry.flow_id, limit=MAX_LOOKED_THROUGH)
        version = next((str(row.number) for row in rows if row.flow_hash.startswith(version)), version)
    if stored is None:
        raise NotFoundError(
            f"The flow {entry.flow_id!r} has no version {version[:64]!r}; it has version 1 "
            f"(@1, or @ and the beginning of {entry.flow_hash[:SHOWN_HASH_CHARS]}).",
            where="model",
        )
    return f"{entry.flow_id}@{version}"
