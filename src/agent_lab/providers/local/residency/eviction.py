"""Says which models make way for a new one, and where it then goes: none in use, the least recently used, and few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from agent_lab.providers.local.plan import Placement
from agent_lab.providers.local.residency.placement import place
from agent_lab.providers.local.residency.state import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant(Generic[Key]):
    """A model that may make way."""

    key: Key
    placement: Placement
    rank: float
    """The least goes first: any number that grows with its last use."""
    busy: bool = False
    """True: it has to be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way(Generic[Key]):
    """How room is made."""

    leaving: tuple[Occupant[Key], ...]
    placement: Placement

    @property
    def harm(self) -> tuple[int, int, int, float]:
        """Of two ways the one with less is taken: models in use, models, devices, and how recently they were used."""
        busy = sum(one.busy for one in self.leaving)
        return busy, len(self.leaving), len(self.placement), max((one.rank for one in self.leaving), default=0)


def best_way(need_bytes: int, rooms: Mapping[str, int], occupants: Sequence[Occupant[Key]]) -> Way[Key] | None:
    """The way that harms least to place a model where `rooms` are left; None where all of them are not enough."""
    at_once = place(need_bytes, rooms)
    if at_once is not None:
        return Way(leaving=(), placement=at_once)
    order = sorted(occupants, key=lambda one: (one.busy, one.rank))
    ways = [_way(need_bytes, {name: room}, order) for name, room in rooms.items()]
    if len(rooms) > 1:
        ways.append(_way(need_bytes, rooms, order))
    return min((way for way in ways if way is not None), key=lambda way: way.harm, default=None)


def _way(need_bytes: int, rooms: Mapping[str, int], order: Sequence[Occupant[Key]]) -> Way[Key] | None:
    chosen: list[Occupant[Key]] = []
    for occupant in order:
        if place(need_bytes, after(rooms, chosen)) is not None:
            break
        if rooms.keys() & occupant.placement.keys():
            chosen.append(occupant)
    # One that was chosen early may not be needed beside a large one that came later; the latest used is spared first.
    for occupant in reversed(tuple(chosen)):
        fewer = [one for one in chosen if one is not occupant]
        if place(need_bytes, after(rooms, fewer)) is not None:
            chosen = fewer
    placement = place(need_bytes, after(rooms, chosen))
    return None if placement is None else Way(leaving=tuple(chosen), placement=placement)


def after(rooms: Mapping[str, int], leaving: Sequence[Occupant[Key]]) -> dict[str, int]:
    """The rooms when these are gone."""
    return {name: room + sum(one.placement.get(name, 0) for one in leaving) for name, room in rooms.items()}
