"""Says whether, and after how long, a request to the lab is sent once more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Bounded in tries; what the lab may have heard is repeated only where that is safe."""

    attempts: int = 3
    first_wait_s: float = 0.1

    def wait_s(self, attempt: int, *, was_heard: bool, may_repeat: bool, jitter: float) -> float | None:
        """Seconds until the next try after the one of that number, from 1; None means give up.

        `was_heard`: the lab may have begun with it. `jitter`: from 0 to 1.
        """
        if attempt >= self.attempts or (was_heard and not may_repeat):
            return None
        return self.first_wait_s * 4.0 ** (attempt - 1) * (0.5 + jitter / 2)
