"""Measures the paired difference of two arms: its test, its interval, what it could have shown, and the costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent_lab.contracts.evaluation_report import CostMatch, Interval
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.evaluation.report.pairing import Pair
from agent_lab.evaluation.report.table import ArmCells
from agent_lab.evaluation.report.words import called, percent, times
from agent_lab.evaluation.statistics.matched import mcnemar_p, tango_interval
from agent_lab.evaluation.statistics.power import items_needed, smallest_difference, smallest_mean_difference
from agent_lab.evaluation.statistics.resampling import Resamples, difference_intervals, sign_flip_p

Values = NDArray[np.float64]
Judging = Literal["direct", "shared"]
"""Of scores that are a judge's preferences. `direct`: the judge has compared the arm with what it is held against.
`shared`: it has compared both with the same third one."""
ONCE = said("mcnemar", "exact McNemar test (1947); score interval of T. Tango (1998)")
PREFERRED = said("sign_test", "exact sign test; score interval of T. Tango (1998)")
SEVERAL = said("sign_flip", "sign-flip permutation test over items; paired bootstrap-t interval over items")


class ResamplesByItems(dict[int, Resamples]):
    """The resamples for each number of items, made when they are first asked for."""

    def __missing__(self, items: int) -> Resamples:
        self[items] = Resamples(items)
        return self[items]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A pair's figures before its p-value is adjusted and anything is said of it."""

    pair: Pair
    items: int
    binary: bool
    exact: bool
    """Whether each item speaks once, for the one, for the other, or for neither: its test is exact."""
    counts: tuple[int, int, int, int]
    """Items that both got right, the arm alone, the other alone, neither."""
    difference: float
    interval: Interval
    inner: Interval
    """At one minus twice alpha: what lies within it all, is within it at alpha in each direction."""
    p_value: float
    discordant: float
    """Share of the items on which just one is right; of scores, their differences' standard deviation."""
    cost_difference: float
    cost_interval: Interval
    cost_ratio: float | None
    """What the arm costs over what it is held against; None where one of them is not known, or 0."""
    cost_match: CostMatch | None

    @property
    def method(self) -> Sentence:
        """The test and the interval, with their sources."""
        if self.binary:
            return ONCE
        return PREFERRED if self.exact else SEVERAL

    def smallest(self, alpha: float) -> float:
        """The smallest difference that so many items show at 80 % power."""
        if self.exact:
            return smallest_difference(self.items, alpha=alpha, discordant=self.discordant)
        return min(2.0, smallest_mean_difference(self.items, self.discordant, alpha=alpha))

    def needed(self, difference: float, alpha: float) -> int:
        """How many items show such a difference."""
        if self.exact:
            return items_needed(difference, alpha=alpha, discordant=self.discordant)
        seen = self.smallest(alpha)
        return max(self.items, round(self.items * (seen / difference) ** 2)) if seen > difference else self.items


def measure(
    pair: Pair,
    arm: ArmCells,
    against: ArmCells,
    *,
    alpha: float,
    tolerance: float,
    judging: Judging | None,
    binary: bool,
    drawn: ResamplesByItems,
) -> Measured | None:
    """The pair's figures over the items that both have; None where there are none.

    `binary`: whether every score is right or wrong.
    """
    common = [item for item in arm.by_item if item in against.by_item]
    if not common:
        return None
    mine = np.array([arm.scores[item] for item in common])
    theirs = np.array([against.scores[item] for item in common])
    counts = _counts(mine, theirs)
    binary = binary and judging is None and arm.once and against.once
    differences = _differences(mine, theirs, judging)
    exact = binary or (judging == "direct" and arm.one_each and bool(np.all(np.isin(differences, (-1.0, 0.0, 1.0)))))
    if exact:
        tested = _once(differences, alpha)
    else:
        tested = _several(differences, alpha, 2.0 if judging == "shared" else 1.0, drawn)
    my_costs = np.array([arm.costs[item] for item in common])
    their_costs = np.array([against.costs[item] for item in common])
    known = arm.cost_known and against.cost_known
    mean_cost, their_mean = fsum(my_costs) / len(common), fsum(their_costs) / len(common)
    return Measured(
        pair=pair,
        items=len(common),
        binary=binary,
        exact=exact,
        counts=counts,
        difference=fsum(differences) / len(common),
        interval=tested.interval,
        inner=tested.inner,
        p_value=tested.p_value,
        discordant=tested.discordant,
        cost_difference=mean_cost - their_mean,
        cost_interval=drawn[len(common)].intervals(my_costs - their_costs, (1 - alpha,))[0],
        cost_ratio=mean_cost / their_mean if known and mean_cost > 0 and their_mean > 0 else None,
        cost_match=_match(arm, against, mean_cost, their_mean, tolerance) if pair.at_equal_cost else None,
    )


@dataclass(frozen=True, slots=True)
class _Tested:
    interval: Interval
    inner: Interval
    p_value: float
    discordant: float


def _once(differences: Values, alpha: float) -> _Tested:
    items = len(differences)
    only_arm, only_against = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    return _Tested(
        tango_interval(only_arm, only_against, items, 1 - alpha),
        tango_interval(only_arm, only_against, items, 1 - 2 * alpha),
        mcnemar_p(only_arm, only_against),
        (only_arm + only_against + 1) / (items + 2),
    )


def _several(differences: Values, alpha: float, most: float, drawn: ResamplesByItems) -> _Tested:
    resamples = drawn[len(differences) + 2]  # with the two that are added
    interval, inner = difference_intervals(differences, (1 - alpha, 1 - 2 * alpha), most=most, resamples=resamples)
    return _Tested(interval, inner, sign_flip_p(differences), _spread(differences))


def _counts(mine: Values, theirs: Values) -> tuple[int, int, int, int]:
    right, other = mine >= 1.0, theirs >= 1.0
    return (
        int(np.sum(right & other)),
        int(np.sum(right & ~other)),
        int(np.sum(~right & other)),
        int(np.sum(~right & ~other)),
    )


def _differences(mine: Values, theirs: Values, judging: Judging | None) -> Values:
    """Of preferences: the share preferred minus the share not."""
    if judging == "direct":
        return 2 * mine - 1
    return 2 * (mine - theirs) if judging == "shared" else mine - theirs


def _spread(differences: Values) -> float:
    """Their standard deviation, with one more difference of one each way, so that it is never 0."""
    return sqrt(fsum([*((differences - differences.mean()) ** 2), 2.0]) / (len(differences) + 1))


def _match(arm: ArmCells, against: ArmCells, cost: float, baseline: float, tolerance: float) -> CostMatch:
    name, other = arm.name, called(against)
    unknown = [one.name for one in (arm, against) if not one.cost_known]
    if unknown or cost <= 0:
        form = "What {arm} costs is not known, so that nothing can be said at equal cost."
        sentence = said("cost_not_known", form, arm=(unknown or [name])[0])
        return CostMatch(ratio=0.0, tolerance=tolerance, equal=False, sentence=sentence, said=sentence.told)
    ratio = baseline / cost
    equal = abs(ratio - 1) <= tolerance
    sentence = _matched(equal, other=other, arm=name, ratio=ratio, tolerance=tolerance)
    return CostMatch(ratio=ratio, tolerance=tolerance, equal=equal, sentence=sentence, said=sentence.told)


def _matched(equal: bool, *, other: str, arm: str, ratio: float, tolerance: float) -> Sentence:
    figures = {"other": other, "arm": arm, "ratio": said("times", "{shown}", shown=times(ratio), ratio=ratio)}
    tolerated = said("percent", "{shown}", shown=percent(tolerance), share=tolerance)
    if equal:
        form = "{other} cost {ratio} what {arm} costs, within the {tolerated} that are tolerated."
        return said("cost_within", form, **figures, tolerated=tolerated)
    form = "{other} cost {ratio} what {arm} costs, outside the {tolerated} that are tolerated."
    return said("cost_outside", form, **figures, tolerated=tolerated)
