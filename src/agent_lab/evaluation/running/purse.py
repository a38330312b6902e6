"""Keeps an evaluation within its budget: each call reserves what it may cost before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.sentences import said


class BudgetReachedError(LimitExceededError):
    """The evaluation's own budget does not pay for the call."""


class Purse:
    """What may be spent, what was, and what calls in flight may cost. A price that is not known counts as nothing."""

    def __init__(self, budget_usd: Decimal | None, spent_usd: Decimal = Decimal(0)) -> None:
        self._budget_usd = budget_usd
        self._held_usd = Decimal(0)
        self._changed = asyncio.Condition()
        self.spent_usd = spent_usd

    @asynccontextmanager
    async def calling(self, most_usd: Decimal | None) -> AsyncGenerator[None, None]:
        """Surrounds a call that costs so much at the most; `pay` what it cost before leaving.

        Waits while calls in flight may give back what it needs. Raises BudgetReachedError where they cannot: the
        budget is never exceeded.
        """
        held_usd = most_usd or Decimal(0)
        await self._hold(held_usd)
        try:
            yield
        finally:
            self._held_usd -= held_usd
            if self._budget_usd is not None:
                async with self._changed:
                    self._changed.notify_all()

    def pay(self, usd: Decimal) -> None:
        """Count what a call has cost."""
        self.spent_usd += usd

    async def _hold(self, held_usd: Decimal) -> None:
        budget_usd = self._budget_usd
        if budget_usd is not None:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._held_usd or self._fits(held_usd, budget_usd))
                if not self._fits(held_usd, budget_usd):
                    raise BudgetReachedError(
                        said(
                            "evaluation_spent",
                            "The evaluation has spent ${spent:.4f} of its ${budget:.4f}, and the next call may "
                            "cost ${held:.4f}; resume it with a larger budget.",
                            spent=float(self.spent_usd),
                            budget=float(budget_usd),
                            held=float(held_usd),
                        )
                    )
                self._held_usd += held_usd
            return
        self._held_usd += held_usd

    def _fits(self, held_usd: Decimal, budget_usd: Decimal) -> bool:
        return self.spent_usd + self._held_usd + held_usd <= budget_usd
