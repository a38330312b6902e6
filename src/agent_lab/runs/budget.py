"""What a run has used of its limits: USD, tokens, turns, and model calls at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.flow import FlowLimits
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.run import RunLimits
from agent_lab.contracts.sentences import said


def tighter(flow: FlowLimits, run: RunLimits) -> FlowLimits:
    """The limits of a flow, drawn in by those of a run."""
    own = {name: value for name, value in run if value is not None}
    both = {name: value if (its := getattr(flow, name)) is None else min(value, its) for name, value in own.items()}
    return flow.model_copy(update=both)


class Budget:
    """One run's use. Calls that go side by side wait for each other where together they could pass the limit in USD."""

    def __init__(self, limits: FlowLimits) -> None:
        self._limits = limits
        self._limit_usd = None if limits.max_cost_usd is None else Decimal(str(limits.max_cost_usd))
        self._spent_usd = Decimal(0)
        self._held_usd = Decimal(0)
        self._tokens = 0
        self._turns: set[tuple[str, int]] = set()
        self._in_flight = 0
        self._changed = asyncio.Condition()
        self._places = asyncio.Semaphore(limits.max_parallel)

    def take_turn(self, path: str, visit: int) -> None:
        """Count a turn, however often it is begun. Raises LimitExceededError past the last one."""
        self._turns.add((path, visit))
        if len(self._turns) > self._limits.max_steps:
            raise LimitExceededError(
                said(
                    "too_many_steps",
                    "The run needs more steps than it may take (limits.max_steps is {most}).",
                    most=self._limits.max_steps,
                )
            )

    def add(self, result: GenerationResult) -> None:
        """Count a call. A price that is not known cannot be counted."""
        self._spent_usd += (result.usage.cost_usd or 0) + result.usage.lost_usd
        self._tokens += result.usage.prompt_tokens + result.usage.completion_tokens

    @asynccontextmanager
    async def calling(self, estimate_usd: Decimal | None) -> AsyncGenerator[None, None]:
        """Surrounds a call that costs no more than the estimate; `add` what it cost before leaving.

        Waits for a place among the calls at a time. Raises LimitExceededError once a limit is reached: the calls in
        flight are the most that goes beyond it, and of a limit in USD one call.
        """
        held_usd = estimate_usd or Decimal(0)
        async with self._places:
            await self._hold(held_usd)
            try:
                yield
            finally:
                await self._give_back(held_usd)

    async def _give_back(self, held_usd: Decimal) -> None:
        self._held_usd -= held_usd
        self._in_flight -= 1
        if self._limit_usd is not None:
            async with self._changed:
                self._changed.notify_all()

    async def _hold(self, held_usd: Decimal) -> None:
        if self._limit_usd is not None:
            async with self._changed:
                await self._changed.wait_for(lambda: self._may_begin(held_usd))
        self._check()
        self._held_usd += held_usd
        self._in_flight += 1

    def _may_begin(self, held_usd: Decimal) -> bool:
        """True where it is certain whether the call may be made: alone it always is."""
        limit_usd = self._limit_usd
        if limit_usd is None or self._in_flight == 0 or self._spent_usd >= limit_usd:
            return True
        return self._spent_usd + self._held_usd + held_usd <= limit_usd

    def _check(self) -> None:
        if self._limit_usd is not None and self._spent_usd >= self._limit_usd:
            raise LimitExceededError(
                said(
                    "run_has_spent",
                    "The run has spent ${spent:.4f} of ${most:.4f} (limits.max_cost_usd).",
                    spent=float(self._spent_usd),
                    most=float(self._limit_usd),
                )
            )
        most = self._limits.max_tokens
        if most is not None and self._tokens >= most:
            raise LimitExceededError(
                said(
                    "run_has_used",
                    "The run has used {tokens:,} of {most:,} tokens (limits.max_tokens).",
                    tokens=self._tokens,
                    most=most,
                )
            )
