"""A run store of each kind, a clock that stands still, and events to put into them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent_lab.contracts.events import GenerationFinished, NodeFinished, NodeStarted, RunFinished, RunStarted
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.run import NodeOutput, RunInfo, RunRequest, RunStatus, RunTotals
from agent_lab.contracts.run_ports import RunStore
from agent_lab.settings import Settings
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.runs import SqlRuns

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLOW = FlowConfig(id="linear", name="Linear", nodes=(NodeConfig(id="answer", kind="generate"),))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


Build = Callable[[Clock], Awaitable[RunStore]]


def place_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    """An empty database of the kind: a file in the folder, or one of the test's own on the tests' server."""
    if kind == "sqlite":
        return Place.of_file(folder / "lab.db")
    return database_place(Settings(database_url=request.getfixturevalue("postgres_database")))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_of(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def build(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Build]:
    made: list[RunStore] = []
    place = None if request.param == "memory" else place_of(request.param, request, tmp_path)

    async def new(clock: Clock) -> RunStore:
        kept = MemoryRuns(clock=clock) if place is None else SqlRuns(await open_database(place), clock=clock)
        made.append(kept)
        return kept

    yield new
    for store in made:
        await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(build: Build, clock: Clock) -> RunStore:
    return await build(clock)


def run(run_id: str = "r1", *, minutes: float = 0, flow_id: str = "linear", prompt: str = "Why?") -> RunInfo:
    return RunInfo(
        run_id=run_id,
        flow_id=flow_id,
        flow_hash="f00d",
        status="queued",
        prompt=prompt,
        request_id=f"q-{run_id}",
        created_at=NOON + timedelta(minutes=minutes),
    )


def started(run_id: str = "r1") -> RunStarted:
    request = RunRequest(flow="linear", prompt="Why?")
    return RunStarted(at=NOON, run_id=run_id, request_id="q", flow=FLOW, flow_hash="f00d", request=request)


def node_started(visit: int = 1) -> NodeStarted:
    return NodeStarted(at=NOON, node="answer", visit=visit, kind="generate", label="Answer", role="answer")


def answered(model: str, *, visit: int = 1, reused: bool = False) -> GenerationFinished:
    result = GenerationResult(
        text="Because.",
        tokens_generated=2,
        timings=Timings(),
        usage=Usage(),
        source="scripted",
        cache_hit=False,
        model_key=model,
        model_resolved=model,
        strategy="standard",
        finish_reason="stop",
    )
    return GenerationFinished(
        at=NOON, node="answer", visit=visit, sample=0, request_hash="cafe", result=result, reused=reused
    )


def node_finished(text: str = "Because.", **fields: object) -> NodeFinished:
    output = NodeOutput.model_validate({"text": text, "fields": fields})
    return NodeFinished(at=NOON, node="answer", visit=1, output=output, next=(), seconds=0.5)


def finished(status: RunStatus = "completed", answer: str | None = "Because.") -> RunFinished:
    return RunFinished(at=NOON + timedelta(seconds=9), status=status, answer=answer, seconds=9)


def priced(cost_usd: str | None) -> RunFinished:
    totals = RunTotals(calls=3, cost_usd=None if cost_usd is None else Decimal(cost_usd), seconds=7.5)
    return finished().model_copy(update={"totals": totals})


async def complete(store: RunStore, info: RunInfo, answer: str = "Because.") -> None:
    await store.create(info)
    await store.append(info.run_id, [started(info.run_id), finished(answer=answer)], owner="w1")
