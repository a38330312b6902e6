"""Keeps the day's budget over all calls of the process, and writes down what each model cost on which day."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import structlog

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.ports import SpendingLog
from agent_lab.gateway.budget import Budget

log = structlog.get_logger(__name__)

WRITE_PAUSE_S = 0.25
"""Between two writes: each costs a millisecond and an fsync, which a storm of calls shares. So much is the most that a
kill makes the ledger forget."""


def utc_today() -> date:
    """The day that budgets count by."""
    return datetime.now(UTC).date()


@dataclass(slots=True)
class Account:
    """What one call is booked with. Left without `settle`, the call cost nothing."""

    settled: bool = False
    usd: Decimal | None = None

    def settle(self, usd: Decimal | None) -> None:
        """What the call cost; None where nobody knows, and then it is booked with its estimate."""
        self.settled, self.usd = True, usd


class Ledger:
    """Books every call to its day. Writing goes on beside the calls: none waits for the disk, or fails for it."""

    def __init__(
        self,
        spending: SpendingLog,
        *,
        daily_budget_usd: Decimal | None = None,
        today: Callable[[], date] = utc_today,
    ) -> None:
        self._log = spending
        self._budget = None if daily_budget_usd is None else Budget(daily_budget_usd)
        self._today = today
        self._loading = asyncio.Lock()
        self._unwritten: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
        self._writer: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @asynccontextmanager
    async def spending(self, model_key: str, estimate_usd: Decimal | None) -> AsyncGenerator[Account, None]:
        """Holds the estimate (None: unknown) while the block runs, and books what it settles.

        Entering raises LimitExceededError where the day's budget is spent, and EnvironmentFaultError where what is
        spent of it cannot be read.
        """
        day = self._today()
        hold = None
        if self._budget is not None:
            if not self._budget.knows(day):
                await self._load(self._budget, day)
            hold = self._budget.hold(estimate_usd, day)
        account = Account()
        try:
            yield account
        finally:
            usd = (estimate_usd if account.usd is None else account.usd) if account.settled else Decimal(0)
            if self._budget is not None and hold is not None:
                self._budget.settle(hold, usd)
            if usd:
                self._unwritten[day, model_key] += usd
                self._write_soon()

    async def close(self) -> None:
        """Write what is not written yet. Raises what keeps it from being written."""
        self._hurry.set()
        if self._writer is not None:
            await self._writer
        await self._write()

    async def _load(self, budget: Budget, day: date) -> None:
        async with self._loading:
            if not budget.knows(day):
                budget.begin(day, await self._log.total(day))

    def _write_soon(self) -> None:
        # A task beside the calls, for a paid answer must neither wait nor be lost when the disk is slow or full.
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._keep_writing())

    async def _keep_writing(self) -> None:
        try:
            while self._unwritten:
                await self._write()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), WRITE_PAUSE_S)
        except AgentLabError as error:
            log.warning("spending_not_written", reason=error.message, usd=float(sum(self._unwritten.values())))

    async def _write(self) -> None:
        for day, model_key in list(self._unwritten):
            usd = self._unwritten.pop((day, model_key))
            try:
                await self._log.add(day, model_key, usd)
            except ValueError as error:  # never to be written: it must not keep the others from being so
                log.error("spending_refused", model=model_key, usd=str(usd), reason=str(error))
            except Exception:  # kept, and tried again with the next call
                self._unwritten[day, model_key] += usd
                raise
