"""Leaves a model alone for a while when it keeps failing, and lets one call find out whether it is well again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.errors import BusyError, ModelCorruptError, ProviderError, RateLimitedError

PROBE_WAIT_S = 1.0
"""What callers are told while another one's probe is on its way."""
FIRST_COOL_DOWN_S = 0.5
"""After a first 429 that does not say how long to wait; twice as long after each further one."""

LONGEST_COOL_DOWN_S = 300.0
"""A provider may ask for more; it is asked again then all the same."""

BreakerState = Literal["closed", "open", "half-open", "cooling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """How many failures in a row open a breaker, and for how many seconds."""

    max_failures: int = 3
    timeout_s: float = 60.0


@dataclass(slots=True)
class CircuitBreaker:
    """The breaker of one model. No clock inside: every method that needs the time is told it, in seconds.

    Closed: calls go through. Cooling: none does, at the provider's own word. Open: none does, until the
    time-out has passed. Half-open: exactly one call goes through
    as a probe; its success closes the breaker, its failure opens it again. A provider that takes no more for a while
    (429, or whatever comes with Retry-After) is left alone until then, without that counting as a failure.
    """

    rules: BreakerRules
    name: str
    failures: int = 0
    closed_again_at: float | None = None
    """Open until then, or since then half-open; None while closed."""
    cool_until: float = 0.0
    cool_downs: int = 0
    """429s in a row."""
    probing: bool = False
    last_words: str = ""
    counted: weakref.ref[ProviderError] | None = None
    """The failure that was counted last; weak, for its frames hold much."""

    def state(self, now: float) -> BreakerState:
        """How it stands at that time."""
        if self.closed_again_at is None:
            return "cooling" if now < self.cool_until else "closed"
        return "half-open" if now >= self.closed_again_at else "open"

    def admit(self, now: float) -> bool:
        """Let a call through, True where it is the probe; or raise BusyError that says how long to wait.

        Each admitted call must be settled by exactly one of `succeeded`, `failed` and `abandoned`, which are told
        whether it was the probe: of the calls that began before the breaker opened, none decides over it any more.
        """
        if now < self.cool_until:
            raise self._refusal(self.cool_until - now, "asked to be left alone", RateLimitedError)
        if self.closed_again_at is None:
            return False
        if now < self.closed_again_at:
            raise self._refusal(self.closed_again_at - now, f"failed {self.failures} times in a row")
        if self.probing:
            raise self._refusal(PROBE_WAIT_S, "is being tried again by another call")
        self.probing = True
        return True

    def succeeded(self, *, probe: bool) -> bool:
        """The call was answered. True where that closes the breaker."""
        if not probe and self.closed_again_at is not None:
            return False
        self.failures, self.closed_again_at, self.probing, self.last_words = 0, None, False, ""
        self.cool_downs = 0
        return probe

    def failed(self, error: ProviderError, now: float, *, probe: bool) -> bool:
        """The call failed. True where that opens the breaker."""
        self.abandoned(probe=probe)
        if isinstance(error, ModelCorruptError):  # files can be put right at any moment
            return False
        cool_s = self._cool_down_s(error)
        if cool_s is not None:
            self.cool_until = max(self.cool_until, now + cool_s)
            return False
        if not probe and self.closed_again_at is not None:
            return False
        self.counted = weakref.ref(error)
        self.failures += 1
        self.last_words = error.message
        if not probe and self.failures < self.rules.max_failures:
            return False
        self.closed_again_at = now + self.rules.timeout_s
        return True

    def has_counted(self, error: ProviderError, before: weakref.ref[ProviderError] | None) -> bool:
        """Whether that very failure was counted since the call began, when `before` was the last one counted.

        Calls in flight that one fault ends, such as the death of the process that wrote all of their answers, have one
        failure between them.
        """
        return self.counted is not None and self.counted is not before and self.counted() is error

    def abandoned(self, *, probe: bool) -> None:
        """The call says nothing about the model: it was cancelled, or the request itself was refused."""
        if probe:
            self.probing = False

    def left_alone_s(self, now: float) -> float:
        """Seconds for which it lets nothing through, be it open or cooling down."""
        return max(self.cooling_s(now), (self.closed_again_at or now) - now)

    def cooling_s(self, now: float) -> float:
        """Seconds until a provider that asked for it has been left alone long enough."""
        return max(0.0, self.cool_until - now)

    def _cool_down_s(self, error: ProviderError) -> float | None:
        """How long the provider wants to be left alone; None where it does not say so."""
        if not isinstance(error, BusyError):
            return None
        if error.retry_after_s is None and isinstance(error, RateLimitedError):
            self.cool_downs += 1
            return min(self.rules.timeout_s, FIRST_COOL_DOWN_S * 2.0 ** (self.cool_downs - 1))
        return None if error.retry_after_s is None else min(error.retry_after_s, LONGEST_COOL_DOWN_S)

    def _refusal(self, wait_s: float, why: str, kind: type[BusyError] = BusyError) -> BusyError:
        last = f" (last: {self.last_words})" if self.last_words else ""
        return kind(
            f"{self.name!r} {why}{last} and is left alone for {wait_s:.0f} s; try later, or use another model.",
            retry_after_s=wait_s,
        )
