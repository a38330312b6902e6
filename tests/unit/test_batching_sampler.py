"""Drawing tokens: each answer by its own rules and its own chance, whoever is answered beside it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.registry import Sampling

torch: Any = pytest.importorskip("torch")
VOCABULARY = 12

rules = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 1.0]),
    top_k=st.sampled_from([0, 1, 3, 50]),
)
chances = st.floats(0, 1, exclude_max=True)
# No two alike: which of two equally likely tokens a cut leaves is nobody's promise.
score_rows = st.lists(st.integers(-120, 120), min_size=VOCABULARY, max_size=VOCABULARY, unique=True).map(
    lambda row: [score / 8 for score in row]
)


def draw(rows: list[list[float]], samplings: list[Sampling], numbers: list[float]) -> list[int]:
    from agent_lab.providers.local.batching.sampler import draw

    return draw(torch.tensor(rows), samplings, numbers)


def likelihoods(row: list[float], rule: Sampling) -> Any:
    """The distribution as transformers' own warpers cut it."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = TemperatureLogitsWarper(rule.temperature)(None, torch.tensor([row]))
    if rule.top_k:
        scores = TopKLogitsWarper(rule.top_k)(None, scores)
    if rule.top_p < 1:
        scores = TopPLogitsWarper(rule.top_p)(None, scores)
    return torch.softmax(scores.double(), dim=-1)[0].numpy()


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(score_rows, rules, chances), min_size=1, max_size=6))
def test_a_row_gets_the_same_token_alone_and_beside_others(rows: list[tuple[list[float], Sampling, float]]) -> None:
    together = draw([row for row, _, _ in rows], [rule for _, rule, _ in rows], [chance for _, _, chance in rows])
    alone = [draw([row], [rule], [chance])[0] for row, rule, chance in rows]
    assert together == alone


@settings(max_examples=200, deadline=None)
@given(row=score_rows, rule=rules, chance=chances)
def test_a_token_that_the_rules_cut_away_is_never_drawn(row: list[float], rule: Sampling, chance: float) -> None:
    token = draw([row], [rule], [chance])[0]
    if rule.temperature == 0:
        assert row[token] == max(row)
    else:
        assert likelihoods(row, rule)[token] > 0


@pytest.mark.parametrize(
    "rule",
    [Sampling(temperature=1), Sampling(temperature=0.7, top_k=4), Sampling(temperature=1.3, top_p=0.8)],
)
def test_tokens_come_as_often_as_they_are_likely(rule: Sampling) -> None:
    row = np.random.default_rng(3).normal(0, 1.5, VOCABULARY).tolist()
    count = 4000
    tokens = draw([row] * count, [rule] * count, [(number + 0.5) / count for number in range(count)])
    found = np.bincount(tokens, minlength=VOCABULARY) / count
    # The chances are spread evenly, so that each share is met but for one chance at either end.
    assert np.abs(found - likelihoods(row, rule)).max() <= 2 / count + 1e-6


def test_chance_at_its_ends_draws_a_token_that_can_be_drawn() -> None:
    row = [-1e4, 0.0, -1e4, 0.0, -1e4]
    assert draw([row, row], [Sampling(temperature=1)] * 2, [0.0, float(np.nextafter(1, 0))]) == [1, 3]
