"""The queue: order, the bound of each caller, and runs that begin as places become free."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import QueueFullError
from agent_lab.contracts.events import RunAdmitted, RunQueued
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.run_ports import Queued
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.queue import QueueRules
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab
from support.runs import CountedRuns, bench


def waiting(number: int, caller: str) -> Queued:
    return Queued(run_id=f"r{number}", caller=caller)


@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.integers(1, 6),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 4)),
)
def test_the_bounds_hold_the_order_holds_for_each_caller_and_nobody_waits_for_nothing(
    callers: list[str], at_once: int, bounds: dict[str, int]
) -> None:
    rules = QueueRules(at_once=at_once, of_caller=bounds.get)
    queue, going, begun = [waiting(i, caller) for i, caller in enumerate(callers)], Counter[str](), []
    while (info := rules.next(queue, going)) is not None:
        queue.remove(info)
        going[info.caller] += 1
        begun.append(info)
    assert going.total() <= at_once
    assert all(going[caller] <= most for caller, most in bounds.items())
    for caller in "abc":
        mine = [info for info in begun if info.caller == caller]
        assert mine == [waiting(i, one) for i, one in enumerate(callers) if one == caller][: len(mine)]
    if going.total() < at_once:
        assert all(going[info.caller] == bounds.get(info.caller) for info in queue)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(1, 5), st.none() | st.integers(0, 4))
def test_a_run_waits_where_there_is_room_for_all_and_for_its_caller(
    others: int, own: int, most_of_all: int, most: int | None
) -> None:
    rules = QueueRules(waiting=most_of_all, waiting_of_caller={"ci": most}.get)
    why = rules.why_full("ci", others + own, own)
    assert (why is None) == (others + own < most_of_all and (most is None or own < most))
    assert why is None or ("'ci'" in why) == (others + own < most_of_all)
    assert (rules.why_full("", others + own, own) is None) == (others + own < most_of_all)


async def test_a_caller_at_its_bounds_is_refused_while_others_go_past_and_its_next_begins_in_its_turn(
    tmp_path: Path,
) -> None:
    gate = asyncio.Event()
    rules = QueueRules(at_once=3, of_caller={"ci": 1}.get, waiting_of_caller={"ci": 1}.get)
    lab = bench(tmp_path, ScriptedProvider(gate=gate), rules=rules)
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True, tick_s=5).keep())
    await asyncio.sleep(0)
    asked = RunRequest(flow="challenge", prompt="x")
    first, second = [await lab.runs.start(asked, caller="ci") for _ in range(2)]
    assert (first.status, second.status) == ("running", "queued")
    with pytest.raises(QueueFullError, match="'ci' may have 1 of its runs waiting, and has 1") as refused:
        await lab.runs.start(asked, caller="ci")
    assert refused.value.retry_after_s
    for caller in ("nightly", ""):
        assert (await lab.runs.start(asked, caller=caller)).status == "running"
    assert (await lab.runs.start(asked, caller="nightly")).status == "queued"
    gate.set()
    async with asyncio.timeout(30):
        views = [await lab.runs.wait(info.run_id) for info in (first, second)]
    assert [view.status for view in views] == ["completed"] * 2
    keeping.cancel()
    await lab.runs.close()


async def test_queued_runs_begin_in_their_order_as_places_become_free(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = ScriptedProvider({"*": "a b"}, gate=gate)
    lab = bench(tmp_path, provider, rules=QueueRules(at_once=2))
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True, tick_s=5).keep())
    await asyncio.sleep(0)
    starts = [await lab.runs.start(RunRequest(flow="challenge", prompt=f"x{n}")) for n in range(6)]
    assert [info.status for info in starts] == ["running"] * 2 + ["queued"] * 4
    assert (await lab.runs.counts()).queued == 4
    gate.set()
    async with asyncio.timeout(30):
        views = [await lab.runs.wait(info.run_id) for info in starts]
    assert {view.status for view in views} == {"completed"}
    assert provider.calls[0].request.context.turns[0].content in {"x0", "x1"}
    firsts = [
        call.request.context.turns[0].content for call in provider.calls if call.request.context.role == "creator"
    ]
    assert firsts == [f"x{n}" for n in range(6)]
    events = await lab.events(starts[3].run_id)
    assert [type(event) for event in events[1:3]] == [RunQueued, RunAdmitted]
    keeping.cancel()


async def test_the_time_in_the_queue_is_none_of_the_runs(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "a"}, delay_s=0.2), rules=QueueRules(at_once=1))
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True).keep())
    await asyncio.sleep(0)
    began = time.monotonic()
    starts = [await lab.runs.start(RunRequest(flow="challenge", prompt="x")) for _ in range(3)]
    views = [await lab.runs.wait(info.run_id) for info in starts]
    # One at a time: with the time in the queue they would come to twice of what has passed.
    assert 1.8 <= sum(view.totals.seconds for view in views) <= time.monotonic() - began
    keeping.cancel()


async def test_a_queued_run_can_be_cancelled_and_paused(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), rules=QueueRules(at_once=1))
    _, second, third = [await lab.runs.start(RunRequest(flow="challenge", prompt="x")) for _ in range(3)]
    assert (await lab.runs.cancel(second.run_id)).status == "cancelled"
    assert (await lab.runs.pause(third.run_id)).status == "paused"
    assert (await lab.runs.counts()).queued == 0
    await lab.runs.close()


async def test_the_metrics_are_told_how_the_runs_stand(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(gate=asyncio.Event()), rules=QueueRules(at_once=1))
    for _ in range(3):
        await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True, tick_s=0.01).keep())
    metrics = lab.runs.shop.metrics
    assert isinstance(metrics, CountedRuns)
    async with asyncio.timeout(30):
        while ("standing", {"running": 1, "queued": 2, "waiting": 0, "paused": 0}) not in metrics.seen:  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.01)
    keeping.cancel()
    await lab.runs.close()


async def test_the_settings_say_how_many_runs_go_on_at_once_and_how_many_may_wait(tmp_path: Path) -> None:
    bounds = {"AGENT_LAB_MAX_RUNS": "3", "AGENT_LAB_MAX_QUEUE": "5"}
    async with open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path), **bounds}, tmp_path / "no.env")) as lab:
        figures = await lab.runs.counts()
    assert (figures.limit, figures.queue_limit) == (3, 5)


async def test_a_new_run_does_not_overtake_one_that_waits_for_the_place(tmp_path: Path) -> None:
    gate = asyncio.Event()
    lab = bench(tmp_path, ScriptedProvider({"*": "a"}, gate=gate), rules=QueueRules(at_once=1))
    first, second = [await lab.runs.start(RunRequest(flow="challenge", prompt="x")) for _ in range(2)]
    gate.set()
    await lab.runs.wait(first.run_id)
    third = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    assert (second.status, third.status) == ("queued", "queued")
    assert await lab.runs.steering.admit() == [second.run_id]
    await lab.runs.close()
