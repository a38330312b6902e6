"""Says what a number of items can show, and how many are needed to see a difference."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, isnan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POWER = 0.8
ASSUMED_DISCORDANT = 0.15
"""Share of the items on which two arms are assumed to disagree before anything has been measured. Arms of 70-90 %
accuracy over the same models disagree on 10-20 % of the items; what a run shows replaces this."""
ITEMS_AT_MOST = 100_000_000


@lru_cache(maxsize=256)
def smallest_difference(
    items: int, *, alpha: float = 0.05, power: float = POWER, discordant: float = ASSUMED_DISCORDANT
) -> float:
    """The smallest difference of two accuracies, as a part of 1, that McNemar's exact test finds so often.

    `discordant`: the share of items on which just one of the two is right; a difference larger than it raises it.
    1 where no difference can be seen at all, as with five items.
    """
    from scipy.optimize import brentq

    def beyond(difference: float) -> float:
        return mcnemar_power(items, difference, alpha=alpha, discordant=discordant) - power

    if items < 1 or beyond(1.0) < 0:
        return 1.0
    return float(brentq(beyond, 1e-9, 1.0, xtol=1e-5))


def power_sentence(
    items: int, *, alpha: float = 0.05, power: float = POWER, discordant: float = ASSUMED_DISCORDANT
) -> str:
    """What so many items can show, in words: "with 200 items you can see 8 points"."""
    number = f"{items:,} {'item' if items == 1 else 'items'}"
    smallest = smallest_difference(items, alpha=alpha, power=power, discordant=discordant)
    if smallest >= 1:
        return f"with {number} you can see no difference at all; take more"
    points = f"{smallest * 100:.0f}" if smallest >= 0.0295 else f"{smallest * 100:.1f}"
    return (
        f"with {number} you can see {points} points "
        f"({power:.0%} power; taken that two arms disagree on {max(discordant, smallest):.0%} of the items)"
    )


@lru_cache(maxsize=256)
def items_needed(
    difference: float, *, alpha: float = 0.05, power: float = POWER, discordant: float = ASSUMED_DISCORDANT
) -> int:
    """How many items show such a difference of two accuracies so often.

    The normal form gives the start (R. J. Connor, "Sample size for testing differences in proportions for the
    paired-sample design", Biometrics 43 (1987) 207-211), the exact power the rest.
    """
    difference = abs(difference)
    discordant = min(1.0, max(discordant, difference))
    normal = NormalDist()
    z_alpha, z_power = normal.inv_cdf(1 - alpha / 2), normal.inv_cdf(power)
    root = z_alpha * sqrt(discordant) + z_power * sqrt(max(discordant - difference**2, 0.0))
    low = high = ceil(root**2 / difference**2)
    if high > ITEMS_AT_MOST:
        return high
    while mcnemar_power(high, difference, alpha=alpha, discordant=discordant) < power:
        low, high = high, ceil(high * 1.1) + 1
    while high - low > 1:
        middle = (low + high) // 2
        enough = mcnemar_power(middle, difference, alpha=alpha, discordant=discordant) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def mcnemar_power(
    items: int, difference: float, *, alpha: float = 0.05, discordant: float = ASSUMED_DISCORDANT
) -> float:
    """How often McNemar's exact test finds that difference (in its direction): over all numbers of discordant items."""
    import numpy as np
    from scipy.special import bdtrc, gammaln, xlog1py, xlogy

    share = min(1.0, max(discordant, abs(difference)))
    spread = 8.0 * sqrt(items * share * (1 - share)) + 8.0
    pairs = np.arange(max(0, int(items * share - spread)), min(items, ceil(items * share + spread)) + 1)
    weights = np.exp(
        gammaln(items + 1) - gammaln(pairs + 1) - gammaln(items - pairs + 1)
        + xlogy(pairs, share) + xlog1py(items - pairs, -share)
    )  # fmt: skip
    tail = _largest_tail(pairs, alpha)
    right = (share + abs(difference)) / (2 * share)
    found = np.where(tail >= 0, bdtrc(np.maximum(pairs - tail - 1, 0), pairs, right), 0.0)
    return min(1.0, float(np.sum(weights * found)))


def _largest_tail(pairs: NDArray[np.int64], alpha: float) -> NDArray[np.int64]:
    """By number of discordant pairs, the largest smaller count at which the test still rejects; -1: it never does."""
    import numpy as np
    from scipy.special import bdtr

    z = NormalDist().inv_cdf(1 - alpha / 2)
    tail = np.minimum(np.floor(pairs / 2 - z * np.sqrt(pairs) / 2).astype(np.int64) + 3, pairs)
    while True:
        too_many = (tail >= 0) & (bdtr(np.maximum(tail, 0), pairs, 0.5) > alpha / 2)
        if not too_many.any():
            return np.maximum(tail, -1)
        tail = tail - too_many


def smallest_mean_difference(items: int, spread: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """The same for scores whose differences have that standard deviation: by the power of the paired t-test."""
    from scipy.optimize import brentq
    from scipy.special import chdtrc, nctdtr, stdtrit

    if items < 2 or spread <= 0:
        return 1.0 if items < 2 else 0.0
    freedom = items - 1
    critical = float(stdtrit(freedom, 1 - alpha / 2))

    def beyond(shift: float) -> float:
        missed = float(nctdtr(freedom, shift, critical))
        if isnan(missed):  # scipy has no number for a far shift, where nothing but the spread's own estimate varies
            missed = float(chdtrc(freedom, freedom * (shift / critical) ** 2))
        return 1.0 - missed - power

    most = critical + 50.0
    while beyond(most) < 0:
        most *= 2
    return float(brentq(beyond, 0.0, most)) * spread / sqrt(items)
