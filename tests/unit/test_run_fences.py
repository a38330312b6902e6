"""Workers that were away while another one went on with their run, stores that fail, and clocks that jump."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from agent_lab.contracts.errors import EnvironmentFaultError, TooLargeError
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent, WaitingForPerson
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.run_ports import Held
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.owners import new_owner
from agent_lab.storage.memory import MemoryRuns
from support.person_flows import BESIDE, lab_with
from support.runs import Bench, bench


async def speaking(lab: Bench, flow: str = "challenge") -> str:
    """A run that has begun its first call."""
    info = await lab.runs.start(RunRequest(flow=flow, prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if event.type == "generation_started":
            break
    return info.run_id


async def test_a_worker_that_was_away_writes_nothing_into_a_run_that_another_one_took_further(tmp_path: Path) -> None:
    now = [datetime.now(UTC)]
    store, gate = MemoryRuns(clock=lambda: now[0]), asyncio.Event()
    away = lab_with(tmp_path, BESIDE, provider=ScriptedProvider({"*": "old"}, gate=gate), store=store)
    here = lab_with(tmp_path, BESIDE, store=store)
    run_id = await speaking(away, "beside")
    now[0] += timedelta(seconds=60)
    assert await here.runs.recover() == [run_id]
    assert (await here.runs.wait(run_id)).status == "waiting"
    gate.set()
    active = away.runs.shop.active[run_id]
    await active.settled()
    ends = [event.node for event in await here.events(run_id) if isinstance(event, NodeFinished)]
    assert ends == ["first", "other"]
    await here.runs.answer(run_id, "person", "yes")
    assert (await here.runs.wait(run_id)).status == "completed"


async def test_an_ended_run_whose_record_is_damaged_keeps_no_other_one_from_being_taken_up(tmp_path: Path) -> None:
    class Damaged(MemoryRuns):
        broken = ""

        async def held(self) -> Sequence[Held]:
            return [Held(run_id=self.broken, owner="gone", ended=True, over=True), *await super().held()]

        async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
            if run_id == self.broken:
                raise EnvironmentFaultError("Event 2 cannot be read.")
            return await super().events(run_id, after=after)

    store = Damaged()
    first = bench(tmp_path, ScriptedProvider({"*": "text"}), store=store)
    store.broken = (await first.run("challenge")).run_id
    left = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), store=store)
    run_id = await speaking(left)
    await left.runs.close()
    assert await first.runs.recover() == [run_id]
    await first.runs.wait(run_id)


async def test_an_unexpected_fault_does_not_end_the_keeping_of_runs(tmp_path: Path) -> None:
    class Odd(MemoryRuns):
        faults = 1

        async def held(self) -> Sequence[Held]:
            if self.faults:
                self.faults -= 1
                raise RuntimeError("nobody thought of this")
            return await super().held()

    store = Odd()
    left = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), store=store)
    run_id = await speaking(left)
    await left.runs.close()
    lab = bench(tmp_path, ScriptedProvider({"*": "text"}), store=store)
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True, tick_s=0.01, recover_s=0.01).keep())
    # The fault is caught, not written out: with all that was known at it that takes seconds on a slow machine.
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(30):
            while (await lab.runs.view(run_id)).status != "completed":
                assert not keeping.done()
                await asyncio.sleep(0.01)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["keeping_broke"]
    keeping.cancel()


async def test_an_answer_that_the_store_does_not_take_is_told_and_may_be_given_again(tmp_path: Path) -> None:
    class Failing(MemoryRuns):
        broken = False

        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if self.broken:
                raise EnvironmentFaultError("The disk is full; make room.")
            return await super().append(run_id, events, owner=owner, after=after)

    store = Failing()
    provider = ScriptedProvider({"other": "word " * 20, "*": "text"}, delay_s=0.02)
    lab = lab_with(tmp_path, BESIDE, provider=provider, store=store)
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            break
    store.broken = True
    with pytest.raises(EnvironmentFaultError, match="disk is full"):
        await lab.runs.answer(info.run_id, "person", "yes")
    store.broken = False
    await lab.runs.answer(info.run_id, "person", "yes")
    assert (await lab.runs.wait(info.run_id)).status == "completed"


async def test_a_clock_that_is_set_back_takes_no_time_off_a_run(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE)
    view = await lab.run("beside")
    lab.runs.shop.now = lambda: datetime.now(UTC) - timedelta(days=1)
    await lab.runs.answer(view.run_id, "person", "yes")
    done = await lab.runs.wait(view.run_id)
    assert done.status == "completed"
    lab.runs.shop.now = lambda: datetime.now(UTC) - timedelta(days=2)
    second = await lab.run("beside")
    lab.runs.shop.now = lambda: datetime.now(UTC) - timedelta(days=3)
    cancelled = await lab.runs.cancel(second.run_id)
    assert (cancelled.seconds or 0.0) >= 0.0


async def test_a_run_whose_answer_no_store_would_take_fails_and_is_not_paid_for_again(tmp_path: Path) -> None:
    class Strict(MemoryRuns):
        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if any(isinstance(event, GenerationFinished) and event.node == "other" for event in events):
                raise TooLargeError("A generation_finished event is longer than a run keeps; ask for less.")
            return await super().append(run_id, events, owner=owner, after=after)

    lab = lab_with(tmp_path, BESIDE, store=Strict())
    view = await lab.run("beside")
    assert view.status == "failed"
    assert view.fault is not None
    assert view.fault.type == "too-large"
    assert await lab.runs.recover() == []
    assert next(node for node in view.nodes if node.id == "first").text == "text"
    assert len(lab.provider.calls) == 2


async def test_a_fault_of_the_store_that_nobody_thought_of_loses_no_event_out_of_the_middle(tmp_path: Path) -> None:
    class Odd(MemoryRuns):
        faults = 1

        async def append(
            self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
        ) -> Sequence[RunEvent]:
            if self.faults and any(isinstance(event, NodeFinished) for event in events):
                self.faults -= 1
                raise RuntimeError("nobody thought of this")
            return await super().append(run_id, events, owner=owner, after=after)

    lab = bench(tmp_path, ScriptedProvider({"*": "text"}), store=Odd())
    view = await lab.run("challenge")
    assert view.status == "running"
    assert await lab.runs.recover() == [view.run_id]
    assert (await lab.runs.wait(view.run_id)).status == "completed"


@pytest.mark.parametrize("what", ["resume", "cancel"])
async def test_a_run_whose_process_has_died_is_resumed_and_cancelled_at_once(tmp_path: Path, what: str) -> None:
    store = MemoryRuns()
    dead = lab_with(tmp_path, BESIDE, provider=ScriptedProvider(gate=asyncio.Event()), store=store)
    machine, number, _, name = new_owner().split("/")
    dead.runs.shop.owner = f"{machine}/{number}/1.00/{name}"  # a process that began in 1970
    run_id = await speaking(dead, "beside")
    here = lab_with(tmp_path, BESIDE, store=store)
    if what == "cancel":
        assert (await here.runs.cancel(run_id)).status == "cancelled"
    else:
        assert (await here.runs.resume(run_id)).status == "running"
        assert (await here.runs.wait(run_id)).status == "waiting"
    await dead.runs.close()
