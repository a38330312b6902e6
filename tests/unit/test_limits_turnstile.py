"""The turnstile under hundreds of callers who come, wait, go away and are cancelled."""

from __future__ import annotations

import asyncio
import random

import pytest

from agent_lab.contracts.errors import LimitExceededError, RateLimitedError
from agent_lab.contracts.registry import RateLimits
from agent_lab.gateway.turnstile import Turnstile
from support.skipped_time import loop_time, skipping_time


def turnstile(provider: RateLimits | None = None, **models: RateLimits) -> Turnstile:
    return Turnstile(providers={} if provider is None else {"p": provider}, models=models, clock=loop_time)


@skipping_time
async def test_rows_without_limits_let_everyone_through_at_once() -> None:
    free = turnstile(limited=RateLimits(concurrent=1))
    async with free.pass_("p", "m", tokens=10**9, deadline_s=0) as hold, free.pass_("p", "m", tokens=1, deadline_s=0):
        hold.settle(5)
    assert free.waiting() == {}


@skipping_time
async def test_two_hundred_callers_go_through_in_the_order_in_which_they_came() -> None:
    gate = turnstile(m=RateLimits(concurrent=3, queue=200))
    inside, most, order = 0, 0, []

    async def call(number: int) -> None:
        nonlocal inside, most
        async with gate.pass_("p", "m", tokens=1, deadline_s=30):
            order.append(number)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(call(number) for number in range(200)))
    assert order == list(range(200))
    assert most == 3
    assert gate.waiting() == {"p": 0}


async def drain(gate: Turnstile) -> None:
    """Take all that there is, what flows in meanwhile too."""
    while True:
        async with gate.pass_("p", "m", tokens=0, deadline_s=0):
            pass


@skipping_time
async def test_a_bucket_is_waited_for_by_the_clock() -> None:
    gate = turnstile(m=RateLimits(requests_per_min=600))
    with pytest.raises(RateLimitedError):
        await drain(gate)
    began = loop_time()
    for _ in range(4):
        async with gate.pass_("p", "m", tokens=0, deadline_s=5):
            pass
    assert loop_time() - began == pytest.approx(0.4)


@skipping_time
async def test_tokens_that_were_not_used_let_the_next_caller_in() -> None:
    gate = turnstile(m=RateLimits(tokens_per_min=100))
    async with gate.pass_("p", "m", tokens=100, deadline_s=0) as hold:
        hold.settle(40)
    async with gate.pass_("p", "m", tokens=60, deadline_s=0):
        with pytest.raises(RateLimitedError, match="no room for this call in time") as caught:
            await gate.pass_("p", "m", tokens=50, deadline_s=0.01).__aenter__()
    assert caught.value.retry_after_s == pytest.approx(30, abs=1)


@skipping_time
async def test_a_failed_call_frees_its_place_and_its_tokens() -> None:
    gate = turnstile(RateLimits(concurrent=1, tokens_per_min=100))
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            async with gate.pass_("p", "m", tokens=100, deadline_s=0):
                raise ZeroDivisionError


@skipping_time
async def test_a_call_larger_than_the_limit_is_refused_at_once() -> None:
    gate = turnstile(m=RateLimits(tokens_per_min=100))
    with pytest.raises(LimitExceededError, match="takes 100 a minute"):
        async with gate.pass_("p", "m", tokens=101, deadline_s=60):
            pass


@skipping_time
async def test_one_more_than_may_wait_is_refused_at_once_and_those_who_wait_are_served() -> None:
    gate = turnstile(m=RateLimits(concurrent=1, queue=2))
    async with gate.pass_("p", "m", tokens=1, deadline_s=0):
        waiting = [asyncio.create_task(_go(gate, "m")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimitedError, match="'m' has 2 callers waiting already") as caught:
            await _go(gate, "m")
        assert caught.value.retry_after_s == pytest.approx(1.0)
    await asyncio.wait_for(asyncio.gather(*waiting), 5)


@skipping_time
async def test_everyone_who_waits_in_vain_is_told_at_their_own_deadline() -> None:
    gate = turnstile(m=RateLimits(concurrent=1, queue=300))

    async def impatient(deadline_s: float) -> float:
        began = loop_time()
        with pytest.raises(RateLimitedError):
            await _go(gate, "m", deadline_s)
        return loop_time() - began - deadline_s

    async with gate.pass_("p", "m", tokens=1, deadline_s=0):
        late_s = await asyncio.gather(*(impatient(0.02 + 0.001 * number) for number in range(200)))
    assert late_s == pytest.approx([0.0] * 200)
    assert gate.waiting() == {"p": 0}
    await _go(gate, "m", 0)


@skipping_time
async def test_an_exhausted_model_does_not_stand_in_the_way_of_another() -> None:
    gate = turnstile(RateLimits(requests_per_min=1000), tired=RateLimits(concurrent=1))
    async with gate.pass_("p", "tired", tokens=1, deadline_s=0):
        waits = asyncio.create_task(_go(gate, "tired", 10))
        await asyncio.sleep(0)
        await asyncio.gather(*(_go(gate, "fresh", 0) for _ in range(100)))
        assert not waits.done()
    await waits


@skipping_time
async def test_a_caller_who_is_cancelled_as_its_turn_comes_passes_it_on() -> None:
    gate = turnstile(m=RateLimits(concurrent=1, requests_per_min=3))
    async with gate.pass_("p", "m", tokens=1, deadline_s=0):
        first = asyncio.create_task(_go(gate, "m", 10))
        second = asyncio.create_task(_go(gate, "m", 10))
        await asyncio.sleep(0)
    first.cancel()  # it has its turn, and has not heard of it
    await asyncio.wait_for(second, 5)
    with pytest.raises(asyncio.CancelledError):
        await first
    await _go(gate, "m", 0)  # the cancelled call was never made, so it counts for nothing


@skipping_time
async def test_the_first_in_line_who_goes_away_lets_a_smaller_call_through() -> None:
    gate = turnstile(RateLimits(tokens_per_min=100))
    async with gate.pass_("p", "m", tokens=50, deadline_s=0):
        large = asyncio.create_task(_go(gate, "m", 10, tokens=100))
        await asyncio.sleep(0)
        small = asyncio.create_task(_go(gate, "m", 10, tokens=10))
        await asyncio.sleep(0)
        assert not small.done()
        large.cancel()
        await asyncio.wait_for(small, 1)
    with pytest.raises(asyncio.CancelledError):
        await large


@skipping_time
async def test_in_a_crowd_that_is_cancelled_at_random_no_turn_is_lost() -> None:
    chance = random.Random(3)
    gate = turnstile(
        RateLimits(concurrent=5, requests_per_min=100_000, tokens_per_min=600_000, queue=500),
        a=RateLimits(concurrent=2, queue=500),
        b=RateLimits(tokens_per_min=300_000, queue=500),
    )
    done = cancelled = refused = 0

    async def call(number: int) -> None:
        nonlocal done, cancelled, refused
        try:
            key = chance.choice("abc")
            tokens = chance.randrange(2000)
            async with gate.pass_("p", key, tokens=tokens, deadline_s=chance.choice([0.01, 20])) as hold:
                await asyncio.sleep(chance.random() * 0.004)
                hold.settle(tokens // 3)
            done += 1
        except asyncio.CancelledError:
            cancelled += 1
        except RateLimitedError:
            refused += 1

    tasks = [asyncio.create_task(call(number)) for number in range(200)]
    for task in chance.sample(tasks, 60):
        await asyncio.sleep(0.0005)
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    assert done + cancelled + refused == 200
    assert done > 50
    assert gate.waiting() == {"p": 0}
    await asyncio.gather(*(_go(gate, "a", 1) for _ in range(20)))  # nothing is left held


async def _go(gate: Turnstile, key: str, deadline_s: float = 5, tokens: int = 1) -> None:
    async with gate.pass_("p", key, tokens=tokens, deadline_s=deadline_s):
        await asyncio.sleep(0)
