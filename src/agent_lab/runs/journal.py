"""A run's voice: stores each event, then shows it; tokens are shown and not stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.events import RunEvent, Token
from agent_lab.contracts.run_ports import RunLog
from agent_lab.runs.live import LiveRun

Clock = Callable[[], datetime]


class UnrecordedError(Exception):
    """The store did not take an event: the run cannot go on here, and is left to be taken up."""


class Journal:
    """Writes one run's events, as the worker that holds it."""

    def __init__(self, run_id: str, *, log: RunLog, live: LiveRun, owner: str, now: Clock) -> None:
        self.run_id = run_id
        self.now = now
        self._log = log
        self._live = live
        self._owner = owner

    async def write(self, *events: RunEvent) -> None:
        """Store the events in one transaction, then show them. A reader never sees what a crash could take back.

        Raises UnrecordedError.
        """
        try:
            stored = await self._log.append(self.run_id, events, owner=self._owner)
        except AgentLabError as error:
            raise UnrecordedError(error.message) from error
        self._live.publish(stored)

    def speak(self, token: Token) -> None:
        """Show a piece of an answer to whoever looks on."""
        self._live.speak(token)

    def hush(self, node: str, visit: int, sample: int) -> None:
        """Forget an answer that broke off."""
        self._live.hush((node, visit, sample))
