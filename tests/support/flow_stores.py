"""A flow store of each kind, on the clock of the run stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.documents import content_hash
from agent_lab.contracts.flow_ports import FlowStore, NewVersion
from agent_lab.contracts.run_ports import RunStore
from agent_lab.storage.database import open_database
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.memory_flows import MemoryFlows
from agent_lab.storage.runs import SqlRuns
from support.stores import Clock, place_of


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def flow_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[FlowStore]:
    if request.param == "memory":
        yield MemoryFlows(clock=clock)
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    yield SqlFlows(database, clock=clock)
    await database.close()


@dataclass(frozen=True, slots=True)
class FlowsAndRuns:
    """Flows, and runs that name their versions, in one place."""

    flows: FlowStore
    runs: RunStore


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def both(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[FlowsAndRuns]:
    if request.param == "memory":
        yield in_memory(clock)
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    yield FlowsAndRuns(SqlFlows(database, clock=clock), SqlRuns(database, clock=clock))
    await database.close()


def in_memory(clock: Clock) -> FlowsAndRuns:
    """Both without a disk."""
    runs = MemoryRuns(clock=clock)
    return FlowsAndRuns(MemoryFlows(clock=clock, runs=runs), runs)


def version(says: Any = "first", *, note: str = "", autosaved: bool = False) -> NewVersion:
    """A version whose document holds that."""
    document = {"id": "mine", "says": says}
    return NewVersion(document=document, flow_hash=content_hash(document), note=note, autosaved=autosaved)
