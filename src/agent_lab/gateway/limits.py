"""Counts what a provider and its models still take: requests and tokens a minute, and calls at the same time."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.registry import RateLimits

NO_LIMITS = RateLimits(queue=sys.maxsize)
_ROUNDING = 1e-6
"""A millionth of a request or token: what floats may be off by, and nobody's limit."""


@dataclass(slots=True)
class Bucket:
    """Fills evenly and holds a minute's worth, as the vendors' own buckets do. No clock inside; seconds.

    Below zero it is in debt: an answer was longer than had been reserved for it, and whoever comes next waits.
    """

    per_min: int
    level: float = 0.0
    filled_at: float = -math.inf

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until the bucket holds that amount; 0 where it does."""
        self._fill(now)
        missing = amount - self.level
        return 0.0 if missing <= _ROUNDING else missing * 60.0 / self.per_min

    def take(self, amount: float, now: float) -> None:
        """Take out, or put back where negative; what does not fit in is lost."""
        self._fill(now)
        self.level = min(self.level - amount, float(self.per_min))

    def _fill(self, now: float) -> None:
        if now > self.filled_at:
            self.level = min(float(self.per_min), self.level + (now - self.filled_at) * self.per_min / 60.0)
            self.filled_at = now


@dataclass(slots=True)
class Meter:
    """What one row, of a provider or of a model, still takes of this process."""

    name: str
    limits: RateLimits = NO_LIMITS
    in_use: int = 0
    _requests: Bucket | None = field(init=False)
    _tokens: Bucket | None = field(init=False)

    def __post_init__(self) -> None:
        requests, tokens = self.limits.requests_per_min, self.limits.tokens_per_min
        self._requests = None if requests is None else Bucket(requests)
        self._tokens = None if tokens is None else Bucket(tokens)

    def check(self, tokens: int) -> None:
        """Raises LimitExceededError for a call that would not fit at any time."""
        allowed = self.limits.tokens_per_min
        if allowed is not None and tokens > allowed:
            raise LimitExceededError(
                f"The call may take {tokens:,} tokens and {self.name!r} takes {allowed:,} a minute; shorten the prompt "
                "or the answer (max_tokens), or raise tokens_per_min in its row.",
                where="/max_tokens",
            )

    def wait_s(self, tokens: int, now: float) -> float:
        """Seconds until a call of so many tokens fits; infinite where another call must end first."""
        if self.limits.concurrent is not None and self.in_use >= self.limits.concurrent:
            return math.inf
        return self.refill_s(tokens, now)

    def refill_s(self, tokens: int, now: float, *, requests: int = 1) -> float:
        """Seconds until so many requests with so many tokens together fit, whatever is in flight."""
        wait_s = 0.0 if self._requests is None else self._requests.wait_s(requests, now)
        return wait_s if self._tokens is None else max(wait_s, self._tokens.wait_s(tokens, now))

    def begin(self, tokens: int, now: float) -> None:
        """Count a call that begins."""
        self.in_use += 1
        self._take(requests=1, tokens=tokens, now=now)

    def end(self, now: float, *, tokens_back: int, requests_back: int) -> None:
        """Count a call that has ended, and put back what it did not use; `tokens_back` is negative for a debt."""
        self.in_use -= 1
        self._take(requests=-requests_back, tokens=-tokens_back, now=now)

    def _take(self, *, requests: int, tokens: int, now: float) -> None:
        if self._requests is not None:
            self._requests.take(requests, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)


@dataclass(slots=True, eq=False)
class Reservation:
    """A call's share of every meter that it passed. It is given up once; giving it up again changes nothing."""

    meters: Sequence[Meter]
    tokens: int
    open: bool = True

    def settle(self, used_tokens: int, now: float) -> None:
        """The call has ended and took so many tokens, be they fewer or more than were reserved; 0 for a failed one.

        It counts as a request however it ended: vendors count those that they refuse too, and a failure that gave
        its request back would let an outage be answered with a storm.
        """
        self._end(now, tokens_back=self.tokens - used_tokens, requests_back=0)

    def undo(self, now: float) -> None:
        """The call was never made."""
        self._end(now, tokens_back=self.tokens, requests_back=1)

    def _end(self, now: float, *, tokens_back: int, requests_back: int) -> None:
        if self.open:
            self.open = False
            for meter in self.meters:
                meter.end(now, tokens_back=tokens_back, requests_back=requests_back)


def try_reserve(meters: Sequence[Meter], tokens: int, now: float) -> Reservation | float:
    """A share of all the meters, or of none and the seconds until there could be one."""
    wait_s = max((meter.wait_s(tokens, now) for meter in meters), default=0.0)
    if wait_s > 0:
        return wait_s
    for meter in meters:
        meter.begin(tokens, now)
    return Reservation(meters, tokens)
