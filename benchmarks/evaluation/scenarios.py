"""Simulated evaluations whose truth is known: items of differing difficulty, which the arms share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two arms over the same items. An item's difficulty is drawn from a beta distribution around `accuracy`."""

    items: int
    accuracy: float
    gain: float = 0.0
    """By how much the arm is likelier to be right than the other, as far as the item allows."""
    alike: float = 0.5
    """How far difficulty differs between items, from 0 to 1: it makes the arms agree."""
    samples: int = 1
    graded: bool = False
    """Scores between 0 and 1 in place of right or wrong."""

    def __str__(self) -> str:
        what = "scores" if self.graded else f"{self.samples} answer{'s' if self.samples > 1 else ''} an item"
        return f"n={self.items:<4} p={self.accuracy:.2f} gain={self.gain:+.2f} {what}"

    def draw(self, chance: np.random.Generator, evaluations: int) -> tuple[Values, Values]:
        """The items' mean scores of both arms, a row for each evaluation."""
        arm, other = self._likely(chance, (evaluations, self.items))
        if self.graded:
            noise = chance.normal(0, 0.15, (2, evaluations, self.items))
            return np.clip(arm + noise[0], 0, 1), np.clip(other + noise[1], 0, 1)
        return chance.binomial(self.samples, arm) / self.samples, chance.binomial(self.samples, other) / self.samples

    def _likely(self, chance: np.random.Generator, shape: tuple[int, int]) -> tuple[Values, Values]:
        weight = (1 - self.alike) / self.alike
        other = chance.beta(self.accuracy * weight, (1 - self.accuracy) * weight, shape)
        return np.clip(other + self.gain, 0, 1), other


@lru_cache(maxsize=64)
def truth(scenario: Scenario) -> tuple[float, float]:
    """The arm's mean score and its difference, from two million items."""
    mine, theirs = scenario.draw(np.random.default_rng(5), 2_000_000 // scenario.items)
    if scenario.gain == 0:
        return float(mine.mean()), 0.0
    return float(mine.mean()), float((mine - theirs).mean())


ONCE = tuple(
    Scenario(items, accuracy, gain)
    for items in (30, 100, 500)
    for accuracy, gain in ((0.5, 0.0), (0.5, 0.1), (0.75, 0.05), (0.95, 0.0), (0.93, 0.04))
)
SEVERAL = tuple(
    Scenario(items, accuracy, gain, alike, samples, graded)
    for items in (30, 100, 500)
    for accuracy, gain, alike, samples, graded in (
        (0.5, 0.05, 0.4, 3, False),
        (0.75, 0.05, 0.5, 3, False),
        (0.95, 0.0, 0.4, 3, False),
        (0.95, 0.02, 0.6, 5, False),
        (0.75, 0.05, 0.5, 1, True),
        (0.95, 0.0, 0.4, 1, True),
    )
)
