"""The gate for pipelines: only a paired significant loss closes it."""

from __future__ import annotations

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import ImportedArm
from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.report.build import build_report
from agent_lab.evaluation.report.gate import gate
from support.cells import cells, info, items, table

OLD, NEW = ImportedArm(name="old"), ImportedArm(name="new")


def report_of(counts: tuple[int, int, int, int]) -> Report:
    """The new prompt against the old one."""
    mine, theirs = table(*counts)
    made = [*cells("new", mine), *cells("old", theirs)]
    told = info([OLD, NEW], len(mine), baseline="old")
    return build_report(told, items(len(mine)), made, [], scorer_version="number@1", binary=True)


def test_a_significant_loss_closes_the_gate() -> None:
    found = gate(report_of((300, 10, 40, 50)), "new")
    assert not found.passed
    assert found.sentence.startswith("new is significantly worse than old on the same 400 items (-7.5 points")
    assert found.difference.verdict == "worse"


def test_a_gain_passes() -> None:
    found = gate(report_of((300, 40, 10, 50)), "new", "old")
    assert found.passed
    assert "significantly better" in found.sentence


def test_what_is_not_known_passes_and_says_what_would_have_shown() -> None:
    found = gate(report_of((80, 3, 7, 10)), "new")
    assert found.passed
    assert "No significant loss of new against old" in found.sentence
    assert "shows in four of five such evaluations" in found.sentence


@pytest.mark.parametrize("status", ["running", "cancelled", "failed", "limit_exceeded"])
def test_half_an_evaluation_opens_no_gate(status: str) -> None:
    found = report_of((80, 3, 7, 10))
    half = found.model_copy(update={"evaluation": found.evaluation.model_copy(update={"status": status})})
    with pytest.raises(ValidationError, match="resume it first"):
        gate(half, "new")


def test_the_pair_may_be_asked_for_from_either_side() -> None:
    found = gate(report_of((300, 40, 10, 50)), "old", "new")
    assert not found.passed
    assert (found.difference.arm, found.difference.verdict) == ("old", "worse")
    assert (found.difference.only_arm, found.difference.only_against) == (10, 40)
    assert found.difference.interval.high < 0


def test_a_pair_that_was_not_compared_is_named_with_those_that_were() -> None:
    with pytest.raises(ValidationError, match=r"does not compare 'newest' against 'old'.*new against old"):
        gate(report_of((300, 40, 10, 50)), "newest", "old")
