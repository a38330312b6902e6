"""Counts votes: plurality, weighted, Borda and Condorcet; ties are told, then broken by a stated rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agent_lab.nodes.voting.pairs import ranked_pairs

Method = Literal["plurality", "weighted", "borda", "condorcet"]
Tie = Literal["first", "none"]
"""`first`: of the choices that share the lead the one that was cast first wins. `none`: nobody does."""
MOST_RANKED = 32
"""Choices that are ranked against each other at the most; those that are named first."""
DIGITS = 9
"""Weights are sums of floats: what differs behind this digit is equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One vote. The ranking has the best choice first; without one it is the choice alone. None abstains."""

    voter: str
    choice: str | None
    weight: float = 1.0
    ranking: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, ...]:
        """The ranking without repetitions."""
        return tuple(dict.fromkeys(self.ranking)) or ((self.choice,) if self.choice is not None else ())

    @property
    def first(self) -> str | None:
        """What it puts first."""
        return next(iter(self.order), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A choice, its votes (Borda: points; Condorcet: rivals that it beats), and who puts it first."""

    choice: str
    votes: float
    voters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a vote came to. Counts: the most votes first, equal ones in the order in which they were cast."""

    counts: tuple[Count, ...]
    leaders: tuple[str, ...]
    """The choices that share the lead; one where the vote is decided."""
    winner: str | None
    abstained: int

    @property
    def tied(self) -> bool:
        """True where several choices share the lead."""
        return len(self.leaders) > 1

    @property
    def share(self) -> float:
        """The winner's part of all votes; 0 without a winner."""
        votes = {count.choice: count.votes for count in self.counts}
        total = sum(votes.values())
        return votes[self.winner] / total if self.winner is not None and total else 0.0


def count_votes(ballots: Sequence[Ballot], *, method: Method = "plurality", tie: Tie = "first") -> Outcome:
    """The outcome of the vote. Who voted when matters for nothing but the order of what is equal."""
    valid = [ballot for ballot in ballots if ballot.first is not None and ballot.weight > 0]
    names = tuple(dict.fromkeys(name for ballot in valid for name in ballot.order))
    if method in {"borda", "condorcet"}:
        names = names[:MOST_RANKED]
    votes, leaders = _METHODS[method](valid, names)
    first: dict[str, list[str]] = {name: [] for name in names}
    for ballot in valid:
        first.get(str(ballot.first), []).append(ballot.voter)
    # `sorted` leaves equal ones as they are: in the order in which they were cast.
    ordered = sorted(names, key=lambda name: (name not in leaders, -votes[name]))
    counts = tuple(Count(choice=name, votes=votes[name], voters=tuple(first[name])) for name in ordered)
    winner = leaders[0] if len(leaders) == 1 or (leaders and tie == "first") else None
    return Outcome(counts=counts, leaders=leaders, winner=winner, abstained=len(ballots) - len(valid))


Counting = Callable[[Sequence[Ballot], Sequence[str]], tuple[dict[str, float], tuple[str, ...]]]


def _plurality(ballots: Sequence[Ballot], names: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """A vote for what each ballot puts first."""
    votes = dict.fromkeys(names, 0.0)
    for ballot in ballots:
        votes[str(ballot.first)] += 1.0
    return votes, _leaders(votes)


def _weighted(ballots: Sequence[Ballot], names: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """As many votes as the voter has weight."""
    votes = dict.fromkeys(names, 0.0)
    for ballot in ballots:
        votes[str(ballot.first)] += ballot.weight
    return _rounded(votes)


def _borda(ballots: Sequence[Ballot], names: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """A point for each choice that a ballot puts below (J.-C. de Borda, "Mémoire sur les élections au scrutin", 1781).

    Choices that a ballot does not rank are below all that it ranks and level with each other: they share the points of
    their places, half a point for each of the others among them.
    """
    votes = dict.fromkeys(names, 0.0)
    for ballot in ballots:
        order = [name for name in ballot.order if name in votes]
        rest = len(names) - len(order)
        places = {name: float(len(names) - 1 - place) for place, name in enumerate(order)}
        for name in names:
            votes[name] += ballot.weight * places.get(name, (rest - 1) / 2)
    return _rounded(votes)


def _condorcet(ballots: Sequence[Ballot], names: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Ranked pairs over who beats whom."""
    margins = pair_margins(ballots, names)
    beaten = {name: float(sum(margin > 0 for (one, _), margin in margins.items() if one == name)) for name in names}
    return beaten, ranked_pairs(names, margins)


def pair_margins(ballots: Sequence[Ballot], names: Sequence[str]) -> dict[tuple[str, str], float]:
    """For each two choices how much more weight prefers the first of them; a choice that is not ranked is below."""
    over = {(one, other): 0.0 for one in names for other in names if one != other}
    for ballot in ballots:
        order = [name for name in ballot.order if name in set(names)]
        below = set(names)
        for name in order:
            below.discard(name)
            for other in below:
                over[name, other] += ballot.weight
    return {(one, other): round(over[one, other] - over[other, one], DIGITS) for one, other in over}


def _rounded(votes: dict[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    rounded = {name: round(number, DIGITS) for name, number in votes.items()}
    return rounded, _leaders(rounded)


def _leaders(votes: Mapping[str, float]) -> tuple[str, ...]:
    most = max(votes.values(), default=0.0)
    return tuple(name for name, number in votes.items() if number == most)


_METHODS: Mapping[Method, Counting] = {
    "plurality": _plurality,
    "weighted": _weighted,
    "borda": _borda,
    "condorcet": _condorcet,
}
