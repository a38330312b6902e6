"""Says when a silent worker process counts as hung, and when one that dies again and again is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a worker process may be silent, in seconds."""

    beat_s: float = 1.0
    """How often it says that it lives."""
    dead_s: float = 30.0
    """Without such a sign, while it has work."""
    load_s: float = 300.0
    """The same while it loads: reading libraries from a slow disk holds up everything else in the process."""
    answer_s: float = 600.0
    """Without a word of any answer, while answers are being written."""
    close_s: float = 10.0
    """From being told to end until it is killed."""

    def hung(self, *, loading: bool, answering: bool, since_beat_s: float, since_word_s: float) -> str | None:
        """What is wrong with a worker that has been silent for so long; None while nothing is."""
        if loading and since_beat_s > self.load_s:
            return f"gave no sign of life for {self.load_s:g} s while it loaded"
        if answering and since_beat_s > self.dead_s:
            return f"gave no sign of life for {self.dead_s:g} s"
        if answering and since_word_s > self.answer_s:
            return f"wrote nothing for {self.answer_s:g} s"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPolicy:
    """A model whose worker dies `deaths` times within `within_s` is not started again for `rest_s` seconds."""

    deaths: int = 3
    within_s: float = 60.0
    rest_s: float = 60.0

    def rests_s(self, died_at_s: Sequence[float], now_s: float) -> float | None:
        """Seconds until it may be started again; None where it may be now. `died_at_s`: growing times."""
        last = died_at_s[-self.deaths :]
        if len(last) < self.deaths or last[-1] - last[0] > self.within_s:
            return None
        left_s = last[-1] + self.rest_s - now_s
        return left_s if left_s > 0 else None
