"""Says whether to ask the same model again, and when; and whether another model may do it instead."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    CapacityError,
    EnvironmentFaultError,
    ProviderError,
    TooLargeError,
    ValidationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to ask the same model again. Seconds. Pure: chance comes in as `jitter`, a number from 0 to 1."""

    attempts: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0
    longest_wait_with_fallback_s: float = 5.0

    def wait_s(
        self, attempt: int, error: AgentLabError, jitter: float, *, left_s: float, elsewhere: bool = False
    ) -> float | None:
        """Seconds until the next try after `attempt` tries (from 1); None means not this model any more.

        What the provider asks for (Retry-After) is honoured; beyond it, and where it asks for nothing, exponential
        back-off with full jitter, so that those who wait for the same moment do not come together. A wait that is too
        long, or would end after the `left_s` that the request has, is not begun; where another model is there
        to ask (`elsewhere`), less is too long.
        """
        if attempt >= self.attempts or not isinstance(error, BusyError | BrokenOffError):
            return None
        asked_s = max(0.0, error.retry_after_s or 0.0) if isinstance(error, BusyError) else 0.0
        wait_s = asked_s + jitter * self.first_wait_s * 2.0 ** max(0, attempt - 1)
        longest_s = self.longest_wait_with_fallback_s if elsewhere else self.longest_wait_s
        return wait_s if asked_s <= longest_s and wait_s < left_s else None


def may_go_elsewhere(error: AgentLabError, *, is_fallback: bool) -> bool:
    """Whether another model might take what this one did not.

    What a fallback rejects says nothing of the request: it was made for another model.
    """
    if isinstance(error, ValidationError):
        return isinstance(error, TooLargeError) or is_fallback
    return isinstance(error, ProviderError | CapacityError | EnvironmentFaultError)
