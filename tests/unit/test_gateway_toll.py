"""Limits and budgets around the gateway's calls, and a run's own limit in USD around its calls."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent_lab.contracts.errors import BrokenOffError, LimitExceededError, RateLimitedError, UnusableError
from agent_lab.contracts.flow import FlowLimits
from agent_lab.contracts.generation import Constraints, GenerationRequest, GenerationResult, Timings, Usage
from agent_lab.contracts.registry import CostProfile, ModelSpec, RateLimits
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.ledger import Ledger
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.toll import Toll
from agent_lab.gateway.turnstile import Turnstile
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from agent_lab.registries.models import ModelRegistry
from agent_lab.runs.budget import Budget
from agent_lab.storage.spending import MemorySpending
from support.runs import STRATEGIES
from support.skipped_time import loop_time, skipping_time

DOLLAR_A_TOKEN = CostProfile(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(1_000_000))
TODAY = date(2026, 1, 2)
ASK = GenerationRequest(prompt="x", model_key="dear", max_tokens=4)


def gateway(provider: Any, toll: Toll, **row: Any) -> ProviderGateway:
    rows = [ModelSpec(key="dear", provider="far", **{"cost_profile": DOLLAR_A_TOKEN, **row})]
    rows.append(ModelSpec(key="other", provider="far"))
    return ProviderGateway(
        models=ModelRegistry(rows),
        strategies=STRATEGIES,
        providers={"far": provider},
        defaults=GatewayDefaults(provider="far"),
        toll=toll,
        clock=loop_time,
    )


def budget(usd: int) -> tuple[Toll, MemorySpending]:
    spending = MemorySpending()
    return Toll(ledger=Ledger(spending, daily_budget_usd=Decimal(usd), today=lambda: TODAY)), spending


# --- the day's budget ---------------------------------------------------------------------------------------------
async def test_a_day_ends_above_its_budget_by_the_call_in_flight_at_the_most() -> None:
    toll, spending = budget(6)
    lab = gateway(ScriptedProvider({"*": "a b c d"}), toll)
    costs = [(await lab.generate(ASK)).usage.cost_usd for _ in range(2)]
    with pytest.raises(LimitExceededError, match=r"Today's budget of \$6.00 is spent \(\$8.00\)"):
        await lab.generate(ASK)
    await lab.close()
    assert costs == [4, 4]
    assert await spending.total(TODAY) == 8


@skipping_time
async def test_calls_side_by_side_count_as_what_they_may_cost() -> None:
    toll, _ = budget(6)
    lab = gateway(ScriptedProvider({"*": "a"}, gate=asyncio.Event()), toll)
    calls = [asyncio.create_task(lab.generate(ASK)) for _ in range(20)]
    await asyncio.sleep(0.02)
    refused = [call for call in calls if call.done()]
    assert len(refused) == 18
    assert all("Today's budget of $6.00 is taken" in str(call.exception()) for call in refused)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_an_answer_that_broke_off_is_booked_with_its_estimate_and_one_that_never_began_with_nothing() -> None:
    toll, spending = budget(100)
    early = ScriptedProvider({"*": "a"}, errors=dict.fromkeys(range(1, 9), BrokenOffError("x")))
    with pytest.raises(BrokenOffError):
        await gateway(early, toll).generate(ASK)
    lab = gateway(ScriptedProvider({"*": ScriptedReply("a b c d")}, gate=None), toll)
    stream = lab.stream(ASK)
    await anext(stream)
    await anext(stream)
    await stream.aclose()
    await lab.close()
    assert await spending.total(TODAY) == 4


async def test_what_broke_off_once_is_not_booked_again_for_tries_that_said_nothing() -> None:
    toll, spending = budget(100)
    cut = ScriptedReply("a", error=BrokenOffError("cut"))
    lab = gateway(ScriptedProvider([cut], errors={2: BrokenOffError("x"), 3: BrokenOffError("x")}), toll)
    with pytest.raises(BrokenOffError):
        async for _ in lab.stream(ASK, on_cut="continue"):
            pass
    await lab.close()
    assert await spending.total(TODAY) == 4


async def test_a_requests_budget_is_over_all_of_its_tries() -> None:
    cut = ScriptedReply("a", error=BrokenOffError("cut"))
    provider = ScriptedProvider([cut, cut, cut, "never reached"])
    lab = gateway(provider, Toll())
    request = ASK.model_copy(update={"constraints": Constraints(cost_budget_usd=Decimal(6))})
    with pytest.raises(LimitExceededError, match=r"What is left of the request's budget \(0 USD\) pays for no answer"):
        async for _ in lab.stream(request):
            pass
    assert [call.max_tokens for call in provider.calls] == [4, 2]


async def test_what_tries_that_broke_off_may_have_cost_is_told_with_the_answer() -> None:
    lab = gateway(ScriptedProvider([ScriptedReply("a", error=BrokenOffError("cut")), "a b"]), Toll())
    result = [piece async for piece in lab.stream(ASK)][-1]
    assert isinstance(result, GenerationResult)
    assert (result.usage.cost_usd, result.usage.lost_usd) == (2, 4)


async def test_a_spent_budget_and_a_limit_of_one_row_send_the_request_to_a_fallback() -> None:
    toll, _ = budget(3)
    free = CostProfile(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))
    rows = [
        ModelSpec(key="dear", provider="far", cost_profile=DOLLAR_A_TOKEN, fallbacks=("free",)),
        ModelSpec(key="free", provider="far", cost_profile=free),
    ]
    lab = ProviderGateway(
        models=ModelRegistry(rows),
        strategies=STRATEGIES,
        providers={"far": ScriptedProvider({"*": "a b c d"})},
        defaults=GatewayDefaults(provider="far"),
        toll=toll,
    )
    keys = [(await lab.generate(ASK)).model_key for _ in range(2)]
    assert keys == ["dear", "free"]
    narrow = Turnstile(providers={}, models={"dear": RateLimits(tokens_per_min=3)})
    lab = gateway(ScriptedProvider({"*": "a"}), Toll(narrow), fallbacks=["other"])
    assert (await lab.generate(ASK)).model_key == "other"


async def test_a_fallbacks_own_limit_does_not_hide_why_the_model_asked_for_failed() -> None:
    narrow = Turnstile(providers={}, models={"other": RateLimits(tokens_per_min=1)})
    provider = ScriptedProvider({"*": "a"}, errors={1: UnusableError("The first is away.")})
    with pytest.raises(UnusableError, match="The first is away"):
        await gateway(provider, Toll(narrow), fallbacks=["other"]).generate(ASK)


async def test_providers_are_closed_and_the_rest_is_booked_whatever_cannot_be_written() -> None:
    class Picky(MemorySpending):
        async def add(self, day: date, model_key: str, usd: Decimal) -> None:
            if model_key == "dear":
                raise ValueError("no sum of money")
            await super().add(day, model_key, usd)

    closed, spending = [], Picky()
    provider = ScriptedProvider({"*": "a"})

    async def close() -> None:
        closed.append(True)

    provider.close = close  # type: ignore[method-assign]
    lab = gateway(provider, Toll(ledger=Ledger(spending, today=lambda: TODAY)))
    await lab.generate(ASK)
    await lab.close()
    assert closed == [True]
    assert await spending.total(TODAY) == 0


async def test_the_most_that_a_request_may_cost_is_that_of_the_dearest_who_may_answer() -> None:
    cheap = CostProfile(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(1))
    rows = [
        ModelSpec(key="cheap", provider="far", cost_profile=cheap, fallbacks=("dear",)),
        ModelSpec(key="dear", provider="far", cost_profile=DOLLAR_A_TOKEN),
        ModelSpec(key="either", split={"cheap": 1, "dear": 1}),
    ]
    lab = ProviderGateway(
        models=ModelRegistry(rows),
        strategies=STRATEGIES,
        providers={"far": ScriptedProvider({"*": "a"})},
        defaults=GatewayDefaults(provider="far"),
    )
    assert lab.worst_case_usd(ASK.model_copy(update={"model_key": "cheap"})) == 4
    split = ASK.model_copy(update={"model_key": "either"})
    for run in ("r1", "r2", "r3", "r4", "r5"):
        taken = lab.resolve_model(split, sticky=run).key
        assert lab.worst_case_usd(split, sticky=run) == 4, taken


# --- limits -------------------------------------------------------------------------------------------------------
@skipping_time
async def test_a_call_waits_for_its_place_and_says_how_long_it_stood_in_the_queue() -> None:
    gate = asyncio.Event()
    turnstile = Turnstile(providers={"far": RateLimits(concurrent=1)}, models={}, clock=loop_time)
    provider = ScriptedProvider({"*": "a"}, gate=gate)
    lab = gateway(provider, Toll(turnstile))
    calls = [asyncio.create_task(lab.generate(ASK)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert len(provider.calls) == 1
    gate.set()
    waits = [result.timings.queue_s for result in await asyncio.gather(*calls)]
    assert waits == pytest.approx([0.0, 0.05, 0.05])


@skipping_time
async def test_a_full_queue_is_no_sickness_of_the_model_and_sends_the_request_to_its_fallback() -> None:
    gate = asyncio.Event()
    turnstile = Turnstile(providers={}, models={"dear": RateLimits(concurrent=1, queue=0)}, clock=loop_time)
    provider = ScriptedProvider({"*": "a"}, gate=gate)
    lab = gateway(provider, Toll(turnstile), fallbacks=["other"])
    calls = [asyncio.create_task(lab.generate(ASK)) for _ in range(6)]
    await asyncio.sleep(0.02)
    gate.set()
    results = await asyncio.gather(*calls)
    assert sorted(result.model_key for result in results) == ["dear"] + ["other"] * 5
    assert lab.breakers() == {"dear": "closed", "other": "closed"}
    assert [one.outcome for one in results[-1].attempts] == ["held-back", "ok"]


async def test_a_place_is_given_back_whatever_becomes_of_the_call() -> None:
    turnstile = Turnstile(providers={"far": RateLimits(concurrent=1, queue=0)}, models={})
    provider = ScriptedProvider({"*": "a"}, errors={1: LimitExceededError("x")})
    lab = gateway(provider, Toll(turnstile))
    with pytest.raises(LimitExceededError):
        await lab.generate(ASK)
    assert (await lab.generate(ASK)).text == "a"


@skipping_time
async def test_tokens_are_settled_on_what_was_used() -> None:
    turnstile = Turnstile(providers={"far": RateLimits(tokens_per_min=20, queue=0)}, models={}, clock=loop_time)
    lab = gateway(ScriptedProvider({"*": ScriptedReply("a", prompt_tokens=1)}), Toll(turnstile))
    for _ in range(8):  # 5 are reserved for each and 2 used
        await lab.generate(ASK)
    hurried = ASK.model_copy(update={"constraints": Constraints(latency_budget_s=1)})
    with pytest.raises(RateLimitedError) as caught:
        await lab.generate(hurried)
    assert caught.value.retry_after_s == pytest.approx(3)  # one token is missing, of 20 a minute


# --- a run's own limit --------------------------------------------------------------------------------------------
def answered(usd: str) -> GenerationResult:
    return GenerationResult(
        text="",
        tokens_generated=1,
        timings=Timings(),
        usage=Usage(cost_usd=Decimal(usd)),
        source="far",
        cache_hit=True,
        model_key="dear",
        model_resolved="dear",
        strategy="standard",
        finish_reason="stop",
    )


async def test_parallel_calls_of_a_run_wait_for_each_other_rather_than_pass_its_limit_together() -> None:
    spending, at_once, most = Budget(FlowLimits(max_cost_usd=1.0, max_parallel=64)), 0, 0

    async def call() -> None:
        nonlocal at_once, most
        async with spending.calling(Decimal("0.4")):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.01)
            spending.add(answered("0.3"))
            at_once -= 1

    outcomes = await asyncio.gather(*(call() for _ in range(8)), return_exceptions=True)
    assert most == 2
    assert sum(outcome is None for outcome in outcomes) == 4  # 0.3 each: the fourth begins at 0.9 and ends at 1.2
    assert all(isinstance(outcome, LimitExceededError) for outcome in outcomes if outcome is not None)


async def test_a_cancelled_call_of_a_run_holds_nothing_any_more() -> None:
    spending = Budget(FlowLimits(max_cost_usd=1.0, max_parallel=64))

    async def call() -> None:
        async with spending.calling(Decimal("0.9")):
            await asyncio.sleep(60)

    first, second = asyncio.create_task(call()), asyncio.create_task(call())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        async with spending.calling(Decimal("0.9")):
            pass
