"""Says when a vote needs no more votes: it cannot change any more, or more votes are not worth their price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

LOOK_AHEAD = 16
"""Votes that are thought of at once."""


def cannot_be_overtaken(tally: Mapping[str, float], left: float) -> bool:
    """True once the leader stays ahead, not even level, whatever the weight that is `left` to be cast goes to."""
    first, second = sorted((*tally.values(), 0.0, 0.0), reverse=True)[:2]
    return first > 0 and first > second + max(left, 0.0)


def worth_another(tally: Mapping[str, int], left: int, *, value_usd: float, price_usd: float) -> bool:
    """True while one more vote is expected to be worth its price. `value_usd`: what a better winner is worth."""
    return left > 0 and chance_of_change(tally, left) * value_usd >= price_usd


def chance_of_change(tally: Mapping[str, int], left: int) -> float:
    """The chance that more votes change the winner, for each vote of the best number of them; 0 to 1.

    Votes to come are drawn from the Dirichlet-multinomial posterior: each choice seen so far has as many chances as it
    has votes and one more, and one chance is kept for a choice that was not seen yet (Laplace's rule of succession).
    For every number of votes up to `left` (and LOOK_AHEAD) the chance that a rival passes the leader is divided by that
    number, and the greatest such value counts: with one vote alone nothing would ever change after two equal ones
    (P. Frazier, W. Powell, "Paradoxes in learning and the marginal value of information", Decision Analysis 7, 2010).
    A tie where there was none is half a change. Chances of several rivals are added: too high rather than too low.
    """
    if left < 1:
        return 0.0
    if not tally:
        return 1.0
    leader, *rivals = sorted(tally.values(), reverse=True)
    total = sum(tally.values()) + len(tally) + 1
    most = min(left, LOOK_AHEAD)
    changes = [0.0] * most
    for rival, how_many in Counter((*rivals, 0)).items():
        chances = _passed(leader, rival, total - leader - rival - 2, most)
        changes = [change + how_many * chance for change, chance in zip(changes, chances, strict=True)]
    return max(min(1.0, change) / votes for votes, change in enumerate(changes, start=1))


@lru_cache(maxsize=4096)
def _passed(leader: int, rival: int, others: int, most: int) -> tuple[float, ...]:
    """For 1 to `most` votes to come: the chance that the rival is ahead after them, with half that of a new tie.

    Pólya's urn: each vote makes its choice likelier by one. `others`: the chances of everybody else.
    """
    states = {(0, 0): 1.0}
    passed = []
    for drawn in range(most):
        following: dict[tuple[int, int], float] = {}
        whole = leader + 1 + rival + 1 + others + drawn
        for (for_leader, for_rival), chance in states.items():
            up, down = (leader + 1 + for_leader) / whole, (rival + 1 + for_rival) / whole
            ways = (((for_leader + 1, for_rival), up), ((for_leader, for_rival + 1), down))
            for state, share in (*ways, ((for_leader, for_rival), 1 - up - down)):
                following[state] = following.get(state, 0.0) + chance * share
        states = following
        leads = {state: leader + state[0] - rival - state[1] for state in states}
        tie = 0.5 if leader > rival else 0.0
        passed.append(sum(chance * (1.0 if leads[s] < 0 else tie) for s, chance in states.items() if leads[s] <= 0))
    return tuple(passed)
