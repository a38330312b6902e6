"""Compares means without assuming a distribution: a studentised bootstrap over items, and a test by flipping signs.

The unit is the item: answers of several seeds to one item are averaged first, so that they count as the cluster that
they are. Chance is seeded by the number of items and by the content, so that a report is the same each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from agent_lab.contracts.evaluation_report import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

DRAWS = 10_000
MOST_WEIGHTS = 20_000_000  # 80 MB
EXACT_AT_MOST = 16
"""So many items that differ are flipped in every way (65,536); more are flipped at random."""
_EQUAL = 1e-5
"""Sums that differ by so little of what is summed are the same: means of samples make many ties, and a tie that
rounding loses would make the test too sure."""
NORMAL_FROM = 20_000
"""With so many items both distributions are normal to more digits than are shown."""


class Resamples:
    """So many items drawn with replacement, again and again; the same draws for all that is measured on them."""

    def __init__(self, items: int, *, draws: int = DRAWS) -> None:
        self._items = items
        self._draws = max(1_000, min(draws, MOST_WEIGHTS // max(items, 1)))
        self._weights: NDArray[np.float32] | None = None

    def intervals(self, values: Values, confidences: Sequence[float]) -> list[Interval]:
        """Bootstrap-t intervals of the mean, one for each confidence, never beyond the smallest and largest value.

        B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5. Where all values are equal,
        the interval is that value.
        """
        count, mean = len(values), float(np.mean(values))
        spread = float(np.std(values, ddof=1)) if count > 1 else 0.0
        if spread <= 1e-12 * abs(mean) or spread == 0.0:
            return [Interval(low=mean, high=mean) for _ in confidences]
        bounds = float(np.min(values)), float(np.max(values))
        ratios = None if count >= NORMAL_FROM else self._ratios((values - mean) / spread)
        return [_studentised(ratios, mean, spread / sqrt(count), bounds, confidence) for confidence in confidences]

    def _ratios(self, standard: Values) -> NDArray[np.float64]:
        """The mean of each resample over its own standard error, in rising order."""
        count = self._items
        table = np.stack([standard, standard**2], axis=1).astype(np.float32)
        sums = (self._counts() @ table).astype(np.float64) / count
        error = np.sqrt(np.maximum(sums[:, 1] - sums[:, 0] ** 2, 0.0) / (count - 1))
        ratios = sums[:, 0] / np.maximum(error, 1e-9)
        flat = error < 1e-5  # a resample of equal values says nothing of their spread: as far off as can be
        ratios[flat] = np.where(np.abs(sums[flat, 0]) < 1e-5, 0.0, np.copysign(np.inf, sums[flat, 0]))
        return np.sort(ratios)

    def _counts(self) -> NDArray[np.float32]:
        if self._weights is None:
            chance = np.random.default_rng(self._items)
            weights = np.empty((self._draws, self._items), dtype=np.float32)
            for start in range(0, self._draws, 500):
                rows = min(500, self._draws - start)
                drawn = chance.integers(0, self._items, (rows, self._items), dtype=np.int32)
                drawn += np.arange(rows, dtype=np.int32)[:, None] * self._items
                found = np.bincount(drawn.ravel(), minlength=rows * self._items)
                weights[start : start + rows] = found.reshape(rows, self._items)
            self._weights = weights
        return self._weights


def _studentised(
    ratios: NDArray[np.float64] | None, mean: float, error: float, bounds: tuple[float, float], confidence: float
) -> Interval:
    tail = (1 - confidence) / 2
    if ratios is None:
        from scipy.special import ndtri

        low_ratio, high_ratio = float(ndtri(tail)), float(ndtri(1 - tail))
    else:
        at = max(0, int(tail * (len(ratios) + 1)) - 1)
        low_ratio, high_ratio = float(ratios[at]), float(ratios[len(ratios) - 1 - at])
    low = min(max(bounds[0], mean - high_ratio * error), mean)
    high = max(min(bounds[1], mean - low_ratio * error), mean)
    return Interval(low=low, high=high)


def difference_intervals(
    differences: Values, confidences: Sequence[float], *, most: float = 1.0, resamples: Resamples | None = None
) -> list[Interval]:
    """Paired bootstrap-t intervals of a mean difference of scores that lies between -most and most.

    Two items are added, one each way, as large as the differences usually are: without them, few differences among
    many equal answers make every bootstrap too sure (BCa covered as little as 68 % there, `make bench-eval`), as with
    D. G. Bonett and R. M. Price's adjustment for proportions, Statistics in Medicine 31 (2012). With no difference at
    all, the interval is as wide as the share of items that may yet differ, by C. J. Clopper and E. S. Pearson's bound.
    """
    seen = float(np.mean(differences))
    moving = differences[differences != 0.0]
    if not len(moving):
        reach = [most * (1 - ((1 - confidence) / 2) ** (1 / len(differences))) for confidence in confidences]
        return [Interval(low=-far, high=far) for far in reach]
    usual = float(np.sqrt(np.mean(moving**2)))
    added = np.concatenate([differences, [usual, -usual]])
    drawn = resamples or Resamples(len(added))
    found = drawn.intervals(added, confidences)
    return [Interval(low=max(-most, min(one.low, seen)), high=min(most, max(one.high, seen))) for one in found]


def sign_flip_p(differences: Values, *, draws: int = DRAWS) -> float:
    """Two-sided p-value of a paired permutation test: were the arms alike, each item's difference could as well have
    the other sign.

    R. A. Fisher, "The Design of Experiments" (1935), chapter 3. Exact where few items differ; else with random flips,
    the observed one counted in (B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", 2010).
    """
    moving = differences[np.abs(differences) > 1e-12]
    if not len(moving):
        return 1.0
    total = abs(float(np.sum(moving))) - _EQUAL * float(np.sum(np.abs(moving)))
    if len(moving) <= EXACT_AT_MOST:
        return float(np.mean(np.abs(_every_sum(moving)) >= total))
    if len(moving) >= NORMAL_FROM:
        from scipy.special import ndtr

        return float(2 * ndtr(-max(total, 0.0) / np.sqrt(np.sum(moving**2))))
    chance = np.random.default_rng(_seed(moving))
    beyond = 0
    rows = max(1, min(draws, 4_000_000 // len(moving)))
    for start in range(0, draws, rows):
        bits = chance.integers(0, 2, (min(rows, draws - start), len(moving)), dtype=np.int8)
        sums = bits.astype(np.float32) @ (2.0 * moving).astype(np.float32)
        beyond += int(np.sum(np.abs(sums.astype(np.float64) - float(np.sum(moving))) >= total))
    return (1 + beyond) / (1 + draws)


def _every_sum(values: Values) -> Values:
    """The sums with every choice of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _seed(values: Values) -> int:
    return int.from_bytes(hashlib.sha256(np.sort(np.round(values, 9)).tobytes()).digest()[:8], "big")


def effective_items(means: Values, confidence: float = 0.95) -> float:
    """How many independent answers the items' mean scores are worth, for a score interval of their mean.

    The design effect: what the mean would vary with independent right or wrong answers, over what it does vary. One
    item all right and one all wrong are added, else few errors make it too sure; and the t distribution's wider
    tails are in it (N. Dean, M. Pagano, "Evaluating confidence interval methods for binomial proportions in clustered
    surveys", Journal of Survey Statistics and Methodology 3 (2015)).
    """
    from scipy.special import ndtri, stdtrit

    count = len(means)
    if count < 2:
        return float(count)
    added = np.concatenate([means, [0.0, 1.0]])
    share = float(np.mean(added))
    tail = 0.5 + confidence / 2
    tails = float(ndtri(tail) / stdtrit(count - 1, tail))
    return count * share * (1 - share) / float(np.var(added, ddof=1)) * tails**2
