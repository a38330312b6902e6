"""Follows a run for readers at the doors: each event as JSON, at a pace at which they never slow the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.events import RunEvent, RunFinished, Token
from agent_lab.contracts.run import TERMINAL
from agent_lab.runs.service import RunService

SEND_TIMEOUT_S = 60.0
"""A reader that takes nothing for this long is let go; it comes back where it was."""
PACE_S = 0.0008
LONGEST_PACE_S = 0.5
"""Between two pieces of an answer a reader waits so long for each reader there is: what was written meanwhile comes in
one piece, and reading takes a bounded part of the process however many read."""
AGAIN_S = 0.05
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
        async with self._counted():
            async for event in _to_its_end(runs, run_id, after):
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


async def _to_its_end(runs: RunService, run_id: str, after: int) -> AsyncIterator[RunEvent]:
    """What `RunService.watch` says, taken up again each time that the run leaves this process: paused, or waiting."""
    ended = False
    while not ended:
        ended = (await runs.store.get(run_id)).status in TERMINAL  # asked first: what came before the end is read below
        async with aclosing(runs.watch(run_id, after)) as events:  # type: ignore[type-var]
            async for event in events:
                after = event.seq or after
                ended = ended or isinstance(event, RunFinished)
                yield event
        await asyncio.sleep(0 if ended else AGAIN_S)


def event_number(given: str, where: str) -> int:
    """The number of the last event that a reader has. Raises ValidationError for what is none."""
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise ValidationError(
            f"{where} must be the number of an event; leave it out to begin at the start.", where=where
        )
    return int(given)
