"""Things that are asked of a run at the moment at which it is taken up, let go or lost."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from pathlib import Path

from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.events import NodeFinished, PersonAnswered, RunEvent, WaitingForPerson
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.run_ports import Order
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.memory import MemoryRuns
from support.person_flows import BESIDE, lab_with

INNER = {
    "id": "inner",
    "nodes": [
        {"id": "draft", "kind": "generate", "prompt": "draft {user_input}"},
        {"id": "person", "kind": "asks"},
        {"id": "end", "kind": "generate", "prompt": "{draft_output} {person_output}"},
    ],
    "edges": [{"from": "draft", "to": "person"}, {"from": "person", "to": "end"}],
}
OUTER = {
    "id": "outer",
    "nodes": [
        {"id": "sub", "kind": "inner", "flow": "inner"},
        {"id": "slow", "kind": "generate", "prompt": "slow {user_input}"},
        {"id": "last", "kind": "generate", "prompt": "{sub_output} {slow_output}"},
    ],
    "edges": [{"from": "sub", "to": "last"}, {"from": "slow", "to": "last"}],
}


class SlowRuns(MemoryRuns):
    """Takes its time, as a database does."""

    def __init__(self) -> None:
        super().__init__()
        self.releasing = asyncio.Event()

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        await asyncio.sleep(0.01)
        return await super().events(run_id, after=after)

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        await asyncio.sleep(0.02)
        return await super().claim(run_id, owner=owner, seconds=seconds)

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
    ) -> Sequence[RunEvent]:
        await asyncio.sleep(0.02)
        return await super().append(run_id, events, owner=owner, after=after)

    async def release(self, run_id: str, *, owner: str) -> None:
        self.releasing.set()
        await asyncio.sleep(0.05)
        await super().release(run_id, owner=owner)


async def _quietly(one: Awaitable[object]) -> None:
    with suppress(ConflictError):
        await one


async def test_an_answer_to_a_flow_within_a_flow_pays_for_nothing_again_while_other_branches_go_on(
    tmp_path: Path,
) -> None:
    lab = lab_with(tmp_path, OUTER, INNER, provider=ScriptedProvider({"slow": "word " * 20, "*": "text"}, delay_s=0.02))
    info = await lab.runs.start(RunRequest(flow="outer", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await lab.runs.answer(info.run_id, event.node, "yes")
            break
    view = await lab.runs.wait(info.run_id)
    assert view.status == "completed"
    events = await lab.events(info.run_id)
    ends = [event.node for event in events if isinstance(event, NodeFinished)]
    assert sorted(ends) == sorted(set(ends))
    assert len(lab.provider.calls) == 4


TWO = {
    "id": "two",
    "nodes": [
        {"id": "ann", "kind": "asks"},
        {"id": "bob", "kind": "asks"},
        {"id": "last", "kind": "generate", "prompt": "{ann_output} {bob_output}"},
    ],
    "edges": [{"from": "ann", "to": "last"}, {"from": "bob", "to": "last"}],
}


async def test_two_answers_at_once_take_a_waiting_run_up_once(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, TWO, store=SlowRuns())
    info = await lab.runs.start(RunRequest(flow="two", prompt="x"))
    await lab.runs.wait(info.run_id)
    await asyncio.gather(lab.runs.answer(info.run_id, "ann", "yes"), lab.runs.answer(info.run_id, "bob", "no"))
    view = await lab.runs.wait(info.run_id)
    assert view.status == "completed"
    ends = [event.node for event in await lab.events(info.run_id) if isinstance(event, NodeFinished)]
    assert sorted(ends) == ["ann", "bob", "last"]
    assert len(lab.provider.calls) == 1
    assert lab.runs.shop.active == {}


async def test_a_run_that_is_just_being_let_go_is_cancelled_all_the_same(tmp_path: Path) -> None:
    store = SlowRuns()
    lab = lab_with(tmp_path, TWO, store=store)
    info = await lab.runs.start(RunRequest(flow="two", prompt="x"))
    await store.releasing.wait()
    assert info.run_id in lab.runs.shop.active
    assert (await lab.runs.cancel(info.run_id)).status == "cancelled"
    assert lab.runs.shop.active == {}


async def test_a_run_that_is_stopped_while_it_is_let_go_leaves_its_place(tmp_path: Path) -> None:
    store = SlowRuns()
    lab = lab_with(tmp_path, TWO, store=store)
    info = await lab.runs.start(RunRequest(flow="two", prompt="x"))
    await store.releasing.wait()
    active = lab.runs.shop.active[info.run_id]
    active.stop()
    await active.settled()
    assert lab.runs.shop.active == {}
    assert active.live.closed


async def test_a_run_that_is_stopped_before_its_first_step_leaves_its_place(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE)
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    active = lab.runs.shop.active[info.run_id]
    active.stop()
    await active.settled()
    assert lab.runs.shop.active == {}
    assert active.live.closed
    assert await lab.runs.recover() == [info.run_id]


async def test_the_time_of_a_run_that_a_person_answered_meanwhile_is_counted_once(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, provider=ScriptedProvider({"other": "word " * 20, "*": "text"}, delay_s=0.05))
    began = time.monotonic()
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await asyncio.sleep(0.6)
            await lab.runs.answer(info.run_id, event.node, "yes")
            break
    view = await lab.runs.wait(info.run_id)
    assert view.totals.seconds <= time.monotonic() - began


async def test_an_answer_and_a_resumption_at_once_take_a_paused_run_up_once(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, store=SlowRuns())
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    await lab.runs.wait(info.run_id)
    await lab.runs.pause(info.run_id)
    answering, resuming = lab.runs.answer(info.run_id, "person", "yes"), lab.runs.resume(info.run_id)
    await asyncio.gather(_quietly(answering), _quietly(resuming))
    while (await lab.runs.wait(info.run_id)).status != "completed":
        view = await lab.runs.view(info.run_id)
        if view.status == "waiting":
            await lab.runs.answer(info.run_id, "person", "yes")
        elif view.status == "paused":
            await lab.runs.resume(info.run_id)
    ends = [event.node for event in await lab.events(info.run_id) if isinstance(event, NodeFinished)]
    assert len(ends) == len(set(ends)) == 4


async def test_an_answer_that_was_asked_for_before_stays_the_first_one(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, TWO)
    info = await lab.runs.start(RunRequest(flow="two", prompt="x"))
    await lab.runs.wait(info.run_id)
    await lab.runs.answer(info.run_id, "ann", "yes")
    await lab.runs.wait(info.run_id)
    late = Order(run_id=info.run_id, kind="answer", node="ann", visit=1, text="no")
    assert await lab.runs.steering.follow_order(late)
    answers = [event.text for event in await lab.events(info.run_id) if isinstance(event, PersonAnswered)]
    assert answers == ["yes"]


async def test_a_pause_that_meets_a_run_as_it_begins_to_wait_holds(tmp_path: Path) -> None:
    store = SlowRuns()
    lab = lab_with(tmp_path, TWO, store=store)
    info = await lab.runs.start(RunRequest(flow="two", prompt="x"))
    await store.releasing.wait()
    assert info.run_id in lab.runs.shop.active
    assert (await lab.runs.pause(info.run_id)).status == "paused"
