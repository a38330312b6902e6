"""Keeps slots of three lengths: the last hour by seconds, the last day by minutes, the last month by half hours."""

from __future__ import annotations

from collections import deque
from typing import Literal

from agent_lab.telemetry.history.slots import Slot, merged

PERIOD_S = 5
MINUTE_S = 60
HALF_HOUR_S = 1800
HOUR_S = 3600
DAY_S = 86_400
KEPT_DAYS = 30

TierName = Literal["seconds", "minutes", "half_hours"]


class Tier:
    """Slots of one length; the oldest give way. What came since the last whole one is kept as it came."""

    def __init__(self, span_s: int, kept_s: int) -> None:
        self.span_s = span_s
        self.sealed: deque[Slot] = deque(maxlen=kept_s // span_s)
        self.open: list[Slot] = []

    def add(self, slot: Slot) -> Slot | None:
        """Take in what happened next; the slot that was completed by that, if one was."""
        whole = self.seal() if self.open and self._begin(self.open[0]) != self._begin(slot) else None
        self.open.append(slot)
        return whole

    def seal(self) -> Slot | None:
        """End the slot that is open, also before its time; None where nothing has happened in it."""
        if not self.open:
            return None
        whole = merged(self.open, at=self._begin(self.open[0]), span_s=self.span_s)
        self.sealed.append(whole)
        self.open = []
        return whole

    def _begin(self, slot: Slot) -> float:
        return slot.at // self.span_s * self.span_s


class Tiers:
    """All that is remembered: 720 slots of 5 s, 1,440 of a minute, 1,440 of half an hour, whatever happens.

    At rest that takes 2 MB, and 4 MB more for each model that answers all the time at widely different speeds.
    """

    def __init__(self) -> None:
        self.seconds: deque[Slot] = deque(maxlen=HOUR_S // PERIOD_S)
        self.minutes = Tier(MINUTE_S, DAY_S)
        self.half_hours = Tier(HALF_HOUR_S, KEPT_DAYS * DAY_S)

    def add(self, slot: Slot) -> Slot | None:
        """Take in the last few seconds; the minute that was completed by that, if one was."""
        self.seconds.append(slot)
        return self._up(self.minutes.add(slot))

    def restore(self, minute: Slot, *, now: float) -> None:
        """Take in a minute of before the start; they come in order."""
        if minute.at > now - HOUR_S:
            self.seconds.append(minute)
        if minute.at > now - DAY_S:
            self.minutes.sealed.append(minute)
        self.half_hours.add(minute)

    def seal(self) -> Slot | None:
        """End the open minute: the server stops."""
        return self._up(self.minutes.seal())

    def slots(self, tier: TierName) -> list[Slot]:
        """All slots of that length, in the order in which they came, and what happened since the last whole one."""
        if tier == "seconds":
            return list(self.seconds)
        if tier == "minutes":
            return [*self.minutes.sealed, *self.minutes.open]
        return [*self.half_hours.sealed, *self.half_hours.open, *self.minutes.open]

    def _up(self, minute: Slot | None) -> Slot | None:
        if minute is not None:
            self.half_hours.add(minute)
        return minute
