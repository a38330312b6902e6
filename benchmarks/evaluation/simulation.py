"""Simulated evaluations: how often each interval covers the truth, and how often each test sounds a false alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from agent_lab.contracts.evaluation_report import Interval
from agent_lab.evaluation.statistics.matched import mcnemar_p, tango_interval
from agent_lab.evaluation.statistics.power import mcnemar_power
from agent_lab.evaluation.statistics.proportions import wilson_interval
from agent_lab.evaluation.statistics.resampling import Resamples, difference_intervals, effective_items, sign_flip_p
from benchmarks.evaluation.rivals import bca_interval, newcombe_interval, t_interval, wald_interval
from benchmarks.evaluation.scenarios import ONCE, SEVERAL, Scenario, truth

ALPHA = 0.05
tango = lru_cache(maxsize=None)(tango_interval)
mcnemar = lru_cache(maxsize=None)(mcnemar_p)


def lines(*, quick: bool = False) -> Iterator[str]:
    """A table for one answer an item, one for several, and one of power."""
    evaluations = 300 if quick else 2000
    yield f"Share of {evaluations:,} evaluations whose 95 % interval covers the truth (mean width); false alarms (up)."
    yield "One answer an item, right or wrong; of the difference:"
    for number, scenario in enumerate(ONCE):
        yield f"  {scenario}  {_shown(coverage_once(scenario, evaluations, seed=number))}"
    yield "Several answers an item, or scores; of the difference, then of one arm's mean (clusters respected):"
    for number, scenario in enumerate(SEVERAL):
        yield f"  {scenario}  {_shown(coverage_several(scenario, evaluations, seed=number))}"
    yield "Costs, of which a few are large (lognormal); of the mean cost of an answer:"
    for items in (30, 100, 500):
        yield f"  n={items:<4} {_shown(coverage_of_costs(items, evaluations, seed=items))}"
    yield "How often McNemar's exact test finds a difference, promised and simulated:"
    for items, gain, discordant in ((100, 0.11, 0.15), (200, 0.08, 0.15), (500, 0.05, 0.15), (1319, 0.03, 0.15)):
        promised = mcnemar_power(items, gain, discordant=discordant)
        seen = power_seen(items, gain, discordant, evaluations * 2, seed=items)
        yield f"  n={items:<4} difference {gain:.2f}, {discordant:.0%} discordant: {promised:.3f} {seen:.3f}"


def coverage_once(scenario: Scenario, evaluations: int, *, seed: int) -> dict[str, tuple[float, float]]:
    """By method the share that covers, and the mean width; `alarms` and `alarms up` where there is no difference."""
    mine, theirs = scenario.draw(np.random.default_rng(seed), evaluations)
    right, other = mine > 0.5, theirs > 0.5
    both, only, against = (np.sum(x, axis=1) for x in (right & other, right & ~other, ~right & other))
    share, difference = truth(scenario)
    tally = _Tally(difference)
    alone = _Tally(share)
    for a, b, c in zip(both.tolist(), only.tolist(), against.tolist(), strict=True):
        tally.add("Tango", tango(b, c, scenario.items))
        tally.add("Newcombe 10", newcombe_interval(a, b, c, scenario.items - a - b - c))
        tally.add("Wald", wald_interval(b, c, scenario.items))
        alone.add("Wilson, one arm", wilson_interval((a + b) / scenario.items, scenario.items))
        tally.alarm(mcnemar(b, c), b - c)
    return {**tally.shares(), **alone.shares(), **tally.alarms()}


def coverage_several(
    scenario: Scenario, evaluations: int, *, seed: int, rivals: bool = True, draws: int = 2000
) -> dict[str, tuple[float, float]]:
    """The same for means over items."""
    chance = np.random.default_rng(seed)
    share, difference = truth(scenario)
    tally, alone = _Tally(difference), _Tally(share)
    resamples = Resamples(scenario.items + 2, draws=draws)
    for mine, theirs in zip(*scenario.draw(chance, evaluations), strict=True):
        gaps = mine - theirs
        tally.add("bootstrap-t", difference_intervals(gaps, (1 - ALPHA,), resamples=resamples)[0])
        alone.add("Wilson, effective", wilson_interval(float(mine.mean()), effective_items(mine)))
        if rivals:
            tally.add("BCa", bca_interval(gaps, chance))
            tally.add("t", t_interval(gaps))
            alone.add("BCa, one arm", bca_interval(mine, chance))
        if scenario.gain == 0:
            tally.alarm(sign_flip_p(gaps, draws=draws), float(gaps.sum()))
    return {**tally.shares(), **alone.shares(), **tally.alarms()}


def coverage_of_costs(items: int, evaluations: int, *, seed: int, draws: int = 2000) -> dict[str, tuple[float, float]]:
    """The same for the mean cost of an answer, where the dearest tenth costs more than twice the middle."""
    chance = np.random.default_rng(seed)
    tally = _Tally(float(np.exp(0.6**2 / 2)))
    resamples = Resamples(items, draws=draws)
    for costs in chance.lognormal(0, 0.6, (evaluations, items)):
        tally.add("bootstrap-t", resamples.intervals(costs, (1 - ALPHA,))[0])
        tally.add("BCa", bca_interval(costs, chance))
        tally.add("t", t_interval(costs))
    return tally.shares()


def power_seen(items: int, gain: float, discordant: float, evaluations: int, *, seed: int) -> float:
    """How often the test rejects, in the right direction."""
    shares = [(discordant + gain) / 2, (discordant - gain) / 2, 1 - discordant]
    drawn = np.random.default_rng(seed).multinomial(items, shares, size=evaluations)
    return sum(b > c and mcnemar(b, c) < ALPHA for b, c, _ in drawn.tolist()) / evaluations


class _Tally:
    """Counts for each method how often the truth was covered."""

    def __init__(self, true: float) -> None:
        self._true = true
        self._covered: dict[str, list[tuple[bool, float]]] = {}
        self._alarms: list[tuple[bool, bool]] = []

    def add(self, method: str, found: Interval) -> None:
        covers = found.low - 1e-12 <= self._true <= found.high + 1e-12
        self._covered.setdefault(method, []).append((covers, found.high - found.low))

    def alarm(self, p_value: float, gap: float) -> None:
        if self._true == 0:
            self._alarms.append((p_value < ALPHA, p_value < ALPHA and gap > 0))

    def shares(self) -> dict[str, tuple[float, float]]:
        return {
            name: (float(np.mean([one for one, _ in found])), float(np.mean([width for _, width in found])))
            for name, found in self._covered.items()
        }

    def alarms(self) -> dict[str, tuple[float, float]]:
        if not self._alarms:
            return {}
        either, up = (float(np.mean(column)) for column in zip(*self._alarms, strict=True))
        return {"alarms": (either, up)}


def _shown(found: dict[str, tuple[float, float]]) -> str:
    show: Callable[[str, float, float], str] = lambda name, one, two: f"{name} {one:.3f} ({two:.3f})"  # noqa: E731
    return "  ".join(show(name, *pair) for name, pair in found.items())
