"""Two processes' worth of labs on one PostgreSQL: each sees, follows and stops the runs of the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent_lab.contracts.events import GenerationFinished, RunEvent, Token
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.keeper import Keeper
from agent_lab.settings import Settings
from agent_lab.storage.opening import Stores, open_store
from agent_lab.storage.postgres_wire import PostgresWire
from support.gates import Words
from support.runs import Bench, bench

REQUEST = RunRequest(flow="challenge", prompt="Why?")


@dataclass(frozen=True, slots=True)
class Lab:
    bench: Bench
    stores: Stores


@asynccontextmanager
async def lab(folder: Path, url: str, provider: ScriptedProvider) -> AsyncIterator[Lab]:
    stores = await open_store(Settings(database_url=url))
    assert isinstance(stores.wire, PostgresWire)
    await stores.wire._connected.wait()
    made = bench(folder, provider, store=stores.runs)
    made.runs.shop.wire = stores.wire
    keeping = asyncio.create_task(Keeper(made.runs, serving=True).keep())
    yield Lab(made, stores)
    keeping.cancel()
    await made.runs.close()
    await stores.close()


async def listened_to(lab: Lab, run_id: str) -> None:
    """Wait until that process knows that another one listens to its run."""
    assert isinstance(lab.stores.wire, PostgresWire)
    async with asyncio.timeout(60):
        while run_id not in lab.stores.wire._interests:  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.01)


@pytest.fixture
def gate() -> Words:
    return Words(0)


@pytest.fixture
async def labs(tmp_path: Path, postgres_database: str, gate: Words) -> AsyncIterator[tuple[Lab, Lab]]:
    """The first has the models, whose words wait for the gate."""
    speaking = ScriptedProvider(delay_s=0.02, gate=gate)
    async with (
        lab(tmp_path / "first", postgres_database, speaking) as first,
        lab(tmp_path / "second", postgres_database, ScriptedProvider()) as second,
    ):
        yield first, second


async def test_a_reader_at_another_process_hears_the_run_as_it_is_spoken(labs: tuple[Lab, Lab], gate: Words) -> None:
    first, second = labs
    info = await first.bench.runs.start(REQUEST)

    async def listen() -> list[RunEvent]:
        return [event async for event in second.bench.runs.watch(info.run_id)]

    listening = asyncio.create_task(listen())
    await listened_to(first, info.run_id)
    gate.set()
    async with asyncio.timeout(60):
        heard = await listening
    stored = [event for event in heard if not isinstance(event, Token)]
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    assert stored[-1].type == "run_finished"
    assert sum(isinstance(event, Token) for event in heard) > 3
    assert len(second.bench.provider.calls) == 0


async def test_who_begins_to_listen_in_the_middle_of_an_answer_has_it_from_its_first_word(
    labs: tuple[Lab, Lab], gate: Words
) -> None:
    first, second = labs
    gate.let(20)
    info = await first.bench.runs.start(RunRequest(flow="challenge", prompt=" ".join(["Why?"] * 150)))
    async for event in first.bench.runs.watch(info.run_id):
        if isinstance(event, Token) and event.offset > 30:
            break

    async def listen() -> tuple[str, str]:
        said = ""
        async for event in second.bench.runs.watch(info.run_id):
            if isinstance(event, Token) and event.node == "creator":
                said = event.text if event.offset == 0 else said + event.text
            if isinstance(event, GenerationFinished):
                return said, event.result.text
        raise AssertionError("the answer never ended")

    listening = asyncio.create_task(listen())
    await listened_to(first, info.run_id)
    gate.set()
    async with asyncio.timeout(60):
        said, whole = await listening
    assert len(said) > 30
    assert whole.startswith(said)


async def test_a_run_is_cancelled_from_a_process_that_does_not_work_on_it(labs: tuple[Lab, Lab]) -> None:
    first, second = labs
    info = await first.bench.runs.start(REQUEST)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(60):
        assert (await second.bench.runs.cancel(info.run_id)).status == "cancelled"
    assert first.bench.provider.open_streams == 0


async def test_a_run_that_is_held_is_not_begun_by_the_other_process(labs: tuple[Lab, Lab], gate: Words) -> None:
    first, second = labs
    infos = [await first.bench.runs.start(REQUEST) for _ in range(5)]
    assert await second.bench.runs.recover() == []
    gate.set()
    async with asyncio.timeout(60):
        views = await asyncio.gather(*(second.bench.runs.wait(info.run_id) for info in infos))
    assert {view.status for view in views} == {"completed"}
    assert len(second.bench.provider.calls) == 0
