"""A flow store of each kind, on the clock of the run stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.documents import content_hash
from agent_lab.contracts.flow_ports import FlowStore, NewVersion
from agent_lab.storage.database import open_database
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.memory_flows import MemoryFlows
from support.stores import Clock, place_of


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def flow_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[FlowStore]:
    if request.param == "memory":
        yield MemoryFlows(clock=clock)
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    yield SqlFlows(database, clock=clock)
    await database.close()


def version(says: Any = "first", *, note: str = "") -> NewVersion:
    """A version whose document holds that."""
    document = {"id": "mine", "says": says}
    return NewVersion(document=document, flow_hash=content_hash(document), note=note)
