"""Simulated evaluations of known truth: intervals cover it, tests keep their size, what cannot help is not praised.

The long run, with the methods that lost, is `make bench-eval`.
"""

from __future__ import annotations

import pytest
from benchmarks.evaluation.scenarios import Scenario
from benchmarks.evaluation.simulation import coverage_of_costs, coverage_once, coverage_several


def least(evaluations: int) -> float:
    """Three standard errors below 94 %, about the least that any of them has in the long run."""
    return 0.94 - 3 * (0.94 * 0.06 / evaluations) ** 0.5


@pytest.mark.parametrize("items", [30, 100, 500])
@pytest.mark.parametrize(("accuracy", "gain"), [(0.5, 0.1), (0.93, 0.04), (0.95, 0.0)])
def test_intervals_of_right_and_wrong_answers_cover_the_truth(items: int, accuracy: float, gain: float) -> None:
    found = coverage_once(Scenario(items, accuracy, gain), 500, seed=items)
    assert found["Tango"][0] >= least(500)
    assert found["Wilson, one arm"][0] >= least(500)


@pytest.mark.parametrize("items", [30, 100, 500])
@pytest.mark.parametrize(
    ("accuracy", "gain", "alike", "samples", "graded"),
    [(0.5, 0.05, 0.4, 3, False), (0.95, 0.02, 0.6, 5, False), (0.75, 0.05, 0.5, 1, True)],
)
def test_intervals_of_clusters_and_scores_cover_the_truth(
    items: int, accuracy: float, gain: float, alike: float, samples: int, graded: bool
) -> None:
    scenario = Scenario(items, accuracy, gain, alike, samples, graded)
    evaluations = 500 if items < 500 else 200
    found = coverage_several(scenario, evaluations, seed=items + 1, rivals=False, draws=1000)
    assert found["bootstrap-t"][0] >= least(evaluations)
    assert found["Wilson, effective"][0] >= least(evaluations)


@pytest.mark.parametrize("items", [30, 100])
def test_intervals_of_costs_of_which_a_few_are_large_cover_the_truth(items: int) -> None:
    assert coverage_of_costs(items, 400, seed=items, draws=1000)["bootstrap-t"][0] >= least(400)


def test_the_interval_that_lost_would_fail_here() -> None:
    found = coverage_several(Scenario(30, 0.95, 0.02, 0.6, 5), 200, seed=1, draws=1000)
    assert found["BCa"][0] < 0.85 < found["bootstrap-t"][0]


@pytest.mark.parametrize("scenario", [Scenario(100, 0.5), Scenario(500, 0.75), Scenario(1319, 0.95)])
def test_a_critic_that_is_noise_is_not_called_better_more_often_than_agreed(scenario: Scenario) -> None:
    either, better = coverage_once(scenario, 800, seed=11)["alarms"]
    assert either <= 0.05 + 0.023
    assert better <= 0.025 + 0.017


@pytest.mark.parametrize("scenario", [Scenario(30, 0.5, samples=3), Scenario(100, 0.75, graded=True)])
def test_the_sign_flip_test_keeps_its_size(scenario: Scenario) -> None:
    either, better = coverage_several(scenario, 400, seed=12, rivals=False, draws=1000)["alarms"]
    assert either <= 0.05 + 0.033
    assert better <= 0.025 + 0.024
