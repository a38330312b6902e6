"""Says which devices a model is put on: the one where it fits best, and several only where no single one has room."""

from __future__ import annotations

from collections.abc import Mapping

from agent_lab.providers.local.plan import Placement


def place(need_bytes: int, rooms: Mapping[str, int]) -> Placement | None:
    """Bytes by device for a model of that size; None where it fits nowhere. `rooms`: bytes left, by device.

    A single device with the least room that suffices; else as few as can be, an equal share on each.
    """
    fitting = [(room, name) for name, room in rooms.items() if room >= need_bytes]
    if fitting:
        return {min(fitting)[1]: need_bytes}
    return _spread(need_bytes, rooms)


def _spread(need_bytes: int, rooms: Mapping[str, int]) -> Placement | None:
    widest: list[tuple[str, int]] = []
    for name, room in sorted(rooms.items(), key=lambda item: (-item[1], item[0])):
        widest.append((name, max(0, room)))
        if sum(room for _, room in widest) >= need_bytes:
            return _shares(need_bytes, widest)
    return None


def _shares(need_bytes: int, widest: list[tuple[str, int]]) -> Placement:
    # The smallest room first: what it cannot hold of its equal share goes to the wider ones.
    shares: dict[str, int] = {}
    left_bytes = need_bytes
    for done, (name, room) in enumerate(reversed(widest)):
        share = min(room, -(-left_bytes // (len(widest) - done)))
        shares[name] = share
        left_bytes -= share
    return {name: shares[name] for name, _ in widest}
