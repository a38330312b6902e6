"""The watchdog bounds waits as asyncio.timeout does: its own cancellation never leaks, another's is never swallowed."""

import asyncio

import pytest

from agent_lab.gateway.watchdog import OverdueError, Watchdog
from support.skipped_time import loop_time, skipping_time


@skipping_time
async def test_a_wait_within_its_bound_gives_its_result() -> None:
    dog = Watchdog()
    for number in range(100):
        assert await dog.wait(asyncio.sleep(0, number), 0.5) == number
    dog.close()


@skipping_time
async def test_a_wait_that_takes_too_long_is_cancelled_and_the_task_lives_on() -> None:
    dog, was_cancelled = Watchdog(), False

    async def forever() -> None:
        nonlocal was_cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled = True
            raise

    with pytest.raises(OverdueError):
        await dog.wait(forever(), 0.02)
    task = asyncio.current_task()
    assert task is not None
    assert was_cancelled
    assert task.cancelling() == 0
    assert await dog.wait(asyncio.sleep(0.01, "next"), 1.0) == "next"
    dog.close()


@skipping_time
async def test_a_long_bound_that_came_first_does_not_make_a_short_one_late() -> None:
    dog = Watchdog()
    await dog.wait(asyncio.sleep(0), 60.0)
    began = loop_time()
    with pytest.raises(OverdueError):
        await dog.wait(asyncio.sleep(30), 0.03)
    assert loop_time() - began == pytest.approx(0.03)
    dog.close()


@skipping_time
async def test_a_short_bound_that_came_first_does_not_cut_a_long_one() -> None:
    dog = Watchdog()
    await dog.wait(asyncio.sleep(0), 0.02)
    assert await dog.wait(asyncio.sleep(0.06, "whole"), 1.0) == "whole"
    dog.close()


@skipping_time
async def test_time_between_waits_does_not_count() -> None:
    dog = Watchdog()
    await dog.wait(asyncio.sleep(0), 0.02)
    await asyncio.sleep(0.05)
    assert await dog.wait(asyncio.sleep(0.001, "on"), 0.02) == "on"
    dog.close()


@skipping_time
async def test_a_cancellation_from_outside_goes_through() -> None:
    dog = Watchdog()

    async def work() -> None:
        await dog.wait(asyncio.sleep(30), 10.0)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    dog.close()


@skipping_time
async def test_both_at_once_is_a_cancellation() -> None:
    dog = Watchdog()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            task.cancel()  # somebody else, while the watchdog's own is on its way
            raise

    async def work() -> None:
        await dog.wait(stubborn(), 0.01)

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    dog.close()


@skipping_time
async def test_a_time_out_of_the_work_itself_is_its_own() -> None:
    dog = Watchdog()

    async def late() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await dog.wait(late(), 1.0)
    dog.close()
