"""What the machine, the queues and the models did in one stretch of time, and in several put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agent_lab.telemetry.history.tally import Amount, Count, ModelCounts, Sum, fixed, room_for

BreakerState = Literal["closed", "cooling", "half-open", "open"]
WORST: Sequence[BreakerState] = ("closed", "cooling", "half-open", "open")
LATEST = 253_402_300_799
"""The last second of the year 9999: later ones have no date."""
Name = Annotated[str, Field(max_length=200)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """One device that models are put on. GB (1e9 bytes)."""

    name: Name
    total_gb: Amount
    limit_gb: Amount
    """What models may take of it."""
    used_gb: Amount
    used_by_models_gb: Amount
    utilisation_percent: Percent | None = None
    """How busy a GPU was; None where nobody can tell (it takes the package nvidia-ml-py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A stretch of time. How busy something was is the average of it; memory and queues are their peaks."""

    at: Annotated[float, Field(ge=0, le=LATEST)]
    """Its beginning, in seconds of Unix time."""
    span_s: Annotated[float, Field(gt=0, le=86_400)]
    """How long it lasts."""
    seconds: Amount
    """How much of it was watched: less than all where the server was started or stopped in it."""
    cpu_percent: Percent | None = None
    ram_used_gb: Amount = 0.0
    ram_total_gb: Amount = 0.0
    devices: tuple[DeviceUse, ...] = ()
    active_runs: Count = 0
    queued_runs: Count = 0
    waiting_calls: Count = 0
    """Calls that waited for a limit of their provider."""
    breakers: tuple[tuple[Name, BreakerState], ...] = ()
    """Those that were not closed all the time, each with its worst state."""
    models: tuple[tuple[Name, ModelCounts], ...] = ()
    """Those that were asked."""


def merged(slots: Sequence[Slot], *, at: float, span_s: float) -> Slot:
    """Several slots (one at the least) as one that begins then and lasts so long."""
    last = slots[-1]
    return Slot(
        at=at,
        span_s=span_s,
        seconds=min(span_s, round(sum(slot.seconds for slot in slots), 3)),
        cpu_percent=average((slot.cpu_percent, slot.seconds) for slot in slots),
        ram_used_gb=max(slot.ram_used_gb for slot in slots),
        ram_total_gb=last.ram_total_gb,
        devices=_devices(slots),
        active_runs=max(slot.active_runs for slot in slots),
        queued_runs=max(slot.queued_runs for slot in slots),
        waiting_calls=max(slot.waiting_calls for slot in slots),
        breakers=worst_breakers(slots),
        models=fixed(by_model(slots)),
    )


def by_model(slots: Iterable[Slot]) -> dict[str, Sum]:
    """What calls of each model came to."""
    sums: dict[str, Sum] = {}
    for slot in slots:
        for model, counts in slot.models:
            room_for(model, sums).add(counts)
    return sums


def average(weighed: Iterable[tuple[float | None, float]]) -> float | None:
    """The mean of the values that are known, by their weights."""
    known = [(value, weight) for value, weight in weighed if value is not None]
    whole = sum(weight for _, weight in known)
    return round(sum(value * weight for value, weight in known) / whole, 2) if whole else None


def worst_breakers(slots: Iterable[Slot]) -> tuple[tuple[str, BreakerState], ...]:
    """Of each model whose breaker was not always closed, the worst state."""
    found: dict[str, BreakerState] = {}
    for slot in slots:
        for model, state in slot.breakers:
            found[model] = max(state, found.get(model, "closed"), key=WORST.index)
    return tuple(sorted(found.items()))


def _devices(slots: Sequence[Slot]) -> tuple[DeviceUse, ...]:
    by_name: dict[str, list[tuple[DeviceUse, float]]] = {}
    for slot in slots:
        for device in slot.devices:
            by_name.setdefault(device.name, []).append((device, slot.seconds))
    return tuple(_device(looks) for looks in by_name.values())


def _device(looks: Sequence[tuple[DeviceUse, float]]) -> DeviceUse:
    last = looks[-1][0]
    return DeviceUse(
        name=last.name,
        total_gb=last.total_gb,
        limit_gb=last.limit_gb,
        used_gb=max(device.used_gb for device, _ in looks),
        used_by_models_gb=max(device.used_by_models_gb for device, _ in looks),
        utilisation_percent=average((device.utilisation_percent, weight) for device, weight in looks),
    )
