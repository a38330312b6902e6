"""Tells from the answers so far how long the others will take; pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

LATEST = 50
"""Answers of an arm whose pace counts: a provider may become slower or faster."""
FEWEST = 3


@dataclass(slots=True)
class Pace:
    """The pace of each arm, and how many answers are given side by side."""

    worked_s: float = 0.0
    """By all answers together."""
    _latest: dict[str, deque[float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def took(self, arm: str, seconds: float) -> None:
        """Note an answer."""
        self.worked_s += seconds
        self.counts[arm] += 1
        self._latest.setdefault(arm, deque(maxlen=LATEST)).append(seconds)

    def left_s(self, waiting: Mapping[str, int], elapsed_s: float) -> float | None:
        """Seconds until all that wait are answered; None until it can be told. An arm of which nothing is known yet is
        taken to be as fast as the others on average."""
        if sum(self.counts.values()) < FEWEST or elapsed_s <= 0:
            return None
        means = {arm: sum(latest) / len(latest) for arm, latest in self._latest.items()}
        usual = sum(means.values()) / len(means)
        work_s = sum(count * means.get(arm, usual) for arm, count in waiting.items())
        side_by_side = max(1.0, self.worked_s / elapsed_s)
        return round(work_s / side_by_side, 1)
