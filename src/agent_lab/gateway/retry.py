"""Retries a provider that says it is busy, within a bound in tries and in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.errors import BusyError, ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to ask the same model again. Seconds. Pure: chance comes in as `jitter`, a number from 0 to 1."""

    attempts: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0

    def wait_s(self, attempt: int, error: ProviderError, jitter: float, *, left_s: float) -> float | None:
        """Seconds until the next try after `attempt` tries (from 1); None means give up.

        What the provider asks for (Retry-After) is honoured, else exponential back-off with full jitter. A wait that
        is too long, or would end after the `left_s` that the request has, is not begun.
        """
        if attempt >= self.attempts or not isinstance(error, BusyError):
            return None
        asked_s = error.retry_after_s
        wait_s = jitter * self.first_wait_s * 2.0 ** (attempt - 1) if asked_s is None else max(0.0, asked_s)
        return wait_s if wait_s <= self.longest_wait_s and wait_s < left_s else None
