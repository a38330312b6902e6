"""A month of slots is kept within its bounds, and read as series and tables."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.generation import FinishReason
from agent_lab.telemetry.history.series import LAG_S, RANGES, RangeName, chart
from agent_lab.telemetry.history.slots import DeviceUse, Slot, merged
from agent_lab.telemetry.history.tally import MAX_MODELS, OTHERS, ModelCounts, Tally
from agent_lab.telemetry.history.tiers import DAY_S, HOUR_S, Tiers
from support.slots import RAM, calls, slot
from unit.test_metrics import answer

T0 = 1_800_000_000 // 10_800 * 10_800


# --- what is counted ------------------------------------------------------------------------------------------------


def test_what_is_counted_is_taken_once() -> None:
    tally = Tally()
    tally.answered(answer())
    tally.answered(answer(cache_hit=False, cost=None))
    tally.failed("demo", "busy")
    tally.failed("demo", "busy")
    ((model, counts),) = tally.take()
    assert model == "demo"
    assert (counts.answers, counts.errors, counts.hits, counts.misses) == (2, (("busy", 2),), 1, 1)
    assert (counts.prompt_tokens, counts.completion_tokens) == (6, 8)
    assert (counts.cost_usd, counts.unpriced, counts.inference_s) == (0.5, 1, 3.0)
    assert tally.take() == ()


def test_a_declined_request_says_nothing_of_the_cache() -> None:
    tally = Tally()
    declined: FinishReason = "declined"
    tally.answered(answer().model_copy(update={"finish_reason": declined}))
    ((_, counts),) = tally.take()
    assert (counts.answers, counts.hits, counts.misses) == (1, 0, 0)


def test_models_past_the_bound_are_counted_together() -> None:
    tally = Tally()
    for number in range(MAX_MODELS + 10):
        tally.answered(answer(model=f"model-{number:03}"))
    taken = dict(tally.take())
    assert len(taken) == MAX_MODELS + 1
    assert taken[OTHERS].answers == 10


# --- several slots as one -------------------------------------------------------------------------------------------


def test_slots_together_have_the_average_of_what_is_busy_and_the_peak_of_what_is_full() -> None:
    gpu = DeviceUse(name="cuda:0", total_gb=24, limit_gb=19, used_gb=3, used_by_models_gb=2, utilisation_percent=10)
    first = slot(T0, {"a": calls(1.0)}, seconds=1, cpu_percent=80.0, queued_runs=7, devices=(RAM, gpu))
    second = slot(
        T0 + 5,
        {"a": calls(2.0, errors={"busy": 1}), "b": calls()},
        seconds=4,
        ram_used_gb=9.0,
        devices=(RAM, replace(gpu, used_gb=5, used_by_models_gb=1, utilisation_percent=60)),
        breakers=(("b", "open"),),
    )
    third = slot(T0 + 10, seconds=5, cpu_percent=None, breakers=(("b", "half-open"), ("c", "cooling")))
    whole = merged([first, second, third], at=T0, span_s=60)
    assert (whole.at, whole.span_s, whole.seconds) == (T0, 60, 10)
    assert whole.cpu_percent == 24.0  # (80 * 1 + 10 * 4) / 5
    assert (whole.ram_used_gb, whole.queued_runs) == (9.0, 7)
    assert whole.breakers == (("b", "open"), ("c", "cooling"))
    assert whole.devices[1] == replace(gpu, used_gb=5, used_by_models_gb=2, utilisation_percent=50)
    assert dict(whole.models)["a"] == calls(1.0, 2.0, errors={"busy": 1})


@given(st.lists(st.lists(st.floats(0.01, 100), max_size=5), min_size=1, max_size=60))
def test_nothing_is_lost_or_counted_twice_on_the_way_up(answers: list[list[float]]) -> None:
    tiers = Tiers()
    for number, seconds in enumerate(answers):
        tiers.add(slot(T0 + 5 * number, {"a": calls(*seconds)} if seconds else {}))
    total = sum(len(seconds) for seconds in answers)
    for tier in ("seconds", "minutes", "half_hours"):
        assert sum(counts.answers for one in tiers.slots(tier) for _, counts in one.models) == total


def test_a_minute_is_whole_when_the_next_one_begins() -> None:
    tiers = Tiers()
    assert [tiers.add(slot(T0 + 5 * number)) for number in range(12)] == [None] * 12
    minute = tiers.add(slot(T0 + 60))
    assert minute is not None
    assert (minute.at, minute.span_s, minute.seconds) == (T0, 60, 60)
    last = tiers.seal()
    assert last is not None
    assert (last.at, last.seconds) == (T0 + 60, 5)
    assert tiers.seal() is None


# --- the bounds -----------------------------------------------------------------------------------------------------


def fresh(at: float, span_s: float, models: Mapping[str, ModelCounts]) -> Slot:
    """A slot that shares nothing with another one, as those of a server that runs."""
    own = {
        model: replace(one, total=bytes(bytearray(one.total)), first_token=bytes(bytearray(one.first_token)))
        for model, one in models.items()
    }
    return slot(at, own, span_s=span_s, devices=(replace(RAM, used_gb=at / 7),), ram_used_gb=at / 3)


def fill(tiers: Tiers, models: int) -> None:
    """More than can be kept, of models that answer all the time at widely different speeds."""
    spread = [0.2 * 1.03**step for step in range(80)]
    counts = {f"model-{number}": calls(*spread, errors={"busy": 3}) for number in range(models)}
    tiers.half_hours.sealed.extend(fresh(T0 + 1800 * number, 1800, counts) for number in range(1500))
    tiers.minutes.sealed.extend(fresh(T0 + 60 * number, 60, counts) for number in range(1500))
    tiers.seconds.extend(fresh(T0 + 5 * number, 5, counts) for number in range(750))


def measured_mb(models: int) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        tiers = Tiers()
        fill(tiers, models)
        return tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()


def test_a_full_history_takes_no_more_memory_than_is_told() -> None:
    at_rest, busy = measured_mb(0), measured_mb(3)
    assert at_rest < 3
    assert (busy - at_rest) / 3 < 5


def test_the_oldest_slots_give_way() -> None:
    tiers = Tiers()
    for number in range(3 * DAY_S // 300):
        tiers.restore(slot(T0 + 300 * number, span_s=60), now=T0)
    last = T0 + 3 * DAY_S
    for number in range(HOUR_S // 5 + 100):
        tiers.add(slot(last + 5 * number))
    assert len(tiers.slots("seconds")) == 720
    assert len(tiers.slots("minutes")) <= 1440 + 12
    assert len(tiers.half_hours.sealed) == pytest.approx(3 * 48, abs=2)


# --- as series ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANGES)
def test_a_range_has_evenly_spaced_points_and_few_of_them(name: RangeName) -> None:
    span = RANGES[name]
    told = chart([], name, now=T0 + 13.3)
    assert told.points <= 340
    assert told.points * span.step_s == span.seconds
    assert told.start % span.step_s == 0
    assert told.start + span.seconds - span.step_s <= T0 + 7.3 < told.start + span.seconds
    assert told.series.cpu_percent == [None] * told.points
    assert (told.models, told.totals.calls, told.totals.total.p50) == ([], 0, None)


@pytest.mark.parametrize("name", RANGES)
def test_a_server_that_runs_leaves_no_gap_in_any_range(name: RangeName) -> None:
    span = RANGES[name]
    step = {"seconds": 5, "minutes": 60, "half_hours": 1800}[span.tier]
    now = T0 + 1801.0 + LAG_S
    slots = [slot(at, {"a": calls(1.0)}, span_s=step) for at in range(T0 - span.seconds - step, T0 + 1801, step)]
    told = chart(slots, name, now=now)
    assert None not in told.series.cpu_percent
    assert None not in told.series.total_p95_s
    assert {round(rate or 0, 6) for rate in told.series.requests_per_min} == {round(60 / step, 3)}


def test_where_the_server_did_not_run_there_is_a_gap() -> None:
    slots = [slot(T0, {"a": calls(1.0)}), slot(T0 + 5), slot(T0 + 30, {"a": calls(1.0)}, seconds=2.5)]
    told = chart(slots, "15m", now=T0 + 39)
    assert told.series.cpu_percent[-4:] == [10.0, None, None, 10.0]
    assert told.series.requests_per_min[-4:] == [6.0, None, None, 24.0]  # of the last one half was watched
    assert told.series.completion_tokens_per_s[-4:] == [1.0, None, None, 4.0]
    assert told.series.total_p50_s[-4:] == [pytest.approx(1.0, rel=0.025), None, None, pytest.approx(1.0, rel=0.025)]
    assert [device.used_gb[-4:] for device in told.series.devices] == [[4, None, None, 4]]


def test_a_minute_from_before_the_start_stands_for_all_points_that_it_covers_and_counts_once() -> None:
    told = chart([slot(T0, {"a": calls(1.0, 2.0)}, span_s=60)], "1h", now=T0 + 67)
    assert told.series.requests_per_min[-5:] == [2.0, 2.0, 2.0, 2.0, None]
    assert told.totals.calls == 2


def test_processes_side_by_side_add_up() -> None:
    beside = [slot(T0, {"a": calls(1.0)}, span_s=60), slot(T0, {"a": calls(3.0), "b": calls(1.0)}, span_s=60)]
    told = chart(beside, "6h", now=T0 + 60)
    assert told.series.requests_per_min[-1] == 3.0
    assert [(row.model, row.calls) for row in told.models] == [("a", 2), ("b", 1)]


def test_the_table_tells_each_model_over_the_whole_range() -> None:
    slots = [
        slot(T0, {"a": calls(*[1.0] * 98), "b": calls(errors={"busy": 2, "silent": 1})}),
        slot(T0 + 5, {"a": calls(10.0, 100.0, cost_usd=0.25, unpriced=1, hits=0, misses=2)}, breakers=(("b", "open"),)),
    ]
    told = chart(slots, "15m", now=T0 + 9)
    a, b = told.models
    assert (a.calls, a.errors, a.completion_tokens, a.tokens_per_s) == (100, 0, 1000, round(1000 / 208, 2))
    assert [a.total.p50, a.total.p95, a.total.p99] == pytest.approx([1.0, 1.0, 10.0], rel=0.025)
    assert a.first_token.p99 == pytest.approx(1.0, rel=0.025)
    assert (a.cost_usd, a.unpriced, a.cache_hit_ratio) == (0.25, 1, 0.98)
    assert (b.calls, b.errors, b.errors_by_slug) == (3, 3, {"busy": 2, "silent": 1})
    assert (b.total.p50, b.tokens_per_s, b.cost_usd, b.cache_hit_ratio) == (None, None, None, None)
    assert (told.totals.calls, told.totals.errors) == (103, 3)
    assert told.breakers == {"b": "open"}


def test_the_series_can_be_those_of_one_model() -> None:
    slots = [slot(T0, {"a": calls(1.0), "b": calls(8.0, 8.0)}), slot(T0 + 5)]
    told = chart(slots, "15m", now=T0 + 9, model="b")
    assert told.series.requests_per_min[-1] == 12.0
    assert told.series.total_p50_s[-1] == pytest.approx(8.0, rel=0.025)
    assert told.totals.calls == 3
    assert chart(slots, "15m", now=T0 + 9, model="nobody").series.requests_per_min[-1] == 0.0


def test_what_was_just_noted_is_told_and_what_cannot_have_been_is_not() -> None:
    told = chart([slot(T0, {"a": calls(1.0)}), slot(T0 + 3600)], "1h", now=T0 + 3)
    assert told.totals.calls == 1
    assert told.series.requests_per_min[-1] == 12.0
    assert told.start + 3600 == T0 + 15
