"""Says how many answers a vote has for each item so that on average it costs what a flow costs; pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent_lab.contracts.evaluation import CostUnit
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.nodes.sampling import MAX_SAMPLES

Place = tuple[str, int]
"""An item, and a sample of it."""


@dataclass(frozen=True, slots=True)
class Match:
    """How many answers an item the money of a flow buys, or why it buys no vote."""

    k: float
    refusal: Sentence | None = None


def matched(flow_cost: float, single_cost: float, *, tolerance: float, unit: CostUnit) -> Match:
    """From the measured mean costs of the flow and of a single answer."""
    if single_cost <= 0:
        return Match(
            0.0,
            said(
                "single_costs_nothing",
                "a single answer costs nothing that can be measured in {unit}",
                unit=_UNITS[unit],
            ),
        )
    k = flow_cost / single_cost
    if k < 1 - tolerance:
        return Match(
            k,
            said(
                "buys_not_one",
                "the flow costs {times:.2f} times a single answer, so its money buys not even one",
                times=k,
            ),
        )
    if k > MAX_SAMPLES:
        return Match(
            k,
            said(
                "vote_too_large",
                "the flow costs {times:.1f} times a single answer, and a vote has {most} at the most",
                times=k,
                most=MAX_SAMPLES,
            ),
        )
    return Match(max(k, 1.0))


_UNITS = {
    "usd": said("unit_usd", "USD"),
    "tokens": said("unit_tokens", "tokens"),
    "generated_tokens": said("unit_generated_tokens", "tokens written"),
}


def mixture(k: float, places: Sequence[Place], seed: int) -> dict[Place, int]:
    """Each place has the whole number below k or the one above it, in the proportion that makes k of them on average;
    between 1 and 3 it has 1 or 3, for of two answers that differ the first one wins, and the second is for nothing.

    Which has more is drawn by a hash: nothing that is known of an item has a say in it, and a change of k moves as few
    of them as it must.
    """
    least, most = _around(k)
    more = round((k - least) / (most - least) * len(places))
    drawn = sorted(places, key=lambda place: _draw(place, seed))
    return {place: most if number < more else least for number, place in enumerate(drawn)}


def _around(k: float) -> tuple[int, int]:
    if k < 3:
        return 1, 3
    least = min(math.floor(k), MAX_SAMPLES - 1)
    return least, least + 1


def mended(k: float, flow_cost: float, measured_cost: float) -> float:
    """The k that would have cost what the flow costs, by what the first mixture has cost."""
    return min(max(1.0, k * flow_cost / measured_cost), float(MAX_SAMPLES)) if measured_cost > 0 else k


def _draw(place: Place, seed: int) -> bytes:
    item, sample = place
    return hashlib.sha256(f"mixture/{seed}/{sample}/{item}".encode("utf-8", "surrogatepass")).digest()
