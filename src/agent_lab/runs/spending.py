"""What a run has spent on calls, against its limit in USD."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.generation import GenerationResult


class Spending:
    """One run's money. Calls that go side by side wait for each other where together they could pass the limit."""

    def __init__(self, limit_usd: Decimal | float | None) -> None:
        self._limit_usd = None if limit_usd is None else Decimal(str(limit_usd))
        self._spent_usd = Decimal(0)
        self._held_usd = Decimal(0)
        self._in_flight = 0
        self._changed = asyncio.Condition()

    def add(self, result: GenerationResult) -> None:
        """Count a call. A price that is not known cannot be counted."""
        self._spent_usd += (result.usage.cost_usd or 0) + result.usage.lost_usd

    @asynccontextmanager
    async def calling(self, estimate_usd: Decimal | None) -> AsyncGenerator[None, None]:
        """Surrounds a call that costs no more than the estimate; `add` what it cost before leaving.

        Raises LimitExceededError once the limit is reached: the one call in flight is the most that goes beyond it.
        """
        held_usd = estimate_usd or Decimal(0)
        async with self._changed:
            await self._changed.wait_for(lambda: self._may_begin(held_usd))
            self._check()
            self._held_usd += held_usd
            self._in_flight += 1
        try:
            yield
        finally:
            async with self._changed:
                self._held_usd -= held_usd
                self._in_flight -= 1
                self._changed.notify_all()

    def _may_begin(self, held_usd: Decimal) -> bool:
        """True where it is certain whether the call may be made: alone it always is."""
        limit_usd = self._limit_usd
        if limit_usd is None or self._in_flight == 0 or self._spent_usd >= limit_usd:
            return True
        return self._spent_usd + self._held_usd + held_usd <= limit_usd

    def _check(self) -> None:
        if self._limit_usd is not None and self._spent_usd >= self._limit_usd:
            raise LimitExceededError(
                f"The run has spent ${self._spent_usd:.4f} of ${self._limit_usd:.4f} (limits.max_cost_usd)."
            )
