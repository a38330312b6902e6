"""The figures add up, and a measured generator answers as the one inside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from agent_lab.contracts.errors import NotFoundError, UnusableError
from agent_lab.contracts.generation import (
    Attempt,
    GenerationRequest,
    GenerationResult,
    OnCut,
    Piece,
    TextDelta,
    Timings,
    Usage,
)
from agent_lab.contracts.ports import Generator
from agent_lab.telemetry import logging
from agent_lab.telemetry.measured import Measured
from agent_lab.telemetry.metrics import Metrics


@pytest.fixture(autouse=True)
def logging_ends() -> Iterator[None]:
    yield
    logging.close()
    structlog.reset_defaults()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "agent-lab.log").read_text("utf-8").splitlines()]


# --- the figures --------------------------------------------------------------------------------------------------


def answer(
    *, model: str = "demo", cache_hit: bool = True, cost: str | None = "0.5", **timings: float
) -> GenerationResult:
    return GenerationResult(
        text="my private answer",
        tokens_generated=4,
        timings=Timings.model_validate({"total_s": 2.0, "inference_s": 1.5, "first_token_s": 0.25} | timings),
        usage=Usage(
            prompt_tokens=3, completion_tokens=4, cached_tokens=2, cost_usd=None if cost is None else Decimal(cost)
        ),
        source="local",
        cache_hit=cache_hit,
        model_key=model,
        model_resolved="demo-1",
        strategy="standard",
        finish_reason="stop",
        attempts=(Attempt(provider="local", model=model, outcome="ok", seconds=2.0),),
    )


def samples(metrics: Metrics) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_the_text_has_every_figure_under_its_name() -> None:
    metrics = Metrics()
    metrics.generation(answer())
    metrics.generation(answer(cache_hit=False, cost=None, load_s=8.0, total_s=10.0))
    metrics.generation_failed("big", "openai", "busy")
    metrics.run_started()
    metrics.run_started()
    metrics.run_finished("challenge", "completed", 12.0)
    found = samples(metrics)
    expected = {
        "agent_lab_generations_total{model=demo,outcome=stop,provider=local}": 2,
        "agent_lab_generations_total{model=big,outcome=busy,provider=openai}": 1,
        "agent_lab_tokens_total{direction=prompt,model=demo}": 6,
        "agent_lab_tokens_total{direction=completion,model=demo}": 8,
        "agent_lab_cached_tokens_total{model=demo}": 4,
        "agent_lab_cost_usd_total{model=demo}": 0.5,
        "agent_lab_unpriced_generations_total{model=demo}": 1,
        "agent_lab_cache_total{model=demo,result=hit}": 1,
        "agent_lab_cache_total{model=demo,result=miss}": 1,
        "agent_lab_generation_seconds_sum{model=demo}": 12,
        "agent_lab_generation_seconds_count{model=demo}": 2,
        "agent_lab_first_token_seconds_sum{model=demo}": 0.5,
        "agent_lab_load_seconds_sum{model=demo}": 8,
        "agent_lab_load_seconds_count{model=demo}": 1,
        "agent_lab_runs_total{flow=challenge,status=completed}": 1,
        "agent_lab_run_seconds_sum{flow=challenge}": 12,
        "agent_lab_runs_active{}": 1,
        "agent_lab_models_resident{}": 0,
        "agent_lab_memory_used_gb{}": 0,
    }
    assert {name: found.get(name) for name in expected} == expected


NOTHING_LOCAL = dict.fromkeys(
    (
        *("hits", "loads", "evictions", "refused", "workers_lost", "load_time_sec"),
        *("waiting", "answers_active", "answers_waiting"),
    ),
    0,
)


def test_the_json_has_totals_averages_and_the_share_of_cache_hits() -> None:
    metrics = Metrics()
    for hit in (True, True, True, False):
        metrics.generation(answer(cache_hit=hit, load_s=0.0 if hit else 6.0))
    metrics.generation_failed("demo", "local", "unusable")
    metrics.run_started()
    metrics.run_finished("linear", "declined", 3.0)
    assert json.loads(json.dumps(metrics.as_json())) == {
        "execution": {
            "generations": {
                "total": 5,
                "answered": 4,
                "failed": 1,
                "by_model": {"demo": 5},
                "by_outcome": {"stop": 4, "unusable": 1},
            },
            "tokens": {"prompt": 12, "generated": 16, "cached": 8},
            "cost_usd": 2.0,
            "unpriced_generations": 0,
            "cache": {"hits": 3, "misses": 1, "hit_ratio": 0.75},
            "average": {
                "load_time_sec": 6.0,
                "first_token_time_sec": 0.25,
                "inference_time_sec": 1.5,
                "total_time_sec": 2.0,
                "run_time_sec": 3.0,
            },
            "runs": {"active": 0, "ended": 1, "by_status": {"declined": 1}, "by_flow": {"linear": 1}},
        },
        "system": {"models_resident": 0, "memory_used_gb": 0.0, "devices": {}, "local": NOTHING_LOCAL},
    }


def test_before_anything_happened_averages_are_unknown_and_not_zero() -> None:
    execution = Metrics().as_json()["execution"]
    assert set(execution["average"].values()) == {None}
    assert execution["cache"]["hit_ratio"] is None


def test_two_labs_in_a_process_count_for_themselves() -> None:
    first, second = Metrics(), Metrics()
    first.generation(answer())
    assert second.as_json()["execution"]["generations"]["total"] == 0


# --- a generator that is measured -----------------------------------------------------------------------------------


class Answering:
    """A generator with one answer, or one error."""

    def __init__(self, error: Exception | None = None, *, hang: bool = False) -> None:
        self.error, self.hang, self.closed = error, hang, False

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        if self.hang:
            await asyncio.sleep(60)
        if self.error:
            raise self.error
        return answer()

    async def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncIterator[Piece]:
        try:
            yield TextDelta(text="my private ")
            yield await self.generate(request)
        finally:
            self.closed = True


ASKED = GenerationRequest(prompt="my private question", model_key="demo")


def outcomes(metrics: Metrics) -> dict[str, int]:
    return dict(metrics.as_json()["execution"]["generations"]["by_outcome"])


async def test_an_answer_is_handed_on_counted_and_logged_without_its_words(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    metrics = Metrics()
    measured: Generator = Measured(Answering(), metrics)
    assert await measured.generate(ASKED) == answer()
    pieces = [piece async for piece in measured.stream(ASKED)]
    assert pieces == [TextDelta(text="my private "), answer()]
    assert outcomes(metrics) == {"stop": 2}
    first, second = lines(tmp_path)
    assert {"event": "generation", "model": "demo", "provider": "local", "total_s": 2.0}.items() <= first.items()
    assert (second["prompt_tokens"], second["completion_tokens"], second["cost_usd"]) == (3, 4, 0.5)
    assert "private" not in (tmp_path / "agent-lab.log").read_text()


@pytest.mark.parametrize(
    ("error", "outcome", "model"),
    [
        (UnusableError("not now"), "unusable", "demo"),
        (NotFoundError("no such model"), "not-found", "rejected"),
        (RuntimeError("a defect"), "defect", "demo"),
    ],
)
async def test_a_failure_is_counted_and_goes_on(error: Exception, outcome: str, model: str) -> None:
    metrics = Metrics()
    measured = Measured(Answering(error), metrics)
    with pytest.raises(type(error)) as caught:
        await measured.generate(ASKED)
    assert caught.value is error
    with pytest.raises(type(error)):
        async for _ in measured.stream(ASKED):
            pass
    assert outcomes(metrics) == {outcome: 2}
    assert metrics.as_json()["execution"]["generations"]["by_model"] == {model: 2}


async def test_a_caller_that_goes_away_is_counted_as_cancelled() -> None:
    metrics, inner = Metrics(), Answering(hang=True)
    measured = Measured(inner, metrics)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await measured.generate(ASKED)
    stream = measured.stream(ASKED)
    assert await anext(stream) == TextDelta(text="my private ")
    await stream.aclose()
    assert inner.closed
    assert outcomes(metrics) == {"cancelled": 2}


async def test_a_reader_that_leaves_after_the_result_has_its_answer() -> None:
    metrics = Metrics()
    stream = Measured(Answering(), metrics).stream(ASKED)
    async for piece in stream:
        if isinstance(piece, GenerationResult):
            break
    await stream.aclose()
    assert outcomes(metrics) == {"stop": 1}


def test_the_state_of_each_breaker_is_read_with_the_figures() -> None:
    metrics, states = Metrics(), {"a": "closed", "b": "open"}
    metrics.watch_gateway(lambda: states, lambda: {"box": 3})
    assert b'agent_lab_breaker_state{model="b"} 2.0' in metrics.text()
    states["b"] = "half-open"
    assert b'agent_lab_breaker_state{model="b"} 1.0' in metrics.text()
    assert b'agent_lab_breaker_state{model="a"} 0.0' in metrics.text()
    assert b'agent_lab_waiting_calls{provider="box"} 3.0' in metrics.text()
