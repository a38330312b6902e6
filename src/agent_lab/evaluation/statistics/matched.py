"""Compares two arms that answered the same items once each, right or wrong: McNemar's test and Tango's interval.

Of an item only that counts on which the two differ: `only_arm` is the number that the arm alone got right,
`only_against` that which the other alone got right.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from agent_lab.contracts.evaluation_report import Interval

_STEP = 1e-12  # the score is not defined at the bounds and at the estimate themselves


def mcnemar_p(only_arm: int, only_against: int) -> float:
    """Two-sided p-value of the exact conditional test: are discordant items as often right in the one as in the other?

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947);
    the exact form is the sign test over the discordant pairs. 1 where there are none.
    """
    from scipy.special import bdtr

    discordant = only_arm + only_against
    return min(1.0, 2.0 * float(bdtr(min(only_arm, only_against), discordant, 0.5))) if discordant else 1.0


def tango_interval(only_arm: int, only_against: int, items: int, confidence: float = 0.95) -> Interval:
    """Score interval of the difference of two paired proportions.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17 (1998) 891-908: all differences that the score test does not reject. Chosen
    over Newcombe's method 10, whose coverage is further above what was asked for where both arms are mostly right
    (`make bench-eval`). Defined with no discordant pair, and with nothing but discordant pairs.
    """
    from scipy.optimize import brentq

    if items <= 0:
        return Interval(low=-1.0, high=1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    seen = (only_arm - only_against) / items

    def score(difference: float) -> float:
        return tango_score(only_arm, only_against, items, difference)

    low = -1.0 if only_against == items else brentq(lambda d: score(d) - z, -1 + _STEP, seen - _STEP)
    high = 1.0 if only_arm == items else brentq(lambda d: score(d) + z, seen + _STEP, 1 - _STEP)
    return Interval(low=float(low), high=float(high))


def tango_score(only_arm: int, only_against: int, items: int, difference: float) -> float:
    """How many standard errors the counts lie above that difference, the discordance being fitted to it."""
    a = 2.0 * items
    b = -only_arm - only_against + (2.0 * items - only_arm + only_against) * difference
    c = -only_against * difference * (1.0 - difference)
    share = (sqrt(max(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a)
    variance = items * max(2.0 * share + difference * (1.0 - difference), 0.0)
    gap = only_arm - only_against - items * difference
    if variance > 0.0:
        return gap / sqrt(variance)
    return 0.0 if gap == 0.0 else gap * float("inf")
