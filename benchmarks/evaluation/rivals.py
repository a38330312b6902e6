"""The intervals that were weighed against those of the product, as published: to show by coverage why they lost."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from agent_lab.contracts.evaluation_report import Interval
from agent_lab.evaluation.statistics.proportions import wilson_interval

Values = NDArray[np.float64]


def newcombe_interval(both: int, only_arm: int, only_against: int, neither: int, confidence: float = 0.95) -> Interval:
    """R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statistics in Medicine 17 (1998) 2635-2650, method 10."""
    items = both + only_arm + only_against + neither
    mine, theirs = (both + only_arm) / items, (both + only_against) / items
    one, other = wilson_interval(mine, items, confidence), wilson_interval(theirs, items, confidence)
    margins = (both + only_arm) * (only_against + neither) * (both + only_against) * (only_arm + neither)
    cross = both * neither - only_arm * only_against
    if cross > 0:
        cross = max(cross - items / 2, 0)
    phi = cross / sqrt(margins) if margins else 0.0
    down, up = (mine - one.low, other.high - theirs), (one.high - mine, theirs - other.low)
    low = sqrt(max(down[0] ** 2 - 2 * phi * down[0] * down[1] + down[1] ** 2, 0))
    high = sqrt(max(up[0] ** 2 - 2 * phi * up[0] * up[1] + up[1] ** 2, 0))
    return Interval(low=mine - theirs - low, high=mine - theirs + high)


def wald_interval(only_arm: int, only_against: int, items: int, confidence: float = 0.95) -> Interval:
    """The one of the textbooks."""
    difference = (only_arm - only_against) / items
    half = float(ndtri(0.5 + confidence / 2)) * sqrt(
        max(only_arm + only_against - (only_arm - only_against) ** 2 / items, 0)
    )
    return Interval(low=difference - half / items, high=difference + half / items)


def t_interval(values: Values, confidence: float = 0.95) -> Interval:
    """Student's."""
    mean, half = float(values.mean()), float(stdtrit(len(values) - 1, 0.5 + confidence / 2))
    half *= float(values.std(ddof=1)) / sqrt(len(values))
    return Interval(low=mean - half, high=mean + half)


def bca_interval(values: Values, chance: np.random.Generator, confidence: float = 0.95, draws: int = 1000) -> Interval:
    """B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987): bias-corrected and accelerated."""
    count, mean = len(values), values.mean()
    if np.ptp(values) == 0:
        return Interval(low=float(mean), high=float(mean))
    drawn = values[chance.integers(0, count, (draws, count))].mean(axis=1)
    below = (np.sum(drawn < mean) + 0.5 * np.sum(drawn == mean)) / draws
    bias = float(ndtri(np.clip(below, 1e-6, 1 - 1e-6)))
    left_out = (values.sum() - values) / (count - 1)
    gaps = left_out.mean() - left_out
    speed = float(np.sum(gaps**3) / (6 * np.sum(gaps**2) ** 1.5))
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + float(ndtri(tail))
        ends.append(float(np.quantile(drawn, float(ndtr(bias + z / (1 - speed * z))))))
    return Interval(low=min(ends), high=max(ends))
