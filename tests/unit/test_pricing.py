"""Prices: the user's own first, else exactly what the maintained list says, else unknown."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider
from hypothesis import given, settings
from hypothesis import strategies as st

import agent_lab
from agent_lab.contracts.ports import ModelAnswer
from agent_lab.contracts.registry import CostProfile, ModelSpec, ProviderSpec
from agent_lab.gateway.price_list import PriceList, price_from
from agent_lab.gateway.pricing import TieredPrice, affordable_tokens, cost_usd, worst_case_usd

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWN = CostProfile(
    input_usd_per_mtok=Decimal(2),
    output_usd_per_mtok=Decimal(8),
    cached_input_usd_per_mtok=Decimal("0.5"),
    cache_write_usd_per_mtok=Decimal("2.5"),
)


def model(model_id: str, *, provider: str = "openai", price: CostProfile | None = None) -> ModelSpec:
    return ModelSpec(
        key="m",
        name="M",
        family="f",
        provider=provider,
        model_id=model_id,
        context_window=8192,
        cost_profile=price,
    )


def provider(url: str = "https://api.openai.com/v1", key: str = "openai") -> ProviderSpec:
    return ProviderSpec(key=key, kind="openai_compatible", base_url=url)


def answer(prompt: int, completion: int, *, cached: int = 0, written: int = 0) -> ModelAnswer:
    return ModelAnswer(
        text="",
        finish_reason="stop",
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
    )


def prices(at: datetime = NOON) -> PriceList:
    return PriceList(clock=at.timestamp)


def test_the_users_price_comes_first_and_cached_tokens_are_counted_apart() -> None:
    price = prices().price_of(model("gpt-4o", price=OWN), provider())
    assert price is OWN
    assert cost_usd(price, answer(1000, 100, cached=400, written=200)) == Decimal("0.0023")


def test_a_listed_model_has_its_listed_price() -> None:
    price = prices().price_of(model("gpt-4o"), provider())
    assert price == CostProfile(
        input_usd_per_mtok=Decimal("2.5"),
        output_usd_per_mtok=Decimal(10),
        cached_input_usd_per_mtok=Decimal("1.25"),
    )


@pytest.mark.parametrize(
    ("model_id", "row"),
    [
        ("gpt-4o", provider("http://127.0.0.1:8080/v1", "openai")),
        ("gpt-4o", provider("http://10.1.2.3/v1", "openai")),
        ("gpt-4o", provider("http://gpu-box:8000/v1", "openai")),
        ("gpt-4o", provider("https://llm.example.com/v1", "our-proxy")),
        ("no-such-model", provider()),
        ("mistralai/Mistral-7B-Instruct-v0.3", None),
        ("sonar-pro", provider("https://api.perplexity.ai", "perplexity")),  # a price for each request besides
    ],
)
def test_what_nobody_knows_is_unknown(model_id: str, row: ProviderSpec | None) -> None:
    price = prices().price_of(model(model_id), row)
    assert price is None
    assert cost_usd(price, answer(10, 10)) is None
    assert worst_case_usd(price, 10, 10) is None


def test_a_vendors_regional_address_has_the_vendors_prices() -> None:
    assert prices().price_of(model("gpt-4o"), provider("https://eu.api.openai.com/v1")) is not None


def test_a_long_prompt_costs_what_the_list_asks_for_long_prompts() -> None:
    price = prices().price_of(model("gemini-2.5-pro"), provider("https://generativelanguage.googleapis.com/v1beta"))
    assert isinstance(price, TieredPrice)
    assert cost_usd(price, answer(200_000, 0)) == Decimal("0.25")
    assert cost_usd(price, answer(200_001, 0)) == Decimal("0.5000025")


def test_a_price_that_changes_with_the_hour_is_followed() -> None:
    night, day = (
        prices(NOON.replace(hour=hour)).price_of(model("deepseek-chat"), provider("https://api.deepseek.com"))
        for hour in (20, 12)
    )
    assert cost_usd(night, answer(10**6, 0)) == Decimal("0.135")
    assert cost_usd(day, answer(10**6, 0)) == Decimal("0.27")


def test_a_look_up_is_kept_for_a_minute() -> None:
    now = [NOON.timestamp()]
    kept = PriceList(clock=lambda: now[0])
    row, deepseek = provider("https://api.deepseek.com"), model("deepseek-chat")
    first = kept.price_of(deepseek, row)
    now[0] += 30
    assert kept.price_of(deepseek, row) is first
    now[0] += 4.5 * 3600
    assert kept.price_of(deepseek, row) != first


def listed() -> list[tuple[Provider, ModelInfo]]:
    return [(vendor, one) for vendor in get_snapshot().providers for one in vendor.models]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_our_sums_are_those_of_the_list_for_every_model_that_we_price(data: st.DataObject) -> None:
    vendor, one = data.draw(st.sampled_from(listed()))
    price = price_from(one.get_prices(NOON))
    if price is None:
        return
    prompt = data.draw(st.integers(0, 600_000))
    cached = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt - cached))
    completion = data.draw(st.integers(0, 100_000))
    usage = Usage(input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=completion)
    theirs = one.calc_price(usage, vendor, genai_request_timestamp=NOON).total_price
    cost = cost_usd(price, answer(prompt, completion, cached=cached, written=written))
    assert cost == pytest.approx(theirs, abs=Decimal("1e-20"))
    worst = worst_case_usd(price, prompt, completion)
    assert worst is not None
    assert cost is not None
    assert cost <= worst


def test_nearly_all_listed_models_that_read_and_write_tokens_are_priced() -> None:
    standard = [one.get_prices(NOON) for _, one in listed()]
    standard = [price for price in standard if price.input_mtok is not None and price.output_mtok is not None]
    assert len(standard) > 1500
    assert sum(price_from(price) is not None for price in standard) / len(standard) > 0.98


def test_prices_for_what_we_do_not_count_make_a_model_unknown() -> None:
    plain = {"input_mtok": Decimal(1), "output_mtok": Decimal(2)}
    assert price_from(ModelPrice(**plain, web_searches_kcount=Decimal(10))) is not None
    assert price_from(ModelPrice(**plain, requests_kcount=Decimal(5))) is None
    assert price_from(ModelPrice(**plain, output_reasoning_mtok=Decimal(3))) is None
    assert price_from(ModelPrice(input_mtok=Decimal(1))) is None


@given(st.integers(0, 500_000), st.decimals(0, 5, places=4))
def test_a_budget_affords_no_answer_whose_worst_case_is_dearer(prompt: int, budget: Decimal) -> None:
    for price in (OWN, prices().price_of(model("gpt-5.2"), provider())):
        assert price is not None
        tokens = affordable_tokens(price, prompt, budget)
        assert tokens is not None
        worst = worst_case_usd(price, prompt, tokens)
        assert worst is not None
        assert tokens == 0 or worst <= budget


def test_a_model_is_found_by_its_providers_address_as_the_library_finds_it() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=500)
    for url, model_id in (
        ("https://api.anthropic.com", "claude-sonnet-4-5"),
        ("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile"),
    ):
        theirs = calc_price(usage, model_id, provider_api_url=url, genai_request_timestamp=NOON).total_price
        assert cost_usd(prices().price_of(model(model_id), provider(url, "row")), answer(1_000, 500)) == theirs


def test_without_the_list_prices_are_unknown_and_the_list_is_loaded_late(tmp_path: Path) -> None:
    (tmp_path / "genai_prices.py").write_text("raise ImportError('not installed')")
    script = """
import sys
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.gateway.price_list import PriceList
assert "genai_prices" not in sys.modules
row = ProviderSpec(key="openai", kind="openai", base_url="https://api.openai.com/v1")
spec = ModelSpec(key="m", name="M", family="f", provider="openai", model_id="gpt-4o", context_window=9)
assert PriceList().price_of(spec, None) is None
assert "genai_prices" not in sys.modules
assert PriceList().price_of(spec, row) is None
"""
    path = [str(tmp_path), str(Path(agent_lab.__file__).parent.parent)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path}\n{script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
