"""The bootstrap over items and the sign-flip test: exact where they can be, the same each time, sound at the edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from agent_lab.evaluation.statistics.matched import mcnemar_p
from agent_lab.evaluation.statistics.resampling import (
    Resamples,
    difference_intervals,
    effective_items,
    sign_flip_p,
)

# C. Darwin, "The Effects of Cross and Self Fertilisation" (1876), as R. A. Fisher took it up in "The Design of
# Experiments" (1935), section 21: heights of 15 pairs of plants, in eighths of an inch.
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)


def test_fishers_own_example_has_his_p_value() -> None:
    assert sign_flip_p(DARWIN) == pytest.approx(1726 / 32768, abs=1e-12)


def test_few_items_are_flipped_in_every_way() -> None:
    chance = np.random.default_rng(3)
    for count in (1, 4, 9):
        values = chance.normal(0.3, 1, count)
        ways = [abs(np.dot(values, signs)) for signs in itertools.product((1, -1), repeat=count)]
        expected = np.mean(np.array(ways) >= abs(values.sum()) - 1e-9)
        assert sign_flip_p(values) == pytest.approx(expected)


def test_many_items_are_flipped_at_random_and_agree_with_scipy() -> None:
    values = np.random.default_rng(4).normal(0.12, 1, 300)
    referee = permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    )
    assert sign_flip_p(values) == pytest.approx(referee.pvalue, abs=0.01)


@pytest.mark.parametrize("samples", [3, 7, 10])
def test_means_of_samples_that_tie_are_counted_as_ties(samples: int) -> None:
    for count in (17, 40):
        right = np.random.default_rng(count).integers(-samples, samples + 1, count)
        right = right[right != 0]
        values = right / samples
        ways = {0: 1.0}
        for step in map(abs, map(int, right)):
            ways = {
                total: (ways.get(total - step, 0.0) + ways.get(total + step, 0.0)) / 2
                for total in range(min(ways) - step, max(ways) + step + 1)
            }
        exact = sum(share for total, share in ways.items() if abs(total) >= abs(int(right.sum())))
        assert sign_flip_p(values, draws=100_000) == pytest.approx(exact, abs=0.008)


def test_of_right_and_wrong_answers_the_sign_flip_test_is_mcnemars() -> None:
    for only_arm, only_against in ((12, 2), (6, 8), (9, 0)):
        values = np.array([1.0] * only_arm + [-1.0] * only_against + [0.0] * 50)
        assert sign_flip_p(values) == pytest.approx(mcnemar_p(only_arm, only_against))


def test_very_many_items_take_the_normal_form_without_a_jump() -> None:
    values = np.random.default_rng(5).choice([-1.0, 1.0], 19_999, p=[0.49, 0.51])
    below = sign_flip_p(values)
    above = sign_flip_p(np.append(values, 1.0))
    assert above == pytest.approx(below, abs=0.004)


def test_the_same_content_has_the_same_figures_in_whatever_order() -> None:
    values = np.random.default_rng(6).normal(0.1, 1, 200)
    assert sign_flip_p(values) == pytest.approx(sign_flip_p(values[::-1].copy()), abs=0.005)
    assert sign_flip_p(values) == sign_flip_p(values.copy())
    assert difference_intervals(values, (0.95,)) == difference_intervals(values.copy(), (0.95,))


def test_no_difference_at_all_leaves_room_for_items_that_were_not_asked() -> None:
    (found,) = difference_intervals(np.zeros(100), (0.95,))
    assert found.low == pytest.approx(-found.high)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_one_item_that_differs_is_not_a_narrow_interval() -> None:
    values = np.zeros(30)
    values[3] = 1.0
    (found,) = difference_intervals(values, (0.95,))
    assert found.low < 0 < found.high


def test_equal_costs_have_an_interval_without_width() -> None:
    (found,) = Resamples(5).intervals(np.full(5, 120.0), (0.95,))
    assert (found.low, found.high) == (120.0, 120.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from((-1.0, -0.5, 0.0, 0.0, 0.5, 1.0)), min_size=1, max_size=40))
def test_an_interval_always_holds_what_was_seen_and_stays_within_bounds(values: list[float]) -> None:
    wide, narrow = difference_intervals(np.array(values), (0.95, 0.9), resamples=None)
    seen = float(np.mean(values))
    assert -1 <= wide.low <= narrow.low <= seen + 1e-12
    assert seen - 1e-12 <= narrow.high <= wide.high <= 1


def test_answers_to_one_item_that_are_always_alike_count_once() -> None:
    chance = np.random.default_rng(8)
    alike = chance.binomial(1, 0.7, 400) * 1.0
    independent = chance.binomial(10, 0.7, 400) / 10
    assert effective_items(alike) == pytest.approx(400, rel=0.03)
    assert effective_items(independent) == pytest.approx(4000, rel=0.2)
