"""Says which idle models make way for a new one: the least recently used, and no more of them than needed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle(Generic[Key]):
    """A model in memory that nobody uses just now. `last_used` is any growing number."""

    key: Key
    size_gb: float
    last_used: float


def evictions(idle: Sequence[Idle[Key]], *, need_gb: float, room_gb: float) -> list[Key] | None:
    """The models to unload so that `need_gb` fits where `room_gb` is free; None where all of them are not enough."""
    chosen: list[Key] = []
    for model in sorted(idle, key=lambda one: one.last_used):
        if need_gb <= room_gb:
            break
        chosen.append(model.key)
        room_gb += model.size_gb
    return chosen if need_gb <= room_gb else None
