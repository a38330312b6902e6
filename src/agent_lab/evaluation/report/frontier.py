"""Finds the arms that are worth their price: no other is at least as good for less."""

from __future__ import annotations

from collections.abc import Mapping


def frontier(arms: Mapping[str, tuple[float, float]]) -> set[str]:
    """Of arms with their mean score and cost, those that no other beats: as good for less, or better for as much."""
    on_it = set()
    for name, (score, cost) in arms.items():
        beaten = any(
            (other_score >= score and other_cost < cost) or (other_score > score and other_cost <= cost)
            for other_score, other_cost in arms.values()
        )
        if not beaten:
            on_it.add(name)
    return on_it
