"""Writes figures of a report as its sentences need them: points, p-values, what an arm was held against."""

from __future__ import annotations

from math import ceil

from agent_lab.contracts.evaluation_report import Interval
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.evaluation.report.table import ArmCells


def points(share: float) -> str:
    """4.2: a share in points."""
    return f"{share * 100:.1f}".replace("-0.0", "0.0")


def points_at_most(share: float) -> str:
    """The same, never rounded down."""
    return f"{ceil(round(share * 1000, 6)) / 10:.1f}"


def points_word(share: float) -> str:
    """2 points, 0.5 points, 1 point."""
    text = f"{share * 100:.4g}"
    return f"{text} point" if text == "1" else f"{text} points"


def rounded(number: int) -> int:
    """A forecast, to two digits, up."""
    step = int("1" + "0" * max(0, len(str(number)) - 2))
    return -(-number // step) * step


def percent(share: float) -> str:
    """95 %, 97.5 %."""
    return f"{share * 100:.4g} %"


def p_text(p_value: float) -> str:
    """p = 0.007, p < 0.0001."""
    if p_value < 0.0001:
        return "p < 0.0001"
    return f"p = {p_value:.2g}" if p_value < 0.995 else "p = 1"


def interval_text(interval: Interval, confidence: float) -> str:
    """95 % interval 1.1 to 7.3."""
    return f"{percent(confidence)} interval {points(interval.low)} to {points(interval.high)}"


def times(ratio: float) -> str:
    """1.18 times, 12 times."""
    return (
        f"{ratio:.2f} times"
        if 0.095 <= ratio < 9.995
        else f"{ratio:,.0f} times"
        if ratio >= 1
        else f"{ratio:.2g} times"
    )


def called(arm: ArmCells, *, at_equal_cost: bool = False) -> str:
    """What the sentences call an arm: its name, or "3.6 votes at equal cost"."""
    if arm.kind != "equal_cost" or arm.origin is None or arm.origin.k is None:
        return f"{arm.name} at equal cost" if at_equal_cost else arm.name
    number = f"{arm.origin.k:.1f}".removesuffix(".0")
    votes = _votes(number, float(number))
    return f"{votes} at equal cost" if at_equal_cost else votes


def _votes(number: str, votes: float) -> Sentence:
    if number == "1":
        return said("one_vote", "1 vote")
    return said("votes", "{shown} votes", shown=number, votes=votes)
