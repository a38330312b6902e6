"""Counts what a provider and its models still take: requests and tokens a minute, and calls at the same time."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.registry import RateLimits
from agent_lab.contracts.sentences import said

NO_LIMITS = RateLimits(queue=sys.maxsize)
_ROUNDING = 1e-6
"""A millionth of a request or token: what floats may be off by, and nobody's limit."""


@dataclass(slots=True)
class Bucket:
    """Fills evenly and holds a minute's worth, as the vendors' own buckets do. No clock inside; seconds.

    In any stretch of time no more is used than `per_min` and what flows in meanwhile, each use counted when it was
    reserved. That is why a reservation may get back less than it left over: what has flowed in behind it may have
    filled the bucket already, and a bucket does not hold more than it holds.

    Below zero it is in debt: an answer was longer than had been reserved for it, and whoever comes next waits.
    """

    per_min: int
    level: float = 0.0
    spare: float = 0.0
    """The level that there would be at the least if nothing that is reserved were used."""
    reserved: float = 0.0
    filled_at: float = -math.inf

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until the bucket holds that amount; 0 where it does."""
        self._fill(now)
        missing = amount - self.level
        return 0.0 if missing <= _ROUNDING else missing * 60.0 / self.per_min

    def reserve(self, amount: float, now: float) -> None:
        """Take out what may be used."""
        self._fill(now)
        self.level -= amount
        self.reserved += amount

    def settle(self, amount: float, used: float, now: float) -> None:
        """Of a reserved amount so much was used, more or less."""
        self._fill(now)
        self.reserved -= amount
        self.spare -= used
        left = amount - used
        # Back goes what a bucket that had seen the real use from the start would hold more than this one, and no more.
        self.level += left if left < 0 else max(0.0, min(left, self.spare - self.reserved - self.level))
        self.spare = max(self.spare, self.level)

    def _fill(self, now: float) -> None:
        if now > self.filled_at:
            inflow = (now - self.filled_at) * self.per_min / 60.0
            self.level = min(float(self.per_min), self.level + inflow)
            self.spare = min(float(self.per_min), self.spare + inflow)
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
                said(
                    "call_over_minute",
                    "The call may take {tokens:,} tokens and {name!r} takes {allowed:,} a minute; shorten the "
                    "prompt or the answer (max_tokens), or raise tokens_per_min in its row.",
                    tokens=tokens,
                    name=self.name,
                    allowed=allowed,
                ),
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
        if self._requests is not None:
            self._requests.reserve(1, now)
        if self._tokens is not None:
            self._tokens.reserve(tokens, now)

    def end(self, tokens: int, now: float, *, used_tokens: int, used_requests: int) -> None:
        """Count a call that has ended, for which so many tokens were reserved."""
        self.in_use -= 1
        if self._requests is not None:
            self._requests.settle(1, used_requests, now)
        if self._tokens is not None:
            self._tokens.settle(tokens, used_tokens, now)


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
        self._end(now, used_tokens=used_tokens, used_requests=1)

    def undo(self, now: float) -> None:
        """The call was never made."""
        self._end(now, used_tokens=0, used_requests=0)

    def _end(self, now: float, *, used_tokens: int, used_requests: int) -> None:
        if self.open:
            self.open = False
            for meter in self.meters:
                meter.end(self.tokens, now, used_tokens=used_tokens, used_requests=used_requests)


def try_reserve(meters: Sequence[Meter], tokens: int, now: float) -> Reservation | float:
    """A share of all the meters, or of none and the seconds until there could be one."""
    wait_s = max((meter.wait_s(tokens, now) for meter in meters), default=0.0)
    if wait_s > 0:
        return wait_s
    for meter in meters:
        meter.begin(tokens, now)
    return Reservation(meters, tokens)
