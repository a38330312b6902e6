"""Decides for a pipeline whether a change may pass: it may unless it is significantly worse on the same items."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation_report import Interval, PairedDifference, Report
from agent_lab.evaluation.report.words import interval_text, p_text, points


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether it may pass, why, and the difference by which that was decided, seen from the candidate."""

    passed: bool
    sentence: str
    difference: PairedDifference


def gate(report: Report, candidate: str, against: str | None = None) -> Gate:
    """Fails only on a paired significant loss, after adjustment; what is not known yet passes, and says so.

    `against` None: the candidate's baseline. Raises ValidationError where the report has no such pair, or the
    evaluation has not come to its end: what is left of it could be the loss.
    """
    if report.evaluation.status != "completed":
        raise ValidationError(
            f"The evaluation {report.evaluation.evaluation_id} has not come to its end "
            f"({report.evaluation.status}), and a gate takes all of it; resume it first."
        )
    found = _seen_from(report, candidate, against)
    alpha = report.evaluation.spec.alpha
    lost = found.p_adjusted < alpha and found.interval.high < 0
    interval = interval_text(found.interval, report.confidence)
    by = f"{points(found.difference)} points, {interval}, {p_text(found.p_adjusted)}"
    if lost:
        said = f"{candidate} is significantly worse than {found.against} on the same {found.items:,} items ({by})."
    elif found.p_adjusted < alpha and found.interval.low > 0:
        said = f"{candidate} is significantly better than {found.against} on the same {found.items:,} items ({by})."
    else:
        said = (
            f"No significant loss of {candidate} against {found.against} on the same {found.items:,} items ({by}); "
            f"a loss of {points(found.smallest_difference)} points shows in four of five such evaluations."
        )
    return Gate(passed=not lost, sentence=said, difference=found)


def _seen_from(report: Report, candidate: str, against: str | None) -> PairedDifference:
    for one in report.differences:
        if one.arm == candidate and against in (None, one.against):
            return one
        if against is not None and (one.arm, one.against) == (against, candidate):
            return _turned(one)
    pairs = "; ".join(f"{one.arm} against {one.against}" for one in report.differences) or "none"
    held = f" against {against!r}" if against else ""
    raise ValidationError(f"The evaluation does not compare {candidate!r}{held}. It compares: {pairs}.")


def _turned(one: PairedDifference) -> PairedDifference:
    """The same seen from the other arm."""
    verdicts = {"better": "worse", "worse": "better"}
    return one.model_copy(
        update={
            "arm": one.against,
            "against": one.arm,
            "difference": -one.difference,
            "interval": _mirrored(one.interval),
            "only_arm": one.only_against,
            "only_against": one.only_arm,
            "cost_difference": -one.cost_difference,
            "cost_interval": _mirrored(one.cost_interval),
            "cost_match": None,
            "verdict": verdicts.get(one.verdict, one.verdict),
        }
    )


def _mirrored(interval: Interval) -> Interval:
    return Interval(low=-interval.high, high=-interval.low)
