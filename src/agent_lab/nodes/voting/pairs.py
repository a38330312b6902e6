"""Finds who wins when choices are compared two by two, also where A beats B, B beats C and C beats A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby


def ranked_pairs(names: Sequence[str], margins: Mapping[tuple[str, str], float]) -> tuple[str, ...]:
    """The choices that are beaten by nobody once the clearest victories count first; several are level.

    Ranked pairs (T. N. Tideman, "Independence of clones as a criterion for voting rules", Social Choice and Welfare 4,
    1987): victories are locked in from the greatest margin down, but for those that would close a circle. Victories of
    the same margin are looked at together, and each that lies on a circle with what is locked and with the others is
    left out; so neither names nor the order of the ballots decide. Who beats everybody always wins alone, and no
    winner is outside the smallest set that beats all others (Smith's).
    """
    index = {name: place for place, name in enumerate(names)}
    victories = sorted((pair for pair, margin in margins.items() if margin > 0), key=lambda pair: -margins[pair])
    beats = [0] * len(names)  # a bit for each choice that the row's one is locked above
    for _, group in groupby(victories, key=lambda pair: margins[pair]):
        pairs = [(index[one], index[other]) for one, other in group]
        together = list(beats)
        for one, other in pairs:
            together[one] |= 1 << other
        leads = _leads(together)
        for one, other in pairs:
            if not leads[other] >> one & 1:
                beats[one] |= 1 << other
    beaten = 0
    for row in beats:
        beaten |= row
    return tuple(name for name in names if not beaten >> index[name] & 1)


def _leads(beats: Sequence[int]) -> list[int]:
    """Whom each choice leads to over any number of victories (Warshall's closure)."""
    leads = list(beats)
    for middle, row in enumerate(beats):
        bit = 1 << middle
        through = leads[middle] | row
        leads = [one | through if one & bit else one for one in leads]
    return leads
