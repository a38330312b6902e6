"""The pure parts of an evaluation: mixtures, derangements, the pace, the purse, the texts of templates, the cache."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import LimitExceededError, UnusableError
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, Timings, Usage
from agent_lab.contracts.registry import ModelSpec, Sampling, StrategySpec
from agent_lab.evaluation.arms.texts import needs_names, without_names
from agent_lab.evaluation.running.cache import CachedGenerator, Meter, metering
from agent_lab.evaluation.running.mixture import matched, mended, mixture
from agent_lab.evaluation.running.noise import circle, others
from agent_lab.evaluation.running.pace import Pace
from agent_lab.evaluation.running.purse import BudgetReachedError, Purse
from agent_lab.evaluation.running.terms import Terms
from agent_lab.storage.memory_evaluations import MemoryAnswers
from support.skipped_time import skipping_time


# --- mixtures ---------------------------------------------------------------------------------------------------------
@given(st.floats(1.0, 64.0), st.integers(1, 300), st.integers(0, 5))
def test_a_mixture_has_its_mean_and_only_the_two_nearest_numbers(k: float, count: int, seed: int) -> None:
    found = mixture(k, [(f"q{n}", 0) for n in range(count)], seed)
    nearest = {1, 3} if k < 3 else {math.floor(k), math.ceil(k)}
    assert set(found.values()) <= nearest
    assert abs(sum(found.values()) / count - k) <= (max(nearest) - min(nearest)) / 2 / count + 1e-9


def test_no_money_of_a_flow_is_spent_on_a_vote_of_two() -> None:
    places = [(f"q{n}", 0) for n in range(40)]
    assert sorted(mixture(2.0, places, 0).values()) == [1] * 20 + [3] * 20
    assert set(mixture(3.0, places, 0).values()) == {3}
    assert set(mixture(64.0, places, 0).values()) == {64}


def test_a_larger_k_only_adds_answers() -> None:
    places = [(f"q{n}", n % 2) for n in range(50)]
    for low, high in ((1.2, 1.7), (2.8, 3.2), (3.3, 3.7)):
        less, more = mixture(low, places, 0), mixture(high, places, 0)
        assert all(more[place] >= less[place] for place in places)


def test_what_buys_no_vote_is_refused_in_words() -> None:
    assert matched(3.0, 1.0, tolerance=0.05, unit="tokens").k == 3.0
    assert matched(0.97, 1.0, tolerance=0.05, unit="tokens").k == 1.0
    assert "not even one" in (matched(0.5, 1.0, tolerance=0.05, unit="tokens").refusal or "")
    assert "64 at the most" in (matched(99.0, 1.0, tolerance=0.05, unit="tokens").refusal or "")
    assert "nothing that can be measured in USD" in (matched(1.0, 0.0, tolerance=0.05, unit="usd").refusal or "")
    assert mended(4.0, 100.0, 110.0) == pytest.approx(3.636, abs=0.001)


# --- noise ------------------------------------------------------------------------------------------------------------
@given(st.sets(st.text(max_size=5), min_size=2, max_size=40), st.integers(0, 9))
def test_every_critique_stands_in_for_exactly_one_other(items: set[str], seed: int) -> None:
    around = circle(items, seed)
    first = {item: next(others(around, item)) for item in items}
    assert set(first.values()) == items
    assert all(item != other for item, other in first.items())
    assert all(set(others(around, item)) == items - {item} for item in items)


# --- time and money ---------------------------------------------------------------------------------------------------
def test_time_left_is_told_by_the_pace_of_each_arm() -> None:
    pace = Pace()
    assert pace.left_s({"slow": 10}, 5.0) is None
    for _ in range(10):
        pace.took("slow", 4.0)
        pace.took("fast", 1.0)
    assert pace.left_s({"slow": 10, "fast": 10}, 50.0) == pytest.approx(50.0)
    assert pace.left_s({"slow": 10, "fast": 10}, 10.0) == pytest.approx(10.0)
    assert pace.left_s({"unknown": 2}, 50.0) == pytest.approx(5.0)


async def test_a_purse_never_lends_more_than_it_has() -> None:
    purse, most = Purse(Decimal("1.00")), Decimal(0)

    async def call() -> None:
        nonlocal most
        async with purse.calling(Decimal("0.30")):
            most = max(most, purse.spent_usd + Decimal("0.30"))
            await asyncio.sleep(0)
            purse.pay(Decimal("0.25"))

    ends = await asyncio.gather(*(call() for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(end, BudgetReachedError) for end in ends) == 7
    assert purse.spent_usd == Decimal("0.75")
    assert most <= Decimal("1.00")


# --- texts ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("template", "left"),
    [
        ("Ask {user_input}.", "Ask {user_input}."),
        ("{?x_output}Said: {x_output}{/x_output}Ask {user_input}.", "Ask {user_input}."),
        ("Q: {user_input}\n\nThe criticism:\n{x_output}\n\nMend it.", "Q: {user_input}\n\nMend it."),
        ("Q: {user_input}\nCritic: {x_output}\nMend it.", "Q: {user_input}\nMend it."),
        ("{?y_output}{y_output} and {x_output}{/y_output}{user_input}", "{user_input}"),
        ("Braces {{stay}} {user_input}\n\n{x.field}", "Braces {{stay}} {user_input}"),
        ("Only {x_output}", None),
        (
            "{user_input}\n\nFirst:\n{x_output}{?y_output}\n\nNewest:\n{y_output}{/y_output}\n\nMend it.",
            "{user_input}{?y_output}\n\nNewest:\n{y_output}{/y_output}\n\nMend it.",
        ),
        ("{user_input} after {x_output}", None),
    ],
)
def test_what_speaks_of_a_node_that_is_gone_goes_with_it(template: str, left: str | None) -> None:
    def gone(name: str) -> bool:
        return name.startswith("x")

    assert without_names(template, gone) == left
    assert needs_names("{?x_output}{x_output}{/x_output}", gone) is False
    assert needs_names("{x_output}", gone) is True


# --- the cache --------------------------------------------------------------------------------------------------------
class Model:
    """Answers with a count; fails, or waits, where it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return GenerationResult(
            text=f"answer {number}",
            tokens_generated=1,
            timings=Timings(),
            usage=Usage(prompt_tokens=1, completion_tokens=1, cost_usd=Decimal("0.5")),
            source="hosted",
            cache_hit=True,
            model_key="m",
            model_resolved="m",
            strategy="standard",
            finish_reason="stop",
        )

    def stream(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        return Decimal("0.5")


def cached(
    model: Model, answers: MemoryAnswers, *, budget: str | None = None, provider: str = "hosted"
) -> CachedGenerator:
    row = ModelSpec(key="m", provider=provider, context_window=1000)
    warm = StrategySpec(name="standard", description="plain", sampling=Sampling(temperature=0.7))
    purse = Purse(None if budget is None else Decimal(budget))
    return CachedGenerator(model, answers, Terms(lambda *_: (row, warm), 512), purse, "e1")


def ask(prompt: str = "?", **more: Any) -> GenerationRequest:
    return GenerationRequest(prompt=prompt, model_key="m", **more)


async def test_the_same_question_at_the_same_time_is_paid_once() -> None:
    model = Model()
    generator = cached(model, MemoryAnswers())
    heard = await asyncio.gather(*(generator.generate(ask(seed=1)) for _ in range(5)))
    assert {one.text for one in heard} == {"answer 1"}
    assert model.calls == 1


async def test_an_answer_outlives_its_generator_and_a_seed_draws_another() -> None:
    model, answers = Model(), MemoryAnswers()
    await cached(model, answers).generate(ask(seed=1))
    again = cached(model, answers)
    assert (await again.generate(ask(seed=1))).text == "answer 1"
    assert (await again.generate(ask(seed=2))).text == "answer 2"
    assert (await again.generate(ask(seed=1, temperature=0.1))).text == "answer 3"


async def test_a_draw_without_a_seed_belongs_to_its_sample_alone() -> None:
    model = Model()
    generator = cached(model, MemoryAnswers())
    texts = []
    for scope in ("e1/0", "e1/0", "e1/1"):
        token = metering.set(Meter(scope=scope))
        texts.append((await generator.generate(ask())).text)
        metering.reset(token)
    assert texts == ["answer 1", "answer 1", "answer 2"]


async def test_a_greedy_local_answer_is_the_same_for_every_seed() -> None:
    model = Model()
    local = cached(model, MemoryAnswers(), provider="local")
    assert (await local.generate(ask(seed=1, temperature=0))).text == (
        await local.generate(ask(seed=2, temperature=0))
    ).text
    hosted = cached(model, MemoryAnswers())
    one, other = [await hosted.generate(ask(seed=seed, temperature=0)) for seed in (1, 2)]
    assert one.text != other.text


@skipping_time
async def test_who_waits_for_a_call_that_is_given_up_makes_it_himself() -> None:
    model = Model()
    model.gate.clear()
    generator = cached(model, MemoryAnswers())
    first = asyncio.create_task(generator.generate(ask(seed=1)))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(generator.generate(ask(seed=1)))
    await asyncio.sleep(0.01)
    first.cancel()
    model.gate.set()
    assert (await second).text == "answer 2"


async def test_a_fault_is_not_kept_and_a_budget_stops_the_call() -> None:
    model, answers = Model(), MemoryAnswers()
    model.fault = UnusableError("Away.")
    generator = cached(model, answers, budget="0.6")
    with pytest.raises(UnusableError):
        await generator.generate(ask(seed=1))
    model.fault = None
    assert (await generator.generate(ask(seed=1))).text == "answer 2"
    meter = Meter(scope="e1/0")
    token = metering.set(meter)
    with pytest.raises(LimitExceededError, match="larger budget"):
        await generator.generate(ask(seed=2))
    metering.reset(token)
    assert meter.stopped is not None
    assert model.calls == 2
