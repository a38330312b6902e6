"""Lays values out along a line, straight or by powers of ten, with round marks."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOG_FROM = 12.0
"""The largest value over the smallest, from which on powers of ten are easier to read."""

_NOTHING = 1e-12
"""Costs below it are none."""
_MOST_TIMES = 1e6
"""The most that an axis spans; what is less lies at its end."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high`, on the pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies; one beyond the ends lies at the end."""
        held = min(max(value, self.low), self.high)
        return self.start + self._part(held) * (self.end - self.start)

    def marks(self, most: int = 6) -> list[float]:
        """Round values within the ends."""
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            fine = last - first <= 3
            found = [10.0**power * step for power in range(first, last + 1) for step in ((1, 2, 5) if fine else (1,))]
            return [value for value in found if self.low <= value <= self.high]
        step = round_step((self.high - self.low) / max(most - 1, 1))
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _part(self, value: float) -> float:
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def round_step(least: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten: the smallest that is not less."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in (1, 2, 2.5, 5) if step * power >= least - 1e-12), 10 * power)


def cost_axis(values: list[float], start: float, end: float) -> Axis:
    """An axis for costs: from nothing on, or by powers of ten where they lie far apart."""
    most = max(values, default=0.0)
    if most < _NOTHING:
        return Axis(0.0, 1.0, start, end)
    least = max(min(values), most / _MOST_TIMES)
    if min(values) > _NOTHING and most / least >= LOG_FROM:
        return Axis(least / 1.3, most * 1.3, start, end, logarithmic=True)
    return Axis(0.0, 1.08 * most, start, end)


def share_axis(values: list[float], start: float, end: float) -> Axis:
    """An axis for shares: no more of 0 to 1 than is needed, by tenths."""
    low = math.floor(10 * min(values, default=0.0) + 1e-9) / 10
    high = math.ceil(10 * max(values, default=1.0) - 1e-9) / 10
    if high - low < 0.1:
        low, high = max(0.0, low - 0.1), min(1.0, high + 0.1)
    return Axis(max(low, 0.0), min(high, 1.0), start, end)


def around_zero(values: list[float], start: float, end: float) -> Axis:
    """An axis that has 0 in it, and a little room at both ends."""
    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = max(0.06 * (high - low), 0.005)
    return Axis(low - room, high + room, start, end)
