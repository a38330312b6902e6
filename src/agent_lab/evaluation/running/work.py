"""One evaluation that this process works on: its task, its lease, and whoever follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.evaluation import ENDED, EvaluationInfo, EvaluationStatus
from agent_lab.contracts.evaluation_ports import EvaluationStore
from agent_lab.contracts.run import Fault
from agent_lab.contracts.sentences import said, told_of
from agent_lab.evaluation.running.desk import Ended

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_S = 2.0
POLL_S = 0.5
"""How often an evaluation that another process works on is looked at."""

Finish = Callable[[EvaluationInfo], Awaitable[EvaluationInfo]]


@dataclass(slots=True)
class Work:
    """The work on one evaluation, from its beginning to its end or until it is left."""

    info: EvaluationInfo
    store: EvaluationStore
    owner: str
    cancelled: bool = False
    """True once somebody wants it to end; a task that is cancelled otherwise leaves it to be taken up again."""
    task: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, carry_out: CarryOut, finish: Finish) -> asyncio.Task[None]:
        """Start its task. `carry_out` does the work, `finish` adds to the info what is said at the end."""
        self.task = asyncio.create_task(self._drive(carry_out, finish), name=self.info.evaluation_id)
        return self.task

    async def settled(self) -> None:
        """Wait until it is let go."""
        if self.task is not None:
            await asyncio.wait([self.task])

    def tell(self, info: EvaluationInfo) -> None:
        """Show how far it is."""
        self.info = info
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self) -> AsyncIterator[EvaluationInfo]:
        """It as it goes on, until it has ended or is left."""
        while True:
            changed, info = self._changed, self.info
            yield info
            if info.status in ENDED or self.task is None or self.task.done():
                return
            waiting = asyncio.create_task(changed.wait())
            try:
                await asyncio.wait([waiting, self.task], return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()

    async def stop(self, *, cancel: bool) -> None:
        """Break it off: for good, or to be taken up again."""
        self.cancelled = self.cancelled or cancel
        if self.task is not None and not self.task.done():
            await asyncio.sleep(0)  # one that has not had its first step would never reach its own clean-up
            self.task.cancel()
            await asyncio.wait([self.task])

    async def _drive(
        self,
        carry_out: CarryOut,
        finish: Finish,
    ) -> None:
        renewing = asyncio.create_task(self._renew(asyncio.current_task()))
        try:
            ended = await self._outcome(carry_out)
            if ended is not None:
                await self._end(*ended, finish)
        finally:
            renewing.cancel()
            with suppress(AgentLabError):
                await self.store.release(self.info.evaluation_id, owner=self.owner)

    async def _outcome(self, carry_out: CarryOut) -> tuple[EvaluationStatus, Fault | None] | None:
        """How it ended; None where it is left to be taken up again."""
        try:
            await carry_out(self)
        except Ended as ended:
            return ended.status, ended.fault
        except asyncio.CancelledError:
            return ("cancelled", None) if self.cancelled else None
        except AgentLabError as error:
            return "failed", Fault(type=error.slug, message=error.message, said=told_of(error.message))
        except Exception as error:
            log.error("evaluation_broke", evaluation_id=self.info.evaluation_id, exc_info=error)
            form = "An unexpected fault ended the evaluation ({name}); the log has the details."
            told = said("unexpected_in_evaluation", form, name=type(error).__name__)
            return "failed", Fault(type="internal", message=told, said=told.told)
        return "completed", None

    async def _end(self, status: EvaluationStatus, fault: Fault | None, finish: Finish) -> None:
        progress = self.info.progress.model_copy(update={"seconds_left": None})
        told = {"status": status, "fault": fault, "finished_at": datetime.now(UTC), "progress": progress}
        info = self.info.model_copy(update=told)
        try:
            info = await finish(info)
        except Exception as error:
            log.warning("evaluation_not_summed_up", evaluation_id=info.evaluation_id, exc_info=error)
        await self.store.update(info)
        self.tell(info)

    async def _renew(self, task: asyncio.Task[None] | None) -> None:
        """Keep the lease; where somebody else has taken it, stop."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                held = await self.store.claim(self.info.evaluation_id, owner=self.owner, seconds=LEASE_S)
            except AgentLabError as error:
                log.warning("lease_not_renewed", evaluation_id=self.info.evaluation_id, reason=error.message)
                held = time.monotonic() - last < LEASE_S
            else:
                last = time.monotonic()
            if not held and task is not None:
                log.warning("lease_lost", evaluation_id=self.info.evaluation_id)
                task.cancel()
                return


CarryOut = Callable[[Work], Awaitable[None]]
