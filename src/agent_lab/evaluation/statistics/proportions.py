"""Gives a share of right answers its interval."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from agent_lab.contracts.evaluation_report import Interval


def wilson_interval(share: float, number: float, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion seen in so many independent answers; the number may be an effective one.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
    """
    if number <= 0:
        return Interval(low=0.0, high=1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number)) / (1 + z * z / number)
    return Interval(low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))
