"""Says, of the models that wait for room, which are loaded now, which others make way, and which are closed for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal

from agent_lab.providers.local.plan import Placement
from agent_lab.providers.local.residency.eviction import Occupant, Way, best_way
from agent_lab.providers.local.residency.placement import place
from agent_lab.providers.local.residency.state import Entry, Key, Memory, NoRoom, Rules


@dataclass(slots=True)
class Decision(Generic[Key]):
    """What is to be done now."""

    loads: list[tuple[Entry[Key], Placement]] = field(default_factory=list)
    unloads: list[Entry[Key]] = field(default_factory=list)
    closed: dict[Key, Key] = field(default_factory=dict)
    """Models in use that take no new leases, and the model that waits for the place of each."""


@dataclass(slots=True)
class Ledger:
    """What is left of each device: within its limit, and within what is really free. Bytes."""

    within_limit: dict[str, int]
    within_free: dict[str, int]

    def give(self, placement: Placement) -> None:
        """Count these bytes as left again."""
        self._add(placement, 1)

    def take(self, placement: Placement) -> None:
        """Count these bytes as taken."""
        self._add(placement, -1)

    def _add(self, placement: Placement, sign: int) -> None:
        for name in self.within_limit.keys() & placement.keys():
            self.within_limit[name] += sign * placement[name]
            self.within_free[name] += sign * placement[name]

    @property
    def rooms(self) -> dict[str, int]:
        """What one more model may have."""
        return {name: min(room, self.within_free[name]) for name, room in self.within_limit.items()}


def left_now(entries: Iterable[Entry[Key]], memory: Memory[Key]) -> Ledger:
    """What is left beside all reservations; what loads in flight have taken already is not known, so nothing."""
    ledger = Ledger(
        within_limit={name: room.limit_bytes for name, room in memory.rooms.items()},
        within_free={name: room.free_bytes for name, room in memory.rooms.items()},
    )
    for entry in entries:
        unused = _shared(memory.unused_bytes.get(entry.key, 0), entry.placement)
        for name in ledger.within_limit.keys() & entry.placement.keys():
            ledger.within_limit[name] -= entry.placement[name]
            ledger.within_free[name] -= entry.placement[name] if entry.stage == "loading" else unused[name]
    return ledger


def no_room(entry: Entry[Key], entries: Sequence[Entry[Key]], memory: Memory[Key]) -> NoRoom | None:
    """Why no model that may leave could make room for the entry; None where one could, or may turn out to."""
    pinned = tuple(other.key for other in entries if other.pinned)
    limits = {name: room.limit_bytes for name, room in memory.rooms.items()}
    ledger = left_now(entries, memory)
    for other in entries:
        if not other.pinned:
            ledger.give(other.placement)
            continue
        for name in limits.keys() & other.placement.keys():
            limits[name] -= other.placement[name]
    why: Literal["never", "taken"] = "never" if place(entry.need_bytes, limits) is None else "taken"
    rooms = limits if why == "never" else ledger.rooms
    # What a load in flight has taken of the free memory is not known, so nothing is said of it before it ends.
    is_open = any(other.stage == "loading" for other in entries) or place(entry.need_bytes, rooms) is not None
    if why == "taken" and is_open:
        return None
    room_bytes = sum(max(0, room) for room in rooms.values())
    return NoRoom(why=why, need_bytes=entry.need_bytes, room_bytes=room_bytes, pinned=pinned)


def decide(entries: Sequence[Entry[Key]], memory: Memory[Key], rules: Rules, now_s: float) -> Decision[Key]:
    """Who comes first has the first claim; others go ahead only with room that it does not wait for."""
    decision: Decision[Key] = Decision()
    round_ = _Round(
        present={one.key: one for one in entries if one.stage in {"loading", "ready"} and not one.pinned},
        later=left_now(entries, memory),
        decision=decision,
        rules=rules,
        now_s=now_s,
    )
    now = left_now(entries, memory)
    for entry in entries:
        if entry.stage == "leaving":
            round_.later.give(entry.placement)
    for entry in sorted((one for one in entries if one.stage == "waiting"), key=lambda one: one.since_s):
        rooms = _lesser(now.rooms, round_.later.rooms)
        placement = None if entry.awaits is not None else place(entry.need_bytes, rooms)
        if placement is None:
            round_.make_way(entry)
            continue
        decision.loads.append((entry, placement))
        now.take(placement)
        round_.later.take(placement)
    return decision


@dataclass(slots=True, kw_only=True)
class _Round(Generic[Key]):
    """What has been decided so far, while one entry after another has its turn."""

    present: dict[Key, Entry[Key]]
    """Models that may make way, now or one day, and that nobody who came before waits for."""
    later: Ledger
    """What will be left when all who make way are gone, beside what is kept for those who came before."""
    decision: Decision[Key]
    rules: Rules
    now_s: float

    def make_way(self, entry: Entry[Key]) -> None:
        """Let models make way for the entry where they may, and keep for it what they leave."""
        need_bytes, rooms = entry.need_bytes, self.later.rooms
        ready = [one for one in self.present.values() if one.stage == "ready"]
        idle = {one.key: _idle(one) for one in ready if not one.holders and one.rested_s(self.rules) <= self.now_s}
        way = best_way(need_bytes, rooms, list(idle.values()))
        if way is None:
            due = {one.key: _due(one, entry) for one in ready if one.yields_s(entry, self.rules) <= self.now_s}
            way = best_way(need_bytes, rooms, list((due | idle).values()))
        if way is not None:
            for occupant in way.leaving:
                self._goes(self.present[occupant.key], entry)
        elif self.now_s - entry.since_s >= self.rules.max_wait_s:
            # Nobody who came later may settle where this one, which has waited so long, will be.
            way = best_way(need_bytes, rooms, [_one_day(one) for one in self.present.values()])
        if way is not None:
            self._keep(way)

    def _goes(self, leaving: Entry[Key], entry: Entry[Key]) -> None:
        if leaving.holders:
            self.decision.closed[leaving.key] = entry.key
        else:
            self.decision.unloads.append(leaving)

    def _keep(self, way: Way[Key]) -> None:
        for occupant in way.leaving:
            self.later.give(occupant.placement)
            del self.present[occupant.key]
        self.later.take(way.placement)


def _idle(entry: Entry[Key]) -> Occupant[Key]:
    return Occupant(key=entry.key, placement=entry.placement, rank=entry.turn)


def _due(entry: Entry[Key], for_: Entry[Key]) -> Occupant[Key]:
    # One that is closed already for this model stays chosen, however its leases move its turn.
    rank = -1 if entry.closed_for == for_.key else entry.turn
    return Occupant(key=entry.key, placement=entry.placement, rank=rank, busy=bool(entry.holders))


def _one_day(entry: Entry[Key]) -> Occupant[Key]:
    rank = entry.ready_s if entry.stage == "ready" else float("inf")
    return Occupant(key=entry.key, placement=entry.placement, rank=rank, busy=True)


def _lesser(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: min(room, other[name]) for name, room in one.items()}


def _shared(total_bytes: int, placement: Placement) -> dict[str, int]:
    """The bytes by device, as the model itself is spread."""
    reserved = sum(placement.values()) or 1
    return {name: -(-total_bytes * part // reserved) for name, part in placement.items()}
