"""What a number of items can show, against simulation and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.evaluation.simulation import power_seen
from scipy.stats import t
from statsmodels.stats.power import TTestPower

from agent_lab.evaluation.statistics.power import (
    items_needed,
    mcnemar_power,
    power_sentence,
    smallest_difference,
    smallest_mean_difference,
)


def test_two_hundred_items_show_eight_points() -> None:
    assert round(smallest_difference(200) * 100) == 8


def test_what_items_can_show_is_said_in_a_sentence() -> None:
    assert power_sentence(200).startswith("with 200 items you can see 8 points (80% power")
    assert power_sentence(1319).startswith("with 1,319 items you can see 3 points")
    assert power_sentence(20_000).startswith("with 20,000 items you can see 0.8 points")
    assert "no difference at all" in power_sentence(4)
    assert "disagree on 15% of the items" in power_sentence(200)
    assert "see 37 points (80% power; taken that two arms disagree on 37% of the items)" in power_sentence(20)


def test_five_items_show_nothing() -> None:
    assert smallest_difference(5) == 1.0
    assert smallest_difference(0) == 1.0
    assert smallest_difference(6) < 1.0


@pytest.mark.parametrize(
    ("items", "difference", "discordant"), [(30, 0.3, 0.4), (100, 0.11, 0.15), (200, 0.08, 0.1), (1319, 0.03, 0.2)]
)
def test_the_promised_power_is_what_simulated_evaluations_have(
    items: int, difference: float, discordant: float
) -> None:
    promised = mcnemar_power(items, difference, discordant=discordant)
    assert power_seen(items, difference, discordant, 8000, seed=items) == pytest.approx(promised, abs=0.017)


def test_without_a_difference_the_test_finds_one_upwards_at_most_as_often_as_agreed() -> None:
    for items in (10, 57, 200, 1319):
        for discordant in (0.05, 0.3, 1.0):
            assert mcnemar_power(items, 0.0, discordant=discordant) <= 0.025


def test_the_smallest_difference_has_the_power_that_was_asked_for() -> None:
    for items, discordant in ((50, 0.1), (200, 0.2), (5000, 0.15), (100_000, 0.15)):
        found = smallest_difference(items, discordant=discordant)
        assert mcnemar_power(items, found, discordant=discordant) == pytest.approx(0.8, abs=0.005)
        assert mcnemar_power(items, found * 0.9, discordant=discordant) < 0.8


def test_items_needed_are_enough_and_few_fewer_are_not() -> None:
    for difference in (0.02, 0.08, 0.3):
        needed = items_needed(difference)
        assert mcnemar_power(needed, difference) >= 0.8
        assert mcnemar_power(int(needed * 0.9), difference) < 0.8


def test_more_tests_or_more_disagreement_take_a_larger_difference() -> None:
    assert smallest_difference(200, alpha=0.01) > smallest_difference(200)
    assert smallest_difference(200, discordant=0.3) > smallest_difference(200, discordant=0.15)


def test_the_smallest_difference_of_scores_agrees_with_statsmodels() -> None:
    for items, spread in ((10, 0.3), (100, 0.4), (1319, 0.5)):
        referee = TTestPower().solve_power(nobs=items, alpha=0.05, power=0.8) * spread
        assert smallest_mean_difference(items, spread) == pytest.approx(referee, rel=1e-4)
    assert smallest_mean_difference(1, 0.3) == 1.0


def test_of_any_number_of_items_the_smallest_mean_difference_can_be_told() -> None:
    for alpha in (0.0001, 0.05, 0.4):
        seen = [smallest_mean_difference(items, 0.3, alpha=alpha) for items in (*range(2, 120), 1_319, 100_000)]
        assert seen == sorted(seen, reverse=True)
        assert seen[-1] > 0


def test_the_power_of_a_far_shift_agrees_with_draws() -> None:
    shift = smallest_mean_difference(3, 1.0, alpha=0.0005)
    drawn = np.random.default_rng(5).normal(shift, 1.0, (200_000, 3))
    ratios = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(3))
    assert np.mean(ratios > t.ppf(1 - 0.00025, 2)) == pytest.approx(0.8, abs=0.01)
