"""Follows a run for readers at the doors: each event as JSON, at a pace at which they never slow the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.events import RunEvent, Token
from agent_lab.runs.service import RunService

SEND_TIMEOUT_S = 60.0
"""A reader that takes nothing for this long is let go; it comes back where it was."""
PACE_S = 0.002
LONGEST_PACE_S = 1.0
"""Between two pieces of an answer a reader waits so long for each reader there is: what was written meanwhile comes in
one piece, and reading takes a bounded part of the process however many read."""
KEPT = 64
KEPT_CHARS = 50_000


@dataclass(slots=True)
class Readers:
    """Those who follow runs of this process now."""

    count: int = 0
    _written: dict[tuple[str, int], str] = field(default_factory=dict)
    """The newest stored events as JSON: all readers of a run want the same ones at the same time."""

    async def follow(self, runs: RunService, run_id: str, after: int) -> AsyncGenerator[tuple[RunEvent, str], None]:
        """Events after that number with their JSON, until the run ends, whichever process works on it meanwhile.

        Raises NotFoundError, and EnvironmentFaultError where the store cannot be read.
        """
        watching = runs.watch(run_id, after, to_the_end=True)
        async with self._counted(), aclosing(watching) as events:  # type: ignore[type-var]
            async for event in events:
                yield event, self._json(run_id, event)
                if isinstance(event, Token):
                    await asyncio.sleep(min(LONGEST_PACE_S, PACE_S * self.count))

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def _json(self, run_id: str, event: RunEvent) -> str:
        if event.seq == 0:
            return event.model_dump_json(by_alias=True)
        key = (run_id, event.seq)
        known = self._written.get(key)
        if known is not None:
            return known
        written = event.model_dump_json(by_alias=True)
        if len(written) <= KEPT_CHARS:
            self._written[key] = written
            if len(self._written) > KEPT:
                del self._written[next(iter(self._written))]
        return written


def event_number(given: str, where: str) -> int:
    """The number of the last event that a reader has. Raises ValidationError for what is none."""
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise ValidationError(
            f"{where} must be the number of an event; leave it out to begin at the start.", where=where
        )
    return int(given)
