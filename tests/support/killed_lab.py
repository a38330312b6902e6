"""A process with a lab on a database that is there to be killed: takes up what it finds, starts what it is told.

Its model is scripted. Each call is counted in `calls.log` as it begins, by a write that a kill cannot take back.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from pathlib import Path

from agent_lab.contracts.ports import ModelCall, ProviderPiece
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.queue import QueueRules
from agent_lab.settings import read_settings
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.runs import SqlRuns
from support.runs import bench

ANSWERS = ("Answer: 41. There are no faults.", "Answer: 42. There are no faults.", "Answer: 42")
PIECE_S = 0.01


class CountedProvider(ScriptedProvider):
    """Says the same to the same question, piece by piece, and counts its calls."""

    def __init__(self, log: Path) -> None:
        super().__init__(lambda call: ANSWERS[len(call.request.prompt) % len(ANSWERS)], delay_s=PIECE_S)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def stream(self, call: ModelCall) -> AsyncGenerator[ProviderPiece, None]:
        """The pieces, once the call is counted."""
        os.write(self._log, b"x")
        async for piece in super().stream(call):
            yield piece


def place_of(url: str) -> Place:
    """The database of that URL."""
    return database_place(read_settings({"DATABASE_URL": url}, dotenv=Path("/nonexistent/.env")).settings)


async def work(folder: Path, flows: list[str], runs: int, url: str) -> None:
    """Start that many runs, then keep on until there is none that is not ended, nor one that ended without its file."""
    store = SqlRuns(await open_database(place_of(url)))
    lab = bench(folder, CountedProvider(folder / "calls.log"), store=store, rules=QueueRules(at_once=8))
    keeping = asyncio.create_task(Keeper(lab.runs, serving=True, tick_s=0.02, recover_s=0.05).keep())
    for _ in range(runs):
        prompt = f"Question {random.getrandbits(64):x}: what is 40 + 2?"
        await lab.runs.start(RunRequest(flow=random.choice(flows), prompt=prompt))
        await asyncio.sleep(0.01)
    while (found := await lab.runs.counts()).queued or found.running or await store.held():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    keeping.cancel()
    await lab.runs.close()
    await store.close()


def main(folder: str, flows: list[str], runs: int, url: str) -> None:
    """For `multiprocessing`."""
    asyncio.run(work(Path(folder), flows, runs, url))
