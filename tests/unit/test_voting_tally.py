from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.nodes.voting.pairs import ranked_pairs
from agent_lab.nodes.voting.tally import Ballot, Method, count_votes, pair_margins

METHODS: tuple[Method, ...] = ("plurality", "weighted", "borda", "condorcet")
NAMES = ("a", "b", "c", "d")
rankings = st.permutations(NAMES).flatmap(lambda order: st.integers(1, 4).map(lambda many: tuple(order[:many])))
whole_rankings = st.permutations(NAMES).map(tuple)
weights = st.sampled_from([0.5, 1.0, 1.0, 2.0, 3.5])
votes = st.lists(st.tuples(rankings, weights), min_size=1, max_size=9)
whole_votes = st.lists(st.tuples(whole_rankings, weights), min_size=1, max_size=9)
methods = st.sampled_from(METHODS)


def ballots(cast: Sequence[tuple[Sequence[str], float]]) -> list[Ballot]:
    return [
        Ballot(voter=f"v{number}", choice=None, ranking=tuple(ranking), weight=weight)
        for number, (ranking, weight) in enumerate(cast)
    ]


def said(*choices: str | None, **more: Any) -> list[Ballot]:
    return [Ballot(voter=f"v{number}", choice=choice, **more) for number, choice in enumerate(choices)]


def test_most_votes_win_and_voters_are_told() -> None:
    outcome = count_votes(said("7", "8", "7", None))
    assert (outcome.winner, outcome.tied, outcome.abstained) == ("7", False, 1)
    assert [(count.choice, count.votes, count.voters) for count in outcome.counts] == [
        ("7", 2, ("v0", "v2")),
        ("8", 1, ("v1",)),
    ]
    assert outcome.share == pytest.approx(2 / 3)


def test_a_tie_is_told_and_broken_by_the_rule_that_was_stated() -> None:
    cast = said("8", "7", "7", "8", "9")
    first, none = count_votes(cast), count_votes(cast, tie="none")
    assert (first.tied, first.winner, first.leaders) == (True, "8", ("8", "7"))
    assert (none.tied, none.winner, none.share) == (True, None, 0.0)


def test_a_vote_without_a_choice_has_no_winner() -> None:
    outcome = count_votes(said(None, None))
    assert (outcome.winner, outcome.tied, outcome.counts, outcome.abstained) == (None, False, (), 2)


def test_weights_count_where_the_method_is_weighted_and_nowhere_in_plurality() -> None:
    cast = [*said("a", weight=3.0), *said("b", "b")]
    assert count_votes(cast, method="weighted").winner == "a"
    assert count_votes(cast, method="plurality").winner == "b"


def test_sums_of_weights_that_differ_by_rounding_alone_are_a_tie() -> None:
    cast = [*said("a", "a", "a", weight=0.1), *said("b", weight=0.3)]
    assert count_votes(cast, method="weighted").tied


def test_borda_lets_a_broad_second_choice_win() -> None:
    cast = ballots([("a", "b", "c")] * 0 + [(("a", "c", "b"), 1.0)] * 3 + [(("b", "c", "a"), 1.0)] * 3)
    outcome = count_votes(cast, method="borda")
    assert {count.choice: count.votes for count in outcome.counts} == {"a": 6, "b": 6, "c": 6}
    cast += ballots([(("c", "a", "b"), 1.0)])
    assert count_votes(cast, method="borda").winner == "c"


def test_what_borda_finds_unranked_shares_the_lowest_places() -> None:
    outcome = count_votes(ballots([(("a",), 1.0), (("b", "a", "c"), 1.0)]), method="borda")
    assert {count.choice: count.votes for count in outcome.counts} == {"a": 3, "b": 2.5, "c": 0.5}


def test_ranked_pairs_follow_tidemans_way_through_a_circle() -> None:
    """A beats B by 9, B beats C by 7, C beats A by 5: the weakest of them is left out."""
    margins = {("a", "b"): 9.0, ("b", "c"): 7.0, ("c", "a"): 5.0}
    margins |= {(other, one): -margin for (one, other), margin in margins.items()}
    assert ranked_pairs(("c", "b", "a"), margins) == ("a",)


def test_a_circle_of_equal_victories_is_a_tie() -> None:
    cast = ballots([(order, 1.0) for order in (("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b"))])
    outcome = count_votes(cast, method="condorcet")
    assert (set(outcome.leaders), outcome.tied) == ({"a", "b", "c"}, True)


@given(votes, methods, st.randoms(use_true_random=False))
def test_who_cast_a_ballot_and_when_does_not_matter(cast: list[Any], method: Method, random: Any) -> None:
    shuffled = random.sample(cast, len(cast))
    one, other = count_votes(ballots(cast), method=method), count_votes(ballots(shuffled), method=method)
    assert set(one.leaders) == set(other.leaders)
    assert {c.choice: c.votes for c in one.counts} == {c.choice: c.votes for c in other.counts}


@given(votes, methods, st.permutations(NAMES))
def test_choices_are_treated_alike_whatever_their_names(cast: list[Any], method: Method, names: list[str]) -> None:
    renamed = dict(zip(NAMES, names, strict=True))
    other = count_votes(
        ballots([(tuple(renamed[name] for name in order), weight) for order, weight in cast]), method=method
    )
    one = count_votes(ballots(cast), method=method)
    assert tuple(renamed[name] for name in one.leaders) == other.leaders


@given(votes, methods)
def test_a_vote_with_a_choice_has_leaders_and_only_a_tie_has_several(cast: list[Any], method: Method) -> None:
    outcome = count_votes(ballots(cast), method=method)
    assert outcome.winner == outcome.leaders[0]
    assert outcome.tied == (len(outcome.leaders) > 1)
    assert {count.choice for count in outcome.counts[: len(outcome.leaders)]} == set(outcome.leaders)
    assert 0 <= outcome.share <= 1
    assert sum(len(count.voters) for count in outcome.counts) == len(cast)


@given(votes, st.sampled_from(["plurality", "weighted", "borda"]), st.integers(0, 8))
def test_a_winner_stays_one_when_a_voter_lifts_it(cast: list[Any], method: Method, number: int) -> None:
    winner = str(count_votes(ballots(cast), method=method).winner)
    order, weight = cast[number % len(cast)]
    lifted = (winner, *(name for name in order if name != winner))
    changed = [*cast]
    changed[number % len(cast)] = (lifted, weight)
    assert winner in count_votes(ballots(changed), method=method).leaders


def beats_all(name: str, margins: dict[tuple[str, str], float]) -> bool:
    return all(margin > 0 for (one, _), margin in margins.items() if one == name)


@given(whole_votes)
def test_who_beats_everybody_wins_ranked_pairs_alone(cast: list[Any]) -> None:
    margins = pair_margins(ballots(cast), NAMES)
    for name in NAMES:
        if beats_all(name, margins):
            assert count_votes(ballots(cast), method="condorcet").leaders == (name,)


@given(votes)
def test_no_winner_of_ranked_pairs_is_outside_the_smallest_set_that_beats_all_others(cast: list[Any]) -> None:
    outcome = count_votes(ballots(cast), method="condorcet")
    names = tuple(count.choice for count in outcome.counts)
    margins = pair_margins(ballots(cast), names)
    for size in range(1, len(names)):
        for inside in permutations(names, size):
            others = set(names) - set(inside)
            if all(margins[one, other] > 0 for one in inside for other in others):
                assert set(outcome.leaders) <= set(inside)


@given(st.lists(st.lists(st.sampled_from(NAMES)).map(tuple), max_size=5), methods)
def test_any_ballots_are_counted_without_an_error(orders: list[tuple[str, ...]], method: Method) -> None:
    outcome = count_votes(ballots([(order, 1.0) for order in orders]), method=method)
    assert outcome.abstained == sum(not order for order in orders)
