"""Whose fault it was: what a breaker hears of a deadline, of slow readers, of cool-downs, and who waits for whom."""

import asyncio
from typing import Any

import pytest

from agent_lab.contracts.errors import BusyError, RateLimitedError, UnusableError
from agent_lab.contracts.generation import GenerationRequest, Message, TextDelta
from agent_lab.contracts.registry import ModelSpec, StrategyLimits, StrategySpec
from agent_lab.gateway.breaker import LONGEST_COOL_DOWN_S, BreakerRules, CircuitBreaker
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults, Situation
from agent_lab.gateway.resolution import choose
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry
from support.skipped_time import loop_time, skipping_time
from unit.test_gateway_relay import WHOLE, Stage

ASK = GenerationRequest(prompt="Count.", model_key="first")


def lab(provider: Any, *, timeout_s: float = 60.0, max_failures: int = 1, **more: Any) -> ProviderGateway:
    rows = [
        ModelSpec(key="first", provider="stage", fallbacks=("second",)),
        ModelSpec(key="second", provider="stage"),
    ]
    strategy = StrategySpec(name="standard", description="x", limits=StrategyLimits(timeout_s=timeout_s))
    return ProviderGateway(
        models=ModelRegistry(rows),
        strategies=StrategyRegistry([strategy]),
        providers={"stage": provider},
        defaults=GatewayDefaults(provider="stage"),
        breaker=BreakerRules(max_failures=max_failures, timeout_s=60),
        **{"clock": loop_time, **more},
    )


@skipping_time
async def test_a_fallback_that_got_the_last_moment_of_a_request_is_not_to_blame() -> None:
    stage = Stage(first=[[0.18, UnusableError("x")]], second=[[5.0, *WHOLE]])
    gateway = lab(stage, timeout_s=0.2)
    with pytest.raises(BusyError, match="did not end its answer"):
        await gateway.generate(ASK)
    assert gateway.breakers() == {"first": "open", "second": "closed"}


@skipping_time
async def test_a_model_that_had_the_whole_time_is() -> None:
    gateway = lab(Stage(first=[[5.0]], second=[[5.0]]), timeout_s=0.1)
    with pytest.raises(BusyError):
        await gateway.generate(ASK.model_copy(update={"model_key": "second"}))
    assert gateway.breakers() == {"second": "open"}


async def read_slowly(gateway: ProviderGateway, seconds: float) -> None:
    async for piece in gateway.stream(ASK):
        if isinstance(piece, TextDelta):
            await asyncio.sleep(seconds)


@skipping_time
async def test_the_time_that_a_reader_takes_is_not_the_models() -> None:
    gateway = lab(Stage(first=[["one ", 0.05, "two"]], second=[WHOLE]), timeout_s=0.15)
    with pytest.raises(BusyError):
        await read_slowly(gateway, 0.2)
    assert gateway.breakers() == {"first": "closed"}
    quick = lab(Stage(first=[WHOLE], second=[WHOLE]))
    for _ in range(5):
        await read_slowly(quick, 0.02)
    assert quick._latencies.p50_s("first") == 0.0


def test_a_provider_may_not_shut_a_model_out_for_years() -> None:
    breaker = CircuitBreaker(BreakerRules(), "m")
    breaker.failed(RateLimitedError("x", retry_after_s=999_999_999), 0.0, probe=breaker.admit(0.0))
    assert breaker.state(1.0) == "cooling"
    assert breaker.left_alone_s(0.0) == LONGEST_COOL_DOWN_S
    assert breaker.state(LONGEST_COOL_DOWN_S + 1) == "closed"


@skipping_time
async def test_callers_without_a_fallback_wait_for_what_comes_of_anothers_probe() -> None:
    gate = asyncio.Event()
    provider = ScriptedProvider({"*": "well again"}, errors={1: UnusableError("x")})
    now = [0.0]
    request = ASK.model_copy(update={"model_key": "second"})

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.005)

    gateway = lab(provider, clock=lambda: now[0], sleep=sleep)
    with pytest.raises(UnusableError):
        await gateway.generate(request)
    now[0] = 61.0
    provider._gate = gate
    callers = [asyncio.create_task(gateway.generate(request)) for _ in range(20)]
    await asyncio.sleep(0.1)  # twenty times as long as each of them waits between two looks
    assert len(provider.calls) == 2
    assert not any(caller.done() for caller in callers)
    gate.set()
    assert {result.text for result in await asyncio.gather(*callers)} == {"well again"}


def test_the_turns_of_a_conversation_stay_on_one_side_of_a_split() -> None:
    models = ModelRegistry(
        [
            ModelSpec(key="a", provider="p"),
            ModelSpec(key="b", provider="p"),
            ModelSpec(key="ab", split={"a": 1, "b": 1}),
        ]
    )
    here = Situation(defaults=GatewayDefaults(provider="p"), providers={"p"})
    sides = set()
    for number in range(20):
        begun = Message(role="user", content=f"Question {number}")
        more = (begun, Message(role="assistant", content="Yes."), Message(role="user", content="And?"))
        first = GenerationRequest(prompt=begun.content, model_key="ab")
        later = GenerationRequest.model_validate({"prompt": "Go on.", "model_key": "ab", "context": {"history": more}})
        picture = GenerationRequest.model_validate({"prompt": "", "model_key": "ab", "context": {"history": more}})
        keys = {choose(request, models, here).model.key for request in (first, later, picture)}
        assert len(keys) == 1
        sides |= keys
    assert sides == {"a", "b"}


async def test_what_is_asked_for_reaches_the_model_and_a_cut_by_the_default_is_told() -> None:
    provider = ScriptedProvider({"*": "word " * 3000})
    gateway = lab(provider)
    asked = await gateway.generate(ASK.model_copy(update={"max_tokens": 8000}))
    unasked = await gateway.generate(ASK)
    assert [call.max_tokens for call in provider.calls] == [8000, 1024]
    assert asked.notes == ()
    assert unasked.notes == ("The answer was cut at 1024 tokens; ask for more with max_tokens.",)
