"""Retries and breakers: pure policies, and the one loop that obeys them."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent_lab.contracts.errors import (
    BrokenOffError,
    BusyError,
    ModelCorruptError,
    RateLimitedError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.generation import AnswerBegun, GenerationRequest
from agent_lab.gateway.attempt import Breakers
from agent_lab.gateway.breaker import BreakerRules, CircuitBreaker
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.retry import RetryPolicy
from agent_lab.providers.scripted import ScriptedProvider
from support.runs import MODELS, STRATEGIES
from support.skipped_time import skipping_time

REQUEST = GenerationRequest(prompt="Why?", model_key="voice")
BUSY, SICK = BusyError("It is busy; later."), UnusableError("It is sick; take another.")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def gateway(provider: Any, time: Time, **more: Any) -> ProviderGateway:
    return ProviderGateway(
        models=MODELS,
        strategies=STRATEGIES,
        providers={"scripted": provider},
        defaults=GatewayDefaults(provider="scripted"),
        clock=time,
        sleep=time.sleep,
        jitter=lambda: 1.0,
        **more,
    )


# --- the retry policy ---------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.floats(0, 1), st.none() | st.floats(0, 100), st.floats(0, 1000))
def test_a_wait_is_bounded_in_tries_and_in_seconds(
    attempt: int, jitter: float, asked_s: float | None, left_s: float
) -> None:
    policy = RetryPolicy()
    wait_s = policy.wait_s(attempt, BusyError("x", retry_after_s=asked_s), jitter, left_s=left_s)
    if wait_s is not None:
        assert attempt < policy.attempts
        jittered_s = policy.first_wait_s * 2.0 ** (attempt - 1)
        assert (asked_s or 0) <= policy.longest_wait_s
        assert (asked_s or 0) <= wait_s <= (asked_s or 0) + jittered_s
        assert wait_s < left_s


@given(st.integers(1, 20), st.floats(0, 1))
def test_only_a_busy_provider_or_a_broken_connection_is_asked_again(attempt: int, jitter: float) -> None:
    assert RetryPolicy().wait_s(attempt, SICK, jitter, left_s=100) is None
    waited = RetryPolicy().wait_s(attempt, BrokenOffError("x"), jitter, left_s=100)
    assert (waited is not None) == (attempt < RetryPolicy().attempts)


def test_a_long_wait_is_not_begun_where_another_model_can_be_asked() -> None:
    busy = BusyError("x", retry_after_s=12.0)
    assert RetryPolicy().wait_s(1, busy, 0.5, left_s=100) == 12.25
    assert RetryPolicy().wait_s(1, busy, 0.5, left_s=100, elsewhere=True) is None


# --- the breaker --------------------------------------------------------------------------------------------------


def admission(breaker: CircuitBreaker, now: float) -> bool | BusyError:
    try:
        return breaker.admit(now)
    except BusyError as error:
        return error


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin and end in any order while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(BreakerRules(max_failures=3, timeout_s=10), "m")
        self.now = 0.0
        self.open_calls: list[bool] = []
        self.row = 0

    def state(self) -> str:
        """A cool-down beside: it neither opens nor closes."""
        state = self.breaker.state(self.now)
        return "closed" if state == "cooling" else state

    @rule(seconds=st.floats(0, 15))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        state = self.state()
        admitted = admission(self.breaker, self.now)
        if isinstance(admitted, BusyError):
            assert state != "closed" or self.now < self.breaker.cool_until
            assert admitted.retry_after_s
        else:
            assert state != "open"
            assert admitted == (state == "half-open")
            self.open_calls.append(admitted)

    @precondition(lambda self: self.open_calls)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        probe = self.open_calls.pop(data.draw(st.integers(0, len(self.open_calls) - 1)))
        before = self.state()
        how = data.draw(st.sampled_from(["ok", "sick", "cancelled", "cooled"]))
        if how == "ok":
            self.breaker.succeeded(probe=probe)
            if probe or before == "closed":
                assert self.state() == "closed"
                self.row = 0
        elif how == "sick":
            opened = self.breaker.failed(SICK, self.now, probe=probe)
            self.row += before == "closed"
            assert opened == (probe or (before == "closed" and self.row >= 3))
        elif how == "cooled":
            assert not self.breaker.failed(BusyError("x", retry_after_s=2.0), self.now, probe=probe)
        else:
            self.breaker.abandoned(probe=probe)
        if not probe and before != "closed":
            assert self.state() == before  # who began before the breaker opened decides nothing

    @invariant()
    def at_most_one_probe_is_on_its_way(self) -> None:
        assert sum(self.open_calls) <= 1
        assert self.breaker.probing == any(self.open_calls)


TestBreaker = BreakerMachine.TestCase


def test_a_429_cools_down_for_longer_each_time_and_never_opens() -> None:
    breaker, waits, now = CircuitBreaker(BreakerRules(max_failures=2, timeout_s=10), "m"), [], 0.0
    for _ in range(7):
        breaker.admit(now)
        assert not breaker.failed(RateLimitedError("x"), now, probe=False)
        waits.append(breaker.cooling_s(now))
        now += waits[-1]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert breaker.state(now) == "closed"
    breaker.succeeded(probe=breaker.admit(now))
    breaker.failed(RateLimitedError("x"), now, probe=False)
    assert breaker.cooling_s(now) == 0.5


@skipping_time
async def test_half_open_lets_exactly_one_of_a_hundred_callers_through() -> None:
    time, gate = Time(), asyncio.Event()
    provider = ScriptedProvider({"*": "well again"}, errors={1: SICK, 2: SICK, 3: SICK}, gate=gate)
    lab = gateway(provider, time, breaker=BreakerRules(max_failures=3, timeout_s=60), retry=RetryPolicy(attempts=1))
    for _ in range(3):
        with pytest.raises(UnusableError):
            await lab.generate(REQUEST)
    with pytest.raises(BusyError, match="failed 3 times in a row"):
        await lab.generate(REQUEST)
    assert lab.breakers() == {"voice": "open"}
    time.now += 61
    assert lab.breakers() == {"voice": "half-open"}
    callers = [asyncio.create_task(lab.generate(REQUEST)) for _ in range(100)]
    await asyncio.sleep(0.05)
    assert len(provider.calls) == 4  # three failures and one probe
    gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert lab.breakers() == {"voice": "closed"}


@pytest.mark.parametrize(("is_one", "state"), [(True, "closed"), (False, "open")])
async def test_one_fault_that_ends_many_calls_is_one_failure_of_their_model(is_one: bool, state: str) -> None:
    breakers, gate = Breakers(BreakerRules(max_failures=3), Time()), asyncio.Event()
    died = BrokenOffError("The worker process was killed; ask again.")

    async def call() -> None:
        async with breakers.settling(MODELS.get_model("voice")):
            await gate.wait()
            raise died if is_one else BrokenOffError("The connection broke; ask again.")

    calls = [asyncio.create_task(call()) for _ in range(8)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert breakers.states() == {"voice": state}


async def test_the_same_error_from_one_call_after_another_is_a_failure_each_time() -> None:
    breakers = Breakers(BreakerRules(max_failures=3), Time())
    for _ in range(3):
        with suppress(UnusableError):
            async with breakers.settling(MODELS.get_model("voice")):
                raise SICK
    assert breakers.states() == {"voice": "open"}


async def test_a_sick_model_does_not_shut_out_its_neighbour() -> None:
    time = Time()
    provider = ScriptedProvider({"*": "fine"}, errors={1: SICK, 2: SICK, 3: SICK})
    lab = gateway(provider, time)
    for _ in range(3):
        with pytest.raises(UnusableError):
            await lab.generate(REQUEST)
    neighbour = await lab.generate(REQUEST.model_copy(update={"model_key": "other"}))
    assert neighbour.text == "fine"


@pytest.mark.parametrize("error", [ValidationError("Mend it."), ModelCorruptError("Damaged; put it right.")])
async def test_what_is_not_the_models_sickness_opens_nothing(error: Exception) -> None:
    lab = gateway(ScriptedProvider({"*": "x"}, errors=dict.fromkeys(range(1, 6), error)), Time())
    for _ in range(5):
        with pytest.raises(type(error)):
            await lab.generate(REQUEST)
    assert lab.breakers() == {"voice": "closed"}


async def test_a_cancelled_caller_does_not_count() -> None:
    lab = gateway(ScriptedProvider({"*": "x"}, gate=asyncio.Event()), Time())
    for _ in range(5):
        task = asyncio.create_task(lab.generate(REQUEST))
        await asyncio.sleep(0.005)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert lab.breakers() == {"voice": "closed"}


# --- the loop -----------------------------------------------------------------------------------------------------


async def test_a_busy_provider_is_asked_again_and_every_try_is_told() -> None:
    time = Time()
    provider = ScriptedProvider({"*": "at last"}, errors={1: BUSY, 2: BusyError("x", retry_after_s=7.0)})
    result = await gateway(provider, time).generate(REQUEST)
    assert result.text == "at last"
    assert [attempt.outcome for attempt in result.attempts] == ["busy", "busy", "ok"]
    assert time.slept == [0.5, 8.0]


async def test_a_provider_that_stays_busy_is_given_up() -> None:
    time = Time()
    provider = ScriptedProvider({"*": "x"}, errors=dict.fromkeys(range(1, 9), BUSY))
    with pytest.raises(BusyError):
        await gateway(provider, time).generate(REQUEST)
    assert len(provider.calls) == 3


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    time = Time()
    provider = ScriptedProvider({"*": "x"}, errors={1: BusyError("x", retry_after_s=15.0)})
    request = REQUEST.model_copy(update={"constraints": REQUEST.constraints.model_copy(update={"latency_budget_s": 9})})
    with pytest.raises(BusyError):
        await gateway(provider, time).generate(request)
    assert time.slept == []


async def test_leaving_a_stream_reaches_the_provider_through_the_loop() -> None:
    provider = ScriptedProvider({"*": "one two three"}, gate=None)
    stream = gateway(provider, Time()).stream(REQUEST)
    assert isinstance(await anext(stream), AnswerBegun)
    assert provider.open_streams == 1
    await stream.aclose()
    assert provider.open_streams == 0
