"""The gateway: what an answer carries and costs, and what happens on leaving or running late."""

import asyncio
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import (
    BrokenOffError,
    BusyError,
    LimitExceededError,
    NotFoundError,
    TooLargeError,
)
from agent_lab.contracts.generation import AnswerBegun, Context, GenerationRequest, GenerationResult, Message, TextDelta
from agent_lab.contracts.ports import ModelAnswer, Provider
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategyLimits, StrategySpec
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.pricing import affordable_tokens, cost_usd
from agent_lab.gateway.text import CleanStream, clean
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry, load_strategies
from support.skipped_time import loop_time, skipping_time

NOWHERE = Path("no such folder")
PRICE = CostProfile(input_usd_per_mtok=Decimal(3), output_usd_per_mtok=Decimal(15))


def spec(key: str = "s", **more: Any) -> ModelSpec:
    row = {"name": key, "family": "s", "provider": "scripted", "model_id": "scripted:echo", "context_window": 4096}
    return ModelSpec.model_validate({"key": key, **row, **more})


def gateway(
    provider: Provider | None = None, *specs: ModelSpec, defaults: GatewayDefaults | None = None, **limits: float
) -> ProviderGateway:
    rows = load_strategies(NOWHERE).list_strategies()
    rows.append(StrategySpec(name="tight", description="x", limits=StrategyLimits.model_validate(limits)))
    return ProviderGateway(
        models=ModelRegistry(specs or (spec(),)),
        strategies=StrategyRegistry(rows),
        providers={"scripted": provider or ScriptedProvider()},
        defaults=defaults or GatewayDefaults(provider="scripted"),
        clock=loop_time,
    )


def ask(prompt: str = "one two three", **more: Any) -> GenerationRequest:
    return GenerationRequest.model_validate({"prompt": prompt, **more})


# --- strategy, sampling, tokens -----------------------------------------------------------------------------------
async def test_the_requests_sampling_is_stronger_than_the_strategys() -> None:
    provider = ScriptedProvider()
    await gateway(provider).generate(ask(strategy="greedy"))
    await gateway(provider).generate(ask(strategy="greedy", temperature=0.5, top_p=0.9))
    sampled = [(call.sampling.temperature, call.sampling.top_p, call.sampling.top_k) for call in provider.calls]
    assert sampled == [(0.0, 1.0, 0), (0.5, 0.9, 0)]


def test_the_strategy_is_the_requests_else_the_settings_else_the_models() -> None:
    plain = gateway()
    row = spec(default_strategy="streaming")
    assert plain.select_strategy(ask(strategy="greedy"), row).name == "greedy"
    assert plain.select_strategy(ask(), row).name == "streaming"
    set_one = gateway(defaults=GatewayDefaults(provider="scripted", strategy="optimized"))
    assert set_one.select_strategy(ask(), row).name == "optimized"
    with pytest.raises(NotFoundError, match="did you mean 'standard'"):
        plain.select_strategy(ask(strategy="standrad"), row)


async def test_the_answers_length_is_the_smallest_bound_and_a_shorter_one_than_asked_is_noted() -> None:
    provider = ScriptedProvider()
    one = gateway(provider, defaults=GatewayDefaults(provider="scripted", max_tokens=700), max_tokens=300)
    await one.generate(ask())
    await one.generate(ask(constraints={"max_tokens": 50}))
    result = await one.generate(ask(strategy="tight", max_tokens=600))
    assert [call.max_tokens for call in provider.calls] == [700, 50, 300]
    assert result.notes == ("The answer may have 300 tokens, not 600, because of the strategy 'tight'.",)


# --- the answer ---------------------------------------------------------------------------------------------------
async def test_a_result_carries_all_that_is_known() -> None:
    provider = ScriptedProvider([ScriptedReply("a b c", load_s=2.0, cache_hit=False, prompt_tokens=1000)])
    result = await gateway(provider, spec("dear", cost_profile=PRICE)).generate(ask())
    assert (result.text, result.finish_reason, result.tokens_generated) == ("a b c", "stop", 3)
    assert result.usage.cost_usd == Decimal("0.003045")
    assert (result.source, result.model_key, result.model_resolved) == ("scripted", "dear", "scripted:echo")
    assert (result.strategy, result.cache_hit, result.timings.load_s) == ("standard", False, 2.0)
    assert result.timings.first_token_s is not None
    assert 0 <= result.timings.first_token_s <= result.timings.total_s
    assert [(one.provider, one.outcome) for one in result.attempts] == [("scripted", "ok")]


async def test_an_unknown_price_is_none_and_an_unchecked_budget_is_noted() -> None:
    result = await gateway().generate(ask(constraints={"cost_budget_usd": 1}))
    assert result.usage.cost_usd is None
    assert result.notes == ("The price of 's' is not known, so the cost budget was not checked.",)


async def test_a_price_of_nothing_is_zero_and_not_unknown() -> None:
    free = CostProfile(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))
    result = await gateway(None, spec(cost_profile=free)).generate(ask())
    assert result.usage.cost_usd == Decimal(0)
    assert result.usage.cost_usd is not None


async def test_a_declined_question_passes_through() -> None:
    result = await gateway(None, spec(model_id="scripted:decline")).generate(ask())
    assert result.finish_reason == "declined"
    assert "name another one" in result.text


async def test_streamed_pieces_add_up_to_the_result() -> None:
    async with aclosing(gateway().stream(ask("alpha beta gamma"))) as stream:
        *deltas, result = [piece async for piece in stream]
    assert isinstance(result, GenerationResult)
    assert deltas[0] == AnswerBegun("s", "scripted:echo", "scripted")
    assert len(deltas) == 4
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == result.text


@skipping_time
async def test_a_slow_provider_is_cut_off_at_the_strategys_deadline() -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    with pytest.raises(BusyError, match=r"within the 0.05 s of the strategy 'tight'; try again"):
        await gateway(provider, timeout_s=0.05).generate(ask(strategy="tight"))
    assert provider.open_streams == 0


@skipping_time
async def test_the_requests_own_deadline_is_a_limit_of_the_request() -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    with pytest.raises(LimitExceededError, match=r"within the request's 0.05 s"):
        await gateway(provider).generate(ask(constraints={"latency_budget_s": 0.05}))


@skipping_time
async def test_a_cancelled_reader_closes_the_providers_stream() -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    reading = asyncio.create_task(gateway(provider).generate(ask()))
    await asyncio.sleep(0.02)
    assert provider.open_streams == 1
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert provider.open_streams == 0


async def test_closing_the_stream_reaches_the_provider() -> None:
    provider = ScriptedProvider()
    stream = gateway(provider).stream(ask())
    await anext(stream)
    assert provider.open_streams == 1
    await stream.aclose()
    assert provider.open_streams == 0


async def test_a_providers_error_comes_through_as_it_is() -> None:
    provider = ScriptedProvider(errors={1: BusyError("later", retry_after_s=70)})
    with pytest.raises(BusyError) as caught:
        await gateway(provider).generate(ask())
    assert caught.value.retry_after_s == 70
    assert provider.open_streams == 0


class Silent:
    """A provider that ends without an answer."""

    async def stream(self, call: object) -> Any:
        yield TextDelta(text="half an ans")

    async def close(self) -> None: ...


async def test_a_stream_that_ends_silently_is_an_error_and_not_an_answer() -> None:
    with pytest.raises(BrokenOffError, match="broke off its answer"):
        await gateway(Silent()).generate(ask())


class Dirty:
    """A provider whose pieces hold what no file and no database takes."""

    async def stream(self, call: object) -> Any:
        for piece in ("a\0b\ud83d", "\ude00c", "\ud800"):
            yield TextDelta(piece)
        yield ModelAnswer(text="a\0b\ud83d\ude00c\ud800", finish_reason="stop", prompt_tokens=1, completion_tokens=1)

    async def close(self) -> None: ...


async def test_broken_characters_are_mended_at_the_border() -> None:
    async with aclosing(gateway(Dirty()).stream(ask())) as stream:
        *deltas, result = [piece async for piece in stream]
    assert isinstance(result, GenerationResult)
    assert result.text == "ab\N{GRINNING FACE}c\N{REPLACEMENT CHARACTER}"
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == result.text


@given(st.lists(st.text(st.characters(codec=None, exclude_categories=()), max_size=5), max_size=8))
def test_text_is_mended_alike_however_it_is_cut(pieces: list[str]) -> None:
    stream = CleanStream()
    shown = "".join([*(stream.feed(piece) for piece in pieces), stream.flush()])
    assert shown == clean("".join(pieces))
    shown.encode("utf-8")
    assert "\0" not in shown


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.decimals(0, 5, places=4))
def test_what_a_budget_affords_costs_no_more_than_it(prompt: int, cached: int, budget: Decimal) -> None:
    tokens = affordable_tokens(PRICE, prompt, budget)
    assert tokens is not None
    answer = ModelAnswer(
        text="", finish_reason="stop", prompt_tokens=prompt, completion_tokens=tokens, cached_tokens=cached
    )
    cost = cost_usd(PRICE, answer)
    assert cost is not None
    assert cost <= budget or tokens == 0


async def test_history_counts_towards_the_context_window() -> None:
    long = Context(history=(Message(role="user", content="word " * 4000),))
    with pytest.raises(TooLargeError, match="about 500"):
        await gateway().generate(ask(context=long))
