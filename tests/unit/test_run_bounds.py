"""What happens at the edges of the run service: twice, too many, too long, and with a store that fails."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent_lab.contracts.errors import EnvironmentFaultError, ProviderError, QueueFullError, UnusableError
from agent_lab.contracts.events import GenerationFinished, GenerationStarted, RunEvent, RunFinished
from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs import journal
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.queue import QueueRules
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns
from support.runs import Bench, bench


async def speaking(lab: Bench) -> str:
    """A run whose first model is being asked."""
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, GenerationStarted):
            break
    return info.run_id


async def test_a_second_cancel_does_not_undo_the_first(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "lab.db")
    lab = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), store=SqlRuns(database))
    run_id = await speaking(lab)
    gate = threading.Event()
    held = asyncio.create_task(database.write(lambda _: gate.wait()))  # the cancels meet while the end waits for it
    cancels = [asyncio.create_task(lab.runs.cancel(run_id)) for _ in range(3)]
    await asyncio.sleep(0.1)
    gate.set()
    await held
    assert {info.status for info in await asyncio.gather(*cancels)} == {"cancelled"}
    assert await lab.runs.recover() == []
    assert (tmp_path / "outputs" / "challenge_flows" / f"{run_id}.json").exists()
    await database.close()


async def test_runs_beyond_the_bound_are_refused_however_many_come_at_once(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), rules=QueueRules(at_once=3, waiting=2))
    request = RunRequest(flow="challenge", prompt="x")
    results = await asyncio.gather(*(lab.runs.start(request) for _ in range(10)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, QueueFullError)]
    assert len(refused) == 5
    assert refused[0].retry_after_s
    assert sorted(info.status for info in await lab.runs.list()) == ["queued"] * 2 + ["running"] * 3
    await lab.runs.close()


async def test_a_place_is_given_back_where_a_run_does_not_start(tmp_path: Path) -> None:
    class Full(MemoryRuns):
        async def create(self, *_: object, **__: object) -> Sequence[RunEvent]:
            raise EnvironmentFaultError("The disk is full; make room.")

    lab = bench(tmp_path, store=Full())
    with pytest.raises(EnvironmentFaultError):
        await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    assert lab.runs.shop.active == {}


async def test_a_run_whose_store_fails_is_left_to_be_taken_up_and_not_called_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(MemoryRuns):
        broken = False

        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if any(isinstance(event, GenerationFinished) for event in events):
                self.broken = True
            if self.broken:
                raise EnvironmentFaultError("The disk is full; make room.")
            return await super().append(run_id, events, owner=owner, after=after)

    monkeypatch.setattr(journal, "PATIENCE_S", (0.01,))
    store = Failing()
    lab = bench(tmp_path, ScriptedProvider({"*": "text"}), store=store)
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    assert (await lab.runs.wait(info.run_id)).status == "running"
    store.broken = False
    assert await store.abandoned() == [info.run_id]


async def test_a_prompt_that_grows_too_long_is_told_with_its_node(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "word"}))
    view = await lab.run("challenge", "x" * (MAX_PROMPT_CHARS - 10))
    assert view.fault is not None
    assert (view.fault.type, view.fault.node) == ("too-large", "creator")
    assert "creator" in view.fault.message


async def test_a_model_that_nothing_can_call_is_refused_before_the_run(tmp_path: Path) -> None:
    lab = bench(tmp_path)

    def nobody(key: str) -> None:
        raise UnusableError(f"{key} is served by nobody.")

    object.__setattr__(lab.runs.admission, "model", nobody)
    (tmp_path / "flows").mkdir()
    node = {"id": "one", "kind": "generate", "prompt": "x", "model": "voice"}
    document = {"id": "mine", "name": "Mine", "nodes": [node]}
    (tmp_path / "flows" / "mine.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(UnusableError, match="voice is served by nobody"):
        await lab.runs.start(RunRequest(flow="mine", prompt="x"))
    assert await lab.runs.list() == []


def test_a_catalogue_that_several_threads_open_at_once_is_whole_for_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            catalog = bench(tmp_path).catalog
            found = list(pool.map(lambda _, catalog=catalog: catalog.get("linear").id, range(8)))  # type: ignore[misc]
            assert found == ["linear"] * 8


async def test_a_reader_that_asks_for_more_than_there_is_of_an_ended_run_gets_an_end(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "text"}))
    view = await lab.run("challenge")
    async with asyncio.timeout(30):
        assert [event async for event in lab.runs.watch(view.run_id, after=999)] == []


async def test_the_time_of_a_resumed_run_is_that_of_all_its_parts(tmp_path: Path) -> None:
    store = MemoryRuns()
    first = bench(tmp_path, ScriptedProvider({"*": "one two three"}, delay_s=0.05), store=store)
    info = await first.runs.start(RunRequest(flow="challenge", prompt="x"))
    run_id = info.run_id
    async for event in first.runs.watch(run_id):
        if isinstance(event, GenerationFinished):  # three words: 0.15 s at the least
            break
    await first.runs.close()
    second = bench(tmp_path, ScriptedProvider({"*": "text"}), store=store)
    await second.runs.recover()
    await second.runs.wait(run_id)
    events = await second.events(run_id)
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.seconds >= 0.1


def test_a_dense_flow_is_checked_within_seconds(tmp_path: Path) -> None:
    nodes = [{"id": f"n{i}", "kind": "generate", "prompt": "x"} for i in range(2000)]
    edges = [{"from": f"n{i}", "to": f"n{j}"} for i in range(2000) for j in range(i + 1, min(i + 12, 2000))]
    began = time.process_time()
    _, problems = bench(tmp_path).catalog.check(
        {"id": "dense", "name": "dense", "nodes": nodes, "edges": edges, "limits": {"max_steps": 2000}}
    )
    assert problems == []
    assert time.process_time() - began < 5


async def test_a_store_that_fails_a_recovery_is_asked_again(tmp_path: Path) -> None:
    class Flaky(MemoryRuns):
        refusals = 0

        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if self.refusals:
                self.refusals -= 1
                raise EnvironmentFaultError("The disk is full; make room.")
            return await super().append(run_id, events, owner=owner, after=after)

    store = Flaky()
    first = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), store=store)
    run_id = await speaking(first)
    await first.runs.close()
    store.refusals = 1
    second = bench(tmp_path, ScriptedProvider({"*": "text"}), store=store)
    watching = asyncio.create_task(Keeper(second.runs, serving=True, tick_s=0.01, recover_s=0.01).keep())
    async with asyncio.timeout(30):
        while (await second.runs.view(run_id)).status != "completed":
            assert not watching.done()
            await asyncio.sleep(0.01)
    watching.cancel()


async def test_each_of_several_models_of_a_node_is_looked_up_before_the_run(tmp_path: Path) -> None:
    lab = bench(tmp_path)

    def nobody(key: str) -> None:
        if key == "other":
            raise UnusableError(f"{key} is served by nobody.")

    object.__setattr__(lab.runs.admission, "model", nobody)
    (tmp_path / "flows").mkdir()
    node = {"id": "one", "kind": "generate", "prompt": "x", "samples": 2, "models": ["voice", "other"]}
    document = {"id": "mine", "name": "Mine", "nodes": [node]}
    (tmp_path / "flows" / "mine.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(UnusableError, match="other is served by nobody"):
        await lab.runs.start(RunRequest(flow="mine", prompt="x"))
    assert lab.provider.calls == []


async def test_a_store_that_fails_for_a_moment_costs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stumbling(MemoryRuns):
        failures = 0

        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if self.failures < 3 and any(isinstance(event, GenerationFinished) for event in events):
                self.failures += 1
                raise EnvironmentFaultError("The disk is full; make room.")
            return await super().append(run_id, events, owner=owner, after=after)

    monkeypatch.setattr(journal, "PATIENCE_S", (0.01, 0.01, 0.01))
    lab = bench(tmp_path, ScriptedProvider({"*": "text"}), store=Stumbling())
    view = await lab.run("challenge")
    assert (view.status, len(lab.provider.calls)) == ("completed", 3)


async def test_a_fault_that_was_let_pass_is_not_blamed_for_a_later_one(tmp_path: Path) -> None:
    nodes = [
        {"id": "list", "kind": "transform", "op": "split", "of": "words"},
        {"id": "words", "kind": "generate", "prompt": "{user_input}"},
        {"id": "each", "kind": "map", "over": "list.value", "prompt": "{item}", "on_error": "skip"},
        {"id": "last", "kind": "generate", "prompt": "{each_output}"},
    ]
    edges = [{"from": "words", "to": "list"}, {"from": "list", "to": "each"}, {"from": "each", "to": "last"}]
    (tmp_path / "flows").mkdir()
    document = {"id": "mine", "name": "Mine", "nodes": nodes, "edges": edges}
    (tmp_path / "flows" / "mine.json").write_text(json.dumps(document), "utf-8")
    broken = ProviderError("The wire broke; try again.")
    lab = bench(tmp_path, ScriptedProvider({"*": "a\nb"}, errors={2: broken, 4: broken}))
    view = await lab.run("mine")
    assert view.fault is not None
    assert (view.status, view.fault.node) == ("failed", "last")
