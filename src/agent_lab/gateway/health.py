"""Remembers how long each model took of late."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

KEPT = 50
ENOUGH = 5
"""Answers before a figure is worth telling."""


@dataclass(slots=True)
class Latencies:
    """Seconds from the call to the end of the answer, of each model's last answers."""

    _last: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, model_key: str, seconds: float) -> None:
        """Note an answer."""
        self._last.setdefault(model_key, deque(maxlen=KEPT)).append(seconds)

    def p50_s(self, model_key: str) -> float | None:
        """The median; None until a few answers have come."""
        last = self._last.get(model_key, ())
        return statistics.median(last) if len(last) >= ENOUGH else None
