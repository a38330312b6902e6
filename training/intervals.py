"""95 % intervals: Wilson's for a proportion, a bootstrap over problems for means and paired differences."""

from __future__ import annotations

import random
from math import sqrt

Interval = list[float]
Z = 1.959964
RESAMPLES = 2000


def wilson(hits: int, n: int) -> Interval:
    """Wilson's score interval; the whole range where nothing was counted."""
    if n == 0:
        return [0.0, 1.0]
    rate = hits / n
    centre = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


def mean_interval(marks: list[float]) -> Interval:
    """Wilson's where each mark is 0 or 1, else a bootstrap over the problems."""
    if all(mark in {0.0, 1.0} for mark in marks):
        return wilson(round(sum(marks)), len(marks))
    return _bootstrap(marks)


def mean_difference(left: list[float], right: list[float]) -> Interval:
    """The interval of `left - right`, problem by problem."""
    return _bootstrap([a - b for a, b in zip(left, right, strict=True)])


def _bootstrap(values: list[float]) -> Interval:
    rng = random.Random(0)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return [round(means[int(RESAMPLES * 0.025)], 4), round(means[int(RESAMPLES * 0.975) - 1], 4)]
