"""Reads slots as what a dashboard shows: series of evenly spaced points, and a table of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agent_lab.telemetry.history.latency import quantile
from agent_lab.telemetry.history.slots import BreakerState, DeviceUse, Slot, average, by_model, worst_breakers
from agent_lab.telemetry.history.tally import ModelCounts, Sum
from agent_lab.telemetry.history.tiers import PERIOD_S, TierName

RangeName = Literal["15m", "1h", "6h", "24h", "7d", "30d"]
Figures = list[float | None]
LAG_S = PERIOD_S + 1
"""What happened since then may not have been looked at yet: a point of it alone would look like an outage."""


@dataclass(frozen=True, slots=True)
class Range:
    """How far back is looked, how far the points are apart, and which slots they are made of."""

    seconds: int
    step_s: int
    tier: TierName


# The step is at least twice the slot where that is not exact: a point without a slot would look like an outage.
RANGES: Mapping[RangeName, Range] = {
    "15m": Range(900, 10, "seconds"),
    "1h": Range(3600, 15, "seconds"),
    "6h": Range(21_600, 120, "minutes"),
    "24h": Range(86_400, 300, "minutes"),
    "7d": Range(604_800, 1800, "half_hours"),
    "30d": Range(2_592_000, 10_800, "half_hours"),
}


@dataclass(frozen=True, slots=True)
class DeviceSeries:
    """One device that models are put on. GB (1e9 bytes)."""

    name: str
    total_gb: float
    limit_gb: float
    used_gb: Figures
    used_by_models_gb: Figures
    utilisation_percent: Figures


@dataclass(frozen=True, slots=True)
class Series:
    """A figure for each point of the range; null where the server did not run, or had nothing to measure."""

    devices: list[DeviceSeries]
    cpu_percent: Figures
    ram_used_gb: Figures
    active_runs: Figures
    queued_runs: Figures
    waiting_calls: Figures
    breakers_open: Figures
    requests_per_min: Figures
    answers_per_min: Figures
    errors_per_min: Figures
    prompt_tokens_per_s: Figures
    completion_tokens_per_s: Figures
    cache_hit_ratio: Figures
    total_p50_s: Figures
    total_p95_s: Figures
    total_p99_s: Figures
    first_token_p50_s: Figures
    first_token_p95_s: Figures
    first_token_p99_s: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Seconds; each within 2.5 %."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """What calls of one model, or of all together, came to in the range."""

    model: str
    calls: int
    answers: int
    errors: int
    errors_by_slug: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    tokens_per_s: float | None
    """Tokens written by the seconds in which answers were written, answers side by side counted each."""
    total: Quantiles
    first_token: Quantiles
    cost_usd: float | None
    """Of the calls whose price is known; None where it is known of none."""
    unpriced: int
    """Answers whose price is not known."""
    cache_hit_ratio: float | None
    """Of the answers, how many found their model in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The points of a range: number n is about the `step_s` seconds from `start + n * step_s` (Unix time) on."""

    start: int
    step_s: int
    points: int
    series: Series
    totals: ModelRow
    models: list[ModelRow]
    breakers: dict[str, BreakerState]
    """The worst state of each that was not closed all the time."""


def chart(slots: Iterable[Slot], name: RangeName, *, now: float, model: str | None = None) -> Chart:
    """What happened in the range that ends now. With a model, calls, tokens and latencies are those of it alone."""
    span = RANGES[name]
    past = [slot for slot in slots if slot.at <= now]
    looked_at = max((slot.at for slot in past), default=0.0)
    end = (int(max(looked_at, now - LAG_S)) // span.step_s + 1) * span.step_s
    count = span.seconds // span.step_s
    start = end - count * span.step_s
    inside = [slot for slot in past if slot.at + slot.span_s > start]
    points: list[list[Slot]] = [[] for _ in range(count)]
    for slot in inside:
        first = max(0, int(slot.at - start) // span.step_s)
        last = max(first, int(slot.at + slot.span_s - start - 1) // span.step_s)
        for point in points[first : last + 1]:  # a slot that is longer than the step stands for all that it covers
            point.append(slot)
    sums = by_model(inside)
    return Chart(
        start=start,
        step_s=span.step_s,
        points=count,
        series=_series(points, inside, model),
        totals=_row("", _whole(one.counts() for one in sums.values())),
        models=[_row(key, one) for key, one in sorted(sums.items())],
        breakers=dict(worst_breakers(inside)),
    )


def _series(points: Sequence[Sequence[Slot]], slots: Sequence[Slot], model: str | None) -> Series:
    last = {device.name: device for slot in slots for device in slot.devices}
    figures = [_machine(point) | _calls(point, model) for point in points]
    by_name = {name: [one[name] for one in figures] for name in figures[0]}
    return Series([_device(points, device) for device in last.values()], **by_name)


def _device(points: Iterable[Sequence[Slot]], device: DeviceUse) -> DeviceSeries:
    looks = [
        [(one, slot.seconds) for slot in point for one in slot.devices if one.name == device.name] for point in points
    ]
    return DeviceSeries(
        name=device.name,
        total_gb=device.total_gb,
        limit_gb=device.limit_gb,
        used_gb=[max((one.used_gb for one, _ in point), default=None) for point in looks],
        used_by_models_gb=[max((one.used_by_models_gb for one, _ in point), default=None) for point in looks],
        utilisation_percent=[average((one.utilisation_percent, weight) for one, weight in point) for point in looks],
    )


def _machine(point: Sequence[Slot]) -> dict[str, float | None]:
    is_open = sum(state == "open" for _, state in worst_breakers(point))
    return {
        "cpu_percent": average((slot.cpu_percent, slot.seconds) for slot in point),
        "ram_used_gb": max((slot.ram_used_gb for slot in point), default=None),
        "active_runs": max((slot.active_runs for slot in point), default=None),
        "queued_runs": max((slot.queued_runs for slot in point), default=None),
        "waiting_calls": max((slot.waiting_calls for slot in point), default=None),
        "breakers_open": is_open if point else None,
    }


def _calls(point: Sequence[Slot], model: str | None) -> dict[str, float | None]:
    seconds = _watched_s(point)
    calls = _whole(counts for slot in point for key, counts in slot.models if model is None or key == model)

    def rate(count: int, per_s: int) -> float | None:
        return round(count * per_s / seconds, 3) if seconds else None

    total, first = _quantiles(calls.total), _quantiles(calls.first_token)
    return {
        "requests_per_min": rate(calls.answers + calls.failed, 60),
        "answers_per_min": rate(calls.answers, 60),
        "errors_per_min": rate(calls.failed, 60),
        "prompt_tokens_per_s": rate(calls.prompt_tokens, 1),
        "completion_tokens_per_s": rate(calls.completion_tokens, 1),
        "cache_hit_ratio": _hit_ratio(calls),
        "total_p50_s": total.p50,
        "total_p95_s": total.p95,
        "total_p99_s": total.p99,
        "first_token_p50_s": first.p50,
        "first_token_p95_s": first.p95,
        "first_token_p99_s": first.p99,
    }


def _watched_s(point: Sequence[Slot]) -> float:
    """How long was watched. What processes side by side count is added, the seconds that both watched are not."""
    by_start: dict[float, float] = {}
    for slot in point:
        by_start[slot.at] = min(slot.span_s, by_start.get(slot.at, 0.0) + slot.seconds)
    return sum(by_start.values())


def _whole(parts: Iterable[ModelCounts]) -> Sum:
    whole = Sum()
    for part in parts:
        whole.add(part)
    return whole


def _row(model: str, one: Sum) -> ModelRow:
    return ModelRow(
        model=model,
        calls=one.answers + one.failed,
        answers=one.answers,
        errors=one.failed,
        errors_by_slug=dict(sorted(one.errors.items())),
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
        tokens_per_s=round(one.completion_tokens / one.inference_s, 2) if one.inference_s else None,
        total=_quantiles(one.total),
        first_token=_quantiles(one.first_token),
        cost_usd=round(one.cost_usd, 9) if one.answers > one.unpriced else None,
        unpriced=one.unpriced,
        cache_hit_ratio=_hit_ratio(one),
    )


def _hit_ratio(one: Sum) -> float | None:
    looked = one.hits + one.misses
    return round(one.hits / looked, 4) if looked else None


def _quantiles(counts: Mapping[int, int]) -> Quantiles:
    return Quantiles(p50=_told(counts, 0.5), p95=_told(counts, 0.95), p99=_told(counts, 0.99))


def _told(counts: Mapping[int, int], share: float) -> float | None:
    found = quantile(counts, share)
    return None if found is None else float(f"{found:.4g}")
