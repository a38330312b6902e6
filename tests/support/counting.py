"""A process that counts runs into their flow's tally, and is there to be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent_lab.contracts.events import RunEvent
from agent_lab.runs.tally import Tallies
from agent_lab.storage.database import open_database
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tallies import SqlTallies
from support.flows import KINDS
from support.killed_lab import place_of


async def count(url: str, *, pause_s: float = 0.0) -> None:
    """Count until nothing is left to count, with a pause before each run."""
    database = await open_database(place_of(url))
    runs, store = SqlRuns(database), SqlTallies(database)

    async def events(run_id: str) -> Sequence[RunEvent]:
        await asyncio.sleep(pause_s)
        return await runs.events(run_id)

    tallies = Tallies(store, events, KINDS)
    while await store.uncounted(None, limit=1):
        await tallies.count(None)
    await tallies.close()
    await runs.close()


def main(url: str) -> None:
    """For `multiprocessing`: takes seconds, so that whoever waits for the first steps can still kill it in the next."""
    asyncio.run(count(url, pause_s=0.01))
