from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.nodes.voting.stopping import cannot_be_overtaken, chance_of_change, worth_another
from agent_lab.nodes.voting.tally import Ballot, count_votes

votes = st.lists(st.sampled_from("abc"), min_size=1, max_size=16)
tallies = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 20), min_size=1)


def winner(cast: str | list[str]) -> str | None:
    return count_votes([Ballot(voter=str(number), choice=choice) for number, choice in enumerate(cast)]).winner


@given(votes)
def test_an_early_stop_never_changes_who_wins(cast: list[str]) -> None:
    for heard in range(len(cast) + 1):
        if cannot_be_overtaken(Counter(cast[:heard]), len(cast) - heard):
            assert winner(cast[:heard]) == winner(cast)
            assert not count_votes([Ballot(voter=str(n), choice=one) for n, one in enumerate(cast)]).tied


@given(votes, st.integers(0, 16))
def test_as_long_as_it_goes_on_the_votes_to_come_could_bring_at_least_a_tie(cast: list[str], left: int) -> None:
    tally = Counter(cast)
    if not cannot_be_overtaken(tally, left):
        ordered = [*tally.most_common(), ("new", 0)]
        assert ordered[1][1] + left >= ordered[0][1]


def test_nothing_is_decided_before_a_vote() -> None:
    assert not cannot_be_overtaken({}, 0)
    assert cannot_be_overtaken({"a": 1}, 0)
    assert not cannot_be_overtaken({"a": 2, "b": 1}, 1)
    assert cannot_be_overtaken({"a": 2.5, "b": 1}, 1)


@given(tallies, st.integers(0, 40))
def test_a_chance_is_a_chance_and_more_votes_do_not_lower_it(tally: dict[str, int], left: int) -> None:
    chance = chance_of_change(tally, left)
    assert 0 <= chance <= 1
    assert chance <= chance_of_change(tally, left + 1)
    assert (chance > 0) == (left > 0 and not cannot_be_overtaken(tally, min(left, 16)))


@given(tallies, st.integers(1, 16))
def test_a_longer_lead_leaves_less_to_expect(tally: dict[str, int], left: int) -> None:
    leader = max(tally, key=lambda name: tally[name])
    ahead = {**tally, leader: tally[leader] + 1}
    assert chance_of_change(ahead, left) <= chance_of_change(tally, left) + 1e-12


@given(tallies, st.integers(1, 16))
def test_names_do_not_matter(tally: dict[str, int], left: int) -> None:
    renamed = {f"{name}{name}": number for name, number in reversed(tally.items())}
    assert abs(chance_of_change(tally, left) - chance_of_change(renamed, left)) < 1e-12


def test_the_chance_of_one_more_vote_is_laplaces() -> None:
    """After one vote for a, another choice has a chance of 1/3, and would bring a tie: half a change."""
    assert abs(chance_of_change({"a": 1}, 1) - 1 / 6) < 1e-12
    # a: 3 + 1, b: 3 + 1, a new choice: 1. One more vote for b changes the winner.
    assert abs(chance_of_change({"a": 3, "b": 3}, 1) - 4 / 9) < 1e-12


@given(tallies, st.integers(0, 16), st.floats(0, 100), st.floats(0, 1))
def test_more_votes_are_bought_while_they_are_worth_their_price(
    tally: dict[str, int], left: int, value_usd: float, price_usd: float
) -> None:
    worth = worth_another(tally, left, value_usd=value_usd, price_usd=price_usd)
    assert not (worth and left == 0)
    if worth:
        assert worth_another(tally, left, value_usd=2 * value_usd, price_usd=price_usd)
        assert worth_another(tally, left, value_usd=value_usd, price_usd=price_usd / 2)


def test_a_dear_vote_is_bought_while_it_is_close_and_not_once_it_is_clear() -> None:
    assert worth_another({"a": 1, "b": 1}, 8, value_usd=1.0, price_usd=0.1)
    assert not worth_another({"a": 4}, 8, value_usd=1.0, price_usd=0.1)
    assert worth_another({"a": 2}, 8, value_usd=1.0, price_usd=0.001), "two equal votes alone are no proof"
