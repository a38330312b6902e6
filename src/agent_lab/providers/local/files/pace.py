"""Tells from the bytes so far how long the rest takes; pure, with the time handed in."""

from __future__ import annotations

from collections import deque

WINDOW_S = 15.0
"""The speed is that of so many seconds: a line that has become slow is told so soon."""
CERTAIN_AFTER_S = 0.5


class Pace:
    """How fast bytes come. `at_s` is any clock that only goes forward."""

    def __init__(self, at_s: float, done_bytes: int = 0) -> None:
        self._seen: deque[tuple[float, int]] = deque([(at_s, done_bytes)])

    def note(self, at_s: float, done_bytes: int) -> None:
        """So many bytes are there at that time."""
        if at_s > self._seen[-1][0]:
            self._seen.append((at_s, done_bytes))
        else:
            self._seen[-1] = (self._seen[-1][0], done_bytes)
        while len(self._seen) > 2 and self._seen[1][0] <= at_s - WINDOW_S:
            self._seen.popleft()

    def bytes_per_s(self) -> float | None:
        """None where it cannot be told yet."""
        (began_s, before), (now_s, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now_s - began_s) if now_s - began_s >= CERTAIN_AFTER_S else None

    def seconds_left(self, total_bytes: int) -> float | None:
        """Until all bytes are there; None where it cannot be told."""
        speed = self.bytes_per_s()
        left = max(total_bytes - self._seen[-1][1], 0)
        if left == 0:
            return 0.0
        return left / speed if speed is not None and speed > 0 else None
