"""A figure with its bound, and what a line of it says; the percentiles that all parts share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured. `at_most` and `at_least`: its bound, where it has one."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    more: str = ""

    @property
    def holds(self) -> bool:
        """False where a bound is broken."""
        below = self.at_most is None or self.value <= self.at_most
        return below and (self.at_least is None or self.value >= self.at_least)

    def line(self) -> str:
        """As it is printed."""
        bound = "" if self.at_most is None else f"  at most {self.at_most:g}"
        bound += "" if self.at_least is None else f"  at least {self.at_least:g}"
        word = f"{bound}  {'pass' if self.holds else 'FAIL'}" if bound else ""
        more = f"  ({self.more})" if self.more else ""
        return f"{self.what:<62}{self.value:>9.2f} {self.unit}{word}{more}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
