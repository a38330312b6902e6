"""Finds places for the names of points where none covers another, a point, or the edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

GAP_PX = 3.0
_DISTANCES = (0.0, 14.0, 28.0, 46.0, 70.0)
_DIRECTIONS = (0.0, 180.0, -40.0, 40.0, -140.0, 140.0, -90.0, 90.0)
"""Degrees, clockwise from the right."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two have a place in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Whether it lies whole in the other."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a name stands."""

    box: Box
    form: int
    """Which of its forms there was room for."""
    far: bool
    """Whether a line must lead there."""


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[Sequence[tuple[float, float]]],
    *,
    frame: Box,
    radius: float,
    kept_free: Sequence[Box] = (),
) -> list[Placed | None]:
    """A place for each name near its point; None where there is none.

    `sizes`: of each name, the width and height of its forms, the one that is liked best first.
    """
    taken = [*kept_free, *(Box(x - radius, y - radius, x + radius, y + radius) for x, y in points)]
    found: list[Placed | None] = []
    for point, forms in zip(points, sizes, strict=True):
        tried = (_place(point, size, form, taken, frame, radius) for form, size in enumerate(forms))
        placed = next((place for place in tried if place is not None), None)
        found.append(placed)
        if placed is not None:
            taken.append(placed.box)
    return found


def _place(
    point: tuple[float, float], size: tuple[float, float], form: int, taken: Sequence[Box], frame: Box, radius: float
) -> Placed | None:
    for distance in _DISTANCES:
        for degrees in _DIRECTIONS:
            box = _beside(point, size, radius + GAP_PX + distance, math.radians(degrees))
            if box.within(frame) and not any(box.meets(other) for other in taken):
                return Placed(box, form, distance > 0)
    return None


def _beside(point: tuple[float, float], size: tuple[float, float], away: float, angle: float) -> Box:
    """The box whose nearest edge is so far away in that direction."""
    (x, y), (width, height) = point, size
    across, down = math.cos(angle), math.sin(angle)
    middle_x, middle_y = x + across * away, y + down * away
    left = middle_x - width / 2 + math.copysign(width / 2, across) * (abs(across) > 0.1)
    top = middle_y - height / 2 + math.copysign(height / 2, down) * (abs(down) > 0.1)
    return Box(left, top, left + width, top + height)
