"""A process that counts runs into their flow's tally, and is there to be killed."""

from __future__ import annotations

import asyncio

from agent_lab.runs.tally import Tallies
from agent_lab.storage.database import open_database
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tallies import SqlTallies
from support.flows import KINDS
from support.killed_lab import place_of


async def count(url: str) -> None:
    """Count until nothing is left to count."""
    database = await open_database(place_of(url))
    runs, store = SqlRuns(database), SqlTallies(database)
    tallies = Tallies(store, runs.events, KINDS)
    while await store.uncounted(None, limit=1):
        await tallies.count(None)
    await tallies.close()
    await runs.close()


def main(url: str) -> None:
    """For `multiprocessing`."""
    asyncio.run(count(url))
