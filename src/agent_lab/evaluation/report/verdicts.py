"""Says what may be said of a paired difference: better, worse, no difference larger than so much, or not known yet."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.evaluation_report import Verdict
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.evaluation.report.differences import Measured
from agent_lab.evaluation.report.table import ArmCells
from agent_lab.evaluation.report.words import (
    called,
    interval_text,
    p_text,
    points,
    points_at_most,
    points_word,
    rounded,
    times,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What was agreed on before the evaluation."""

    alpha: float
    margin: float
    judged: bool = False


def verdict_of(found: Measured, p_adjusted: float, rules: Rules) -> Verdict:
    """The verdict; the order of the questions is part of it.

    A difference is claimed only where the adjusted test and the interval both exclude 0. `no_difference` is the test
    of equivalence by two one-sided intervals (D. J. Schuirmann 1987; for paired proportions T. Tango 1998).
    """
    if found.cost_match is not None and not found.cost_match.equal:
        return "refused"
    if p_adjusted < rules.alpha and found.interval.low > 0:
        return "better"
    if p_adjusted < rules.alpha and found.interval.high < 0:
        return "worse"
    if largest(found) <= rules.margin:
        return "no_difference"
    return "inconclusive"


def largest(found: Measured) -> float:
    """The largest difference, either way, that is compatible with what was seen."""
    return max(abs(found.inner.low), abs(found.inner.high))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A pair with its p-value adjusted: what its sentence is made of."""

    found: Measured
    arm: ArmCells
    against: ArmCells
    p_adjusted: float
    together: int
    """How many tests were adjusted together."""
    of_many: str
    """What these tests are of: flows, arms, variants."""
    rules: Rules

    def sentence(self, verdict: Verdict) -> str:
        """The verdict in plain English, with points, interval and p-value."""
        words = {
            "better": self._better,
            "worse": self._better,
            "no_difference": self._no_difference,
            "inconclusive": self._inconclusive,
            "refused": self._refused,
        }
        return words[verdict]()

    def _other(self) -> str:
        return called(self.against, at_equal_cost=self.found.pair.at_equal_cost)

    def _interval(self) -> str:
        return interval_text(self.found.interval, 1 - self.rules.alpha)

    def _p(self) -> str:
        if self.together < 2:
            return p_text(self.found.p_value)
        return f"{p_text(self.p_adjusted)} after {self.holm}"

    @property
    def holm(self) -> Sentence:
        """Holm over 3 flows."""
        return said("holm_over", "Holm over {together} {what}", together=self.together, what=self.of_many)

    @property
    def method(self) -> Sentence:
        """The test and the interval, with their sources, and what they were adjusted for."""
        own = self.found.method
        return own if self.together < 2 else said("adjusted", "{method}; {holm}", method=own, holm=self.holm)

    def _at_cost(self) -> str:
        ratio = self.found.cost_ratio
        if self.found.pair.at_equal_cost or ratio is None:
            return ""
        return f", at {times(ratio)} its cost" if abs(ratio - 1) >= 0.005 else ", at the same cost"

    def _better(self) -> str:
        up = self.found.difference > 0
        if self.rules.judged:
            side = "preferred to" if up else "less liked than"
        else:
            side = "better than" if up else "worse than"
        said = (
            f"{self.arm.name} is {side} {self._other()} by {points(abs(self.found.difference))} points "
            f"({self._interval()}; {self._p()}){self._at_cost()}."
        )
        if abs(self.found.difference) < self.rules.margin:
            said += f" That is less than the {points_word(self.rules.margin)} that were said to matter."
        return said

    def _no_difference(self) -> str:
        return (
            f"{self.arm.name} and {self._other()} do not differ by more than {points_at_most(largest(self.found))} "
            f"points, which is within the {points_word(self.rules.margin)} that were said to matter "
            f"(difference {points(self.found.difference)}, {self._interval()}; {self._p()}){self._at_cost()}."
        )

    def _inconclusive(self) -> str:
        alpha = self.rules.alpha / self.together
        needed = self.found.needed(self.rules.margin, alpha)
        return (
            f"Whether {self.arm.name} is better or worse than {self._other()} cannot be told: the difference is "
            f"{points(self.found.difference)} points ({self._interval()}; {self._p()}){self._at_cost()}."
            f"{self._torn()} With {self.found.items:,} items you can see {points(self.found.smallest(alpha))} points; "
            f"to see {points_word(self.rules.margin)} takes about {rounded(needed):,}."
        )

    def _torn(self) -> str:
        interval = self.found.interval
        if interval.low <= 0 <= interval.high:
            return ""
        return f" The interval leaves 0 out, but p is not below {self.rules.alpha:g}, and a claim needs both."

    def _refused(self) -> str:
        match = self.found.cost_match
        said = f"Nothing is claimed of {self.arm.name} at equal cost. {match.sentence if match else ''}"
        if match is None or not match.ratio:
            return f"{said} Give its models prices, or compare by tokens (cost_unit)."
        return (
            f"{said} (The difference was {points(self.found.difference)} points, {self._interval()}.) More items bring "
            f"the costs closer; a wider cost_tolerance accepts them as they are."
        )
