"""A run's voice: stores each event, then shows it; tokens are shown and not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, TooLargeError, ValidationError
from agent_lab.contracts.events import RunEvent, Token
from agent_lab.contracts.run_ports import RunLog
from agent_lab.runs.live import LiveRun
from agent_lab.runs.record import Record

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
PATIENCE_S = (0.2, 1.0, 3.0)
"""How long a store that fails is waited for before it is asked again: an answer that it does not take is paid twice."""
LINGER_S = 0.005
"""How long a note waits for others to share its transaction with."""


class UnrecordedError(Exception):
    """The store did not take an event: the run cannot go on here, and is left to be taken up."""


class Journal:
    """Writes one run's events in the order in which they come, as the worker that holds it."""

    def __init__(self, run_id: str, *, log: RunLog, live: LiveRun, record: Record, owner: str, now: Clock) -> None:
        self.run_id = run_id
        self.now = now
        self._log = log
        self._live = live
        self._record = record
        self._owner = owner
        self._waiting: list[RunEvent] = []
        self._storing: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None

    def note(self, *events: RunEvent) -> None:
        """Store these events soon, or with the next write: what is cheap to do again need not wait for the disk.

        Raises UnrecordedError where an earlier event was not taken, and what `settle` returns.
        """
        if self._fault is not None:
            raise self._fault
        for event in events:
            self._record.take(event)  # at once: a turn that is begun anew must find what it did before
        self._waiting.extend(events)
        if self._lingering is None and self._storing is None:
            self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self._begin_storing)

    async def write(self, *events: RunEvent) -> None:
        """Store all that waits and these events, in one transaction. Raises UnrecordedError, and what `settle` returns.

        A reader never sees what a crash could take back.
        """
        self.note(*events)
        while self._waiting or self._storing:
            self._begin_storing()
            if self._storing is not None:
                # Shielded: a transaction that has begun is another writer's too.
                await asyncio.shield(self._storing)
        if self._fault is not None:
            raise self._fault

    async def settle(self) -> AgentLabError | None:
        """Store all that waits; what no store would ever take is left out, and said. Raises UnrecordedError."""
        try:
            await self.write()
        except AgentLabError as refused:
            self._fault = None
            return refused
        return None

    def _begin_storing(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._storing is None and self._waiting:
            self._storing = asyncio.create_task(self._store())

    async def _store(self) -> None:
        try:
            while self._waiting:
                events, self._waiting = self._waiting, []
                await self._append(events)
        except (ValidationError, TooLargeError) as refused:
            self._fault = refused  # taken up anew, the run would come to the same event, and pay for it each time
        except AgentLabError as error:
            self._fault = UnrecordedError(error.message)
        except Exception as error:  # noqa: BLE001 -- what follows would stand behind a gap
            self._fault = UnrecordedError(f"{type(error).__name__}: {error}")
        finally:
            self._storing = None
            if self._fault is not None:
                self._waiting.clear()

    async def _append(self, events: Sequence[RunEvent]) -> None:
        # A worker that was away meanwhile, and its lease with another one, must not write into that one's work.
        after = self._live.events[-1].seq
        try:
            self._live.publish(await self._patiently(events, after))
        except (ValidationError, TooLargeError):
            if len(events) == 1:
                raise
            for event in events:  # all that came before the one that is refused is kept
                await self._append([event])

    async def _patiently(self, events: Sequence[RunEvent], after: int) -> Sequence[RunEvent]:
        for wait_s in PATIENCE_S:
            try:
                return await self._log.append(self.run_id, events, owner=self._owner, after=after)
            except EnvironmentFaultError as error:
                log.warning("store_asked_again", run_id=self.run_id, reason=error.message, wait_s=wait_s)
                await asyncio.sleep(wait_s)
        # Should one of these have been stored in spite of its failure, `after` refuses it a second time.
        return await self._log.append(self.run_id, events, owner=self._owner, after=after)

    def speak(self, token: Token) -> None:
        """Show a piece of an answer to whoever looks on."""
        self._live.speak(token)

    def hush(self, node: str, visit: int, sample: int) -> None:
        """Forget an answer that broke off."""
        self._live.hush((node, visit, sample))
