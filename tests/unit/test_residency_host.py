"""Models lent to coroutines: nobody is blocked, leaving at any moment leaks nothing, and progress reaches all."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing

from agent_lab.contracts.errors import BusyError, NotFoundError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.registries.strategies import load_strategies
from support.fake_loader import PATIENCE_S, QUICK, STANDARD, Shelf, close_all, shelf, spec

A = spec("a")


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    yield
    await asyncio.to_thread(close_all)


async def begun(on: Shelf, key: str) -> None:
    assert await asyncio.to_thread(on.loader.begun[key].wait, PATIENCE_S)


def in_use(on: Shelf) -> list[int]:
    return [model.in_use for model in on.host.resident()]


async def test_sixteen_coroutines_at_once_make_one_load_and_block_nobody() -> None:
    on = shelf({"a": 1.0})
    gate = on.loader.gate("a")
    asked = time.monotonic()
    waiting = [asyncio.create_task(on.host.lease(A, STANDARD)) for _ in range(16)]
    await begun(on, "a")
    while on.manager.get_memory_stats()["waiting"] < 16:  # noqa: ASYNC110  (told by nobody)
        await asyncio.sleep(0.005)
    held = time.monotonic()
    await asyncio.sleep(0.05)  # the loop goes on while it loads
    held_s = time.monotonic() - held
    gate.set()
    leases = await asyncio.gather(*waiting)
    waited_s = time.monotonic() - asked
    assert on.loader.loads == ["a"]
    assert [lease.cache_hit for lease in leases] == [False] * 16
    assert all(lease.load_s >= held_s for lease in leases)
    assert all(lease.queue_s <= waited_s - held_s for lease in leases)
    hit = await on.host.lease(A, STANDARD)
    assert (hit.cache_hit, hit.load_s, hit.queue_s) == (True, 0.0, 0.0)
    assert hit.engine is on.loader.loaded["a"].engine
    assert in_use(on) == [17]
    for lease in [*leases, hit, hit]:
        lease.release()
    assert in_use(on) == [0]


async def test_the_first_one_that_leaves_does_not_take_the_load_from_the_others() -> None:
    on = shelf({"a": 1.0})
    gate = on.loader.gate("a")
    first = asyncio.create_task(on.host.lease(A, STANDARD))
    await begun(on, "a")
    second = asyncio.create_task(on.host.lease(A, STANDARD))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    lease = await second
    assert on.loader.loads == ["a"]
    assert in_use(on) == [1]
    lease.release()


@pytest.mark.parametrize("turns", range(6))
async def test_leaving_at_any_moment_leaves_no_lease_behind(turns: int) -> None:
    on = shelf({"a": 1.0})
    leaving = asyncio.create_task(on.host.lease(A, STANDARD))
    for _ in range(turns):
        await asyncio.sleep(0.001)
    leaving.cancel()
    (left,) = await asyncio.gather(leaving, return_exceptions=True)
    if not isinstance(left, BaseException):
        left.release()
    (await on.host.lease(A, STANDARD)).release()
    assert in_use(on) == [0]


async def test_a_lease_that_does_not_come_in_time_is_refused() -> None:
    on = shelf({"a": 1.0})
    gate = on.loader.gate("a")
    first = asyncio.create_task(on.host.lease(A, STANDARD))
    await begun(on, "a")
    with pytest.raises(BusyError, match="'a' was not ready in time: it is still being loaded"):
        await on.host.lease(A, STANDARD, deadline_s=0.05)
    gate.set()
    lease = await first
    assert on.loader.loads == ["a"]
    lease.release()


async def test_a_wait_for_room_is_told_apart_from_the_load() -> None:
    on = shelf({"a": 3.0, "b": 3.0}, limit_gb=5.0, rules=QUICK)
    held = await on.host.lease(A, STANDARD)
    asked = time.monotonic()
    waiting = asyncio.create_task(on.host.lease(spec("b"), STANDARD))
    while not any(one.stage == "waiting" and one.total_bytes for one in on.host.loading()):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    without_room = time.monotonic()
    await asyncio.sleep(0.2)
    without_room_s = time.monotonic() - without_room
    held.release()
    lease = await waiting
    waited_s = time.monotonic() - asked
    assert lease.queue_s >= without_room_s
    assert lease.load_s <= waited_s - without_room_s
    lease.release()


async def test_everyone_who_listens_is_told_how_far_a_load_is_and_who_leaves_does_not_stop_it() -> None:
    on = shelf({"a": 2.0})
    gate = on.loader.gate("a")
    early: list[LoadProgress] = []
    late: list[LoadProgress] = []
    first = asyncio.create_task(on.host.load(A, STANDARD, early.append))
    await begun(on, "a")
    second = asyncio.create_task(on.host.load(A, STANDARD, late.append))
    while not late:  # noqa: ASYNC110  (what is told comes from another thread)
        await asyncio.sleep(0.005)
    assert [progress.stage for progress in late] == ["loading"]
    assert [progress.stage for progress in on.host.loading()] == ["loading"]
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    gate.set()
    assert (await second).model_key == "a"
    while late[-1].stage != "ready":  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert early[-1].stage == "loading"
    assert [progress.stage for progress in late] == ["loading", "ready"]
    assert late[-1].total_bytes is None or late[-1].done_bytes == late[-1].total_bytes
    assert on.host.loading() == []
    assert in_use(on) == [0]


async def test_a_load_of_which_everybody_has_left_still_ends_and_is_let_go_of() -> None:
    on = shelf({"a": 2.0})
    gate = on.loader.gate("a")
    leaving = asyncio.create_task(on.host.load(A, STANDARD))
    await begun(on, "a")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    gate.set()
    (await on.host.lease(A, STANDARD)).release()
    assert on.loader.loads == ["a"]
    assert in_use(on) == [0]


async def test_a_model_that_is_not_kept_alive_can_be_pinned_when_it_is_loaded() -> None:
    row = spec("a", keep_alive_s=0.0)
    on = shelf({"a": 1.0}, rows=[row])
    assert not (await on.host.load(row, STANDARD)).pinned
    assert on.host.pin("a", pinned=True).pinned
    await asyncio.sleep(0.05)
    assert on.keys() == ["a"]
    assert not on.host.pin("a", pinned=False).pinned
    while on.keys():  # noqa: ASYNC110  (nothing tells that a model has left)
        await asyncio.sleep(0.005)
    with pytest.raises(NotFoundError):
        on.host.pin("a", pinned=True)


async def test_a_strategy_that_stands_in_is_told_with_the_load() -> None:
    on = shelf({"a": 1.0})
    there = await on.host.load(A, load_strategies(Path("no such folder")).get_strategy("flash"))
    assert there.strategy == "standard"
    assert [note for note in there.notes if "'standard' stood in for it" in note] == list(there.notes) != []


async def test_models_that_wish_to_be_warm_are_loaded_at_the_start_and_a_failure_is_logged_alone() -> None:
    rows = [spec("a", warm=True, pinned=True), spec("b", warm=True), spec("c")]
    on = shelf({"a": 1.0, "b": 1.0, "c": 1.0}, rows=rows)
    on.loader.gate("b")
    with structlog.testing.capture_logs() as logs:
        on.host.warm([(row, STANDARD) for row in rows])
        await begun(on, "b")
        on.loader.failures.append(UnusableError("no such file"))
        on.loader.gates["b"].set()
        while not logs:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        (await on.host.lease(rows[0], STANDARD)).release()
    assert {(line["event"], line["error"]) for line in logs} == {("warm_up_failed", "no such file")}
    assert [(model.model_key, model.pinned, model.in_use) for model in on.host.resident()] in (
        [("a", True, 0)],
        [("b", False, 0)],
    )


async def test_unloading_everything_leaves_what_is_in_use() -> None:
    on = shelf({"a": 1.0, "b": 1.0})
    lease = await on.host.lease(A, STANDARD)
    await on.host.load(spec("b"), STANDARD)
    await asyncio.sleep(0)
    assert await on.host.unload() == ["b"]
    lease.release()
    assert await on.host.unload("a") == ["a"]
    assert on.manager.used_gb() == 0
