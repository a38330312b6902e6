"""Whole reports of simulated evaluations: verdicts come as often as agreed, and intervals hold the truth."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from benchmarks.evaluation.scenarios import Scenario, truth

from agent_lab.contracts.evaluation_report import PairedDifference
from agent_lab.evaluation.report.build import build_report
from support.cells import EQUAL, EQUAL_ORIGIN, FLOW, cells, info, items

EVALUATIONS = 200


def simulated(scenario: Scenario, number: int = EVALUATIONS, **spec: object) -> list[PairedDifference]:
    """The flow against its equal-cost baseline, again and again."""
    drawn = scenario.draw(np.random.default_rng(scenario.items), number)
    told, asked = info([FLOW, EQUAL], scenario.items, **spec), items(scenario.items)
    found = []
    for mine, theirs in zip(*drawn, strict=True):
        made = [*cells(FLOW.name, mine.tolist()), *cells(EQUAL.name, theirs.tolist())]
        report = build_report(told, asked, made, [EQUAL_ORIGIN], scorer_version="number@1", binary=not scenario.graded)
        found.append(report.differences[0])
    return found


def test_a_flow_that_cannot_help_is_not_called_better() -> None:
    verdicts = Counter(one.verdict for one in simulated(Scenario(60, 0.7)))
    assert verdicts["better"] <= EVALUATIONS * 0.025 + 3 * (EVALUATIONS * 0.025 * 0.975) ** 0.5
    assert verdicts["inconclusive"] >= EVALUATIONS * 0.9


@pytest.mark.parametrize(
    ("scenario", "number"), [(Scenario(60, 0.6, 0.1), EVALUATIONS), (Scenario(60, 0.7, 0.05, graded=True), 60)]
)
def test_the_intervals_of_reports_hold_the_true_difference(scenario: Scenario, number: int) -> None:
    _, true = truth(scenario)
    held = sum(one.interval.low <= true <= one.interval.high for one in simulated(scenario, number))
    assert held >= number * 0.95 - 3 * (number * 0.05 * 0.95) ** 0.5


def test_no_difference_is_seldom_claimed_where_the_truth_is_a_difference_that_matters() -> None:
    scenario = Scenario(200, 0.6, 0.15)
    _, true = truth(scenario)
    verdicts = Counter(one.verdict for one in simulated(scenario, margin=true))
    assert verdicts["no_difference"] <= EVALUATIONS * 0.05 + 3 * (EVALUATIONS * 0.05 * 0.95) ** 0.5
    assert verdicts["better"] > EVALUATIONS * 0.5
