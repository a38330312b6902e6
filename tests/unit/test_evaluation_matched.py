"""McNemar's test and Tango's interval against published tables, against statsmodels, and at their edges."""

from __future__ import annotations

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from benchmarks.evaluation.rivals import newcombe_interval
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from agent_lab.evaluation.statistics.holm import holm
from agent_lab.evaluation.statistics.matched import mcnemar_p, tango_interval, tango_score
from agent_lab.evaluation.statistics.proportions import wilson_interval

# M. W. Fagerland, S. Lydersen, P. Laake, "Recommended tests and confidence intervals for paired binomial proportions",
# Statistics in Medicine 33 (2014), and their package contingencytables: complete response before and after
# consolidation therapy (Cavo 2012), airway hyper-responsiveness before and after transplantation (Bentur 2009).
CAVO = (59, 6, 16, 80)
BENTUR = (1, 1, 7, 12)
# P. Armitage, G. Berry, "Statistical Methods in Medical Research" (1994), p. 127: two media for one culture.
ARMITAGE = (20, 12, 2, 16)


@pytest.mark.parametrize(
    ("only_arm", "only_against", "published"), [(6, 16, 0.052479), (1, 7, 0.0703125), (12, 2, 0.0129)]
)
def test_mcnemars_exact_test_gives_the_published_p_values(only_arm: int, only_against: int, published: float) -> None:
    assert mcnemar_p(only_arm, only_against) == pytest.approx(published, abs=5e-5 if published == 0.0129 else 5e-7)


@pytest.mark.parametrize(("table", "low", "high", "digits"), [(CAVO, -0.1240, -0.0054, 4), (BENTUR, -0.517, -0.026, 3)])
def test_tangos_interval_is_the_published_one(
    table: tuple[int, int, int, int], low: float, high: float, digits: int
) -> None:
    found = tango_interval(table[1], table[2], sum(table))
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


@pytest.mark.parametrize(
    ("table", "low", "high", "digits"),
    [(CAVO, -0.1186, -0.0046, 4), (BENTUR, -0.507, -0.026, 3), (ARMITAGE, 0.0562, 0.3292, 4)],
)
def test_newcombes_interval_that_it_is_weighed_against_is_the_published_one(
    table: tuple[int, int, int, int], low: float, high: float, digits: int
) -> None:
    found = newcombe_interval(*table)
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def test_mcnemars_test_agrees_with_statsmodels_for_every_small_table() -> None:
    for only_arm, only_against in itertools.product(range(25), range(25)):
        if only_arm + only_against:
            referee = mcnemar([[5, only_arm], [only_against, 5]], exact=True).pvalue
            assert mcnemar_p(only_arm, only_against) == pytest.approx(referee, abs=1e-12)


def test_no_discordant_item_is_no_evidence() -> None:
    assert mcnemar_p(0, 0) == 1.0
    found = tango_interval(0, 0, 44)
    z = NormalDist().inv_cdf(0.975)
    assert found.high == pytest.approx(z * z / (44 + z * z))
    assert found.low == pytest.approx(-found.high)


def test_an_interval_exists_where_every_item_is_discordant() -> None:
    all_up = tango_interval(30, 0, 30)
    assert all_up.high == 1.0
    assert 0.7 < all_up.low < 1.0
    even = tango_interval(15, 15, 30)
    assert even.low == pytest.approx(-even.high)
    assert tango_interval(0, 30, 30).low == -1.0


def test_with_no_items_everything_is_possible() -> None:
    found = tango_interval(0, 0, 0)
    assert (found.low, found.high) == (-1.0, 1.0)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 300), st.sampled_from((0.8, 0.9, 0.95, 0.99)))
def test_tangos_interval_holds_what_its_test_does_not_reject(b: int, c: int, concordant: int, level: float) -> None:
    items = b + c + concordant
    if not items:
        return
    z = NormalDist().inv_cdf(0.5 + level / 2)
    found, mirrored = tango_interval(b, c, items, level), tango_interval(c, b, items, level)
    assert found.low <= (b - c) / items <= found.high
    assert found.low == pytest.approx(-mirrored.high, abs=1e-7)
    for difference in np.linspace(-0.999, 0.999, 23):
        score = abs(tango_score(b, c, items, float(difference)))
        if abs(score - z) > 1e-6:
            assert (score < z) == (found.low < difference < found.high)


def test_whatever_the_exact_test_finds_the_interval_excludes_zero() -> None:
    for items in (10, 40, 200):
        for b, c in itertools.product(range(0, items + 1, max(1, items // 20)), repeat=2):
            if b + c <= items and mcnemar_p(b, c) < 0.05:
                found = tango_interval(b, c, items)
                assert found.low > 0 or found.high < 0


def test_wilsons_interval_agrees_with_statsmodels() -> None:
    for right, items in ((0, 10), (10, 10), (1, 29), (431, 600), (1319, 1319)):
        low, high = proportion_confint(right, items, method="wilson")
        found = wilson_interval(right / items, items)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998).
    published = wilson_interval(81 / 263, 263)
    assert (round(published.low, 4), round(published.high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("number", [1, 2, 3, 8, 30])
def test_holms_adjustment_agrees_with_statsmodels(number: int) -> None:
    p_values = (np.random.default_rng(number).random(number) ** 3).round(2).tolist()  # some of them equal
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_holms_adjustment_of_nothing_is_nothing() -> None:
    assert holm([]) == []
