"""Kills a lab at random moments, again and again, and looks at what is left of its runs."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from agent_lab.contracts.events import GenerationFinished, GenerationStarted, RunEvent, RunResumed
from agent_lab.contracts.run import TERMINAL, RunInfo
from agent_lab.storage.database import open_database
from agent_lab.storage.outputs import OutputFolder
from agent_lab.storage.runs import SqlRuns
from support import killed_lab
from support.forking import forking

AT_WORK = 0.75
"""So many of the kills come after some calls; the others come after some time, and may hit what comes before them."""
LONGEST_WAIT_S = 60.0


@dataclass(slots=True)
class Left:
    """What the kills have left."""

    kills: int = 0
    runs: int = 0
    lost: int = 0
    """Runs that did not end, or that ended otherwise than completed."""
    torn: int = 0
    """Files of runs that are missing, no whole JSON, or that say otherwise."""
    changed: int = 0
    """Runs whose end was another one when it was looked at before."""
    calls: int = 0
    repeated: int = 0
    """Calls that were made again because a kill took their answer."""
    too_often: int = 0
    """Calls that were made again though their answer was recorded, or more than once for a kill."""
    uncounted: int = 0
    """Calls that the model saw and the record does not know."""


class Killer:
    """Has processes work on one database, and kills them."""

    def __init__(self, folder: Path, flows: Sequence[str], *, url: str | None = None, seed: int = 0) -> None:
        self._folder = folder
        self._flows = list(flows)
        self._url = url or f"sqlite:///{folder / 'lab.db'}"
        self._chance = random.Random(seed)
        self._context = forking()
        self._ends: dict[str, str] = {}
        self.known_runs = 0
        self.left = Left()

    def begin(self, runs: int) -> BaseProcess:
        """A process that starts so many runs and works on all that there are."""
        arguments = (str(self._folder), self._flows, runs, self._url)
        process = self._context.Process(target=killed_lab.main, args=arguments, daemon=True)
        process.start()
        return process

    @property
    def calls(self) -> int:
        """How many calls the model has seen."""
        log = self._folder / "calls.log"
        return log.stat().st_size if log.exists() else 0

    async def kill(self, *, runs: int = 4, longest_s: float = 0.4, beside: int = 1) -> None:
        """Let processes work for a moment, `beside` each other, and kill them one after the other."""
        before = self.calls
        processes = [self.begin(runs) for _ in range(beside)]
        if self._chance.random() < AT_WORK:
            await self._called(before + self._chance.randint(1, 4 * runs), processes)
        else:
            await asyncio.sleep(self._chance.uniform(0.0, longest_s))
        for process in processes:
            process.kill()
            process.join()
            self.left.kills += process.exitcode == -signal.SIGKILL
        await self._look_at_ends()

    async def _called(self, times: int, processes: Sequence[BaseProcess]) -> None:
        """Wait until the model has seen so many calls: how long that takes is the machine's affair."""
        ends = time.monotonic() + LONGEST_WAIT_S
        while self.calls < times and any(one.is_alive() for one in processes) and time.monotonic() < ends:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def kill_until(self, *, kills: int, runs: int, beside: int = 1, longest_s: float = 0.4) -> None:
        """Kill that often, and on until so many runs were begun: what has ended by itself was not killed."""
        for _ in range(5 * kills):
            if self.left.kills >= kills and self.known_runs >= runs:
                break
            await self.kill(beside=beside, longest_s=longest_s)

    async def finish(self, timeout_s: float = 300.0) -> Left:
        """Let a last process end everything; what is left."""
        process = self.begin(0)
        process.join(timeout_s)
        await self._look_at_ends()
        store = SqlRuns(await open_database(killed_lab.place_of(self._url)))
        for info in await _every_run(store):
            self._count(info, await store.events(info.run_id))
        await store.close()
        self.left.uncounted = max(0, self.calls - self.left.calls)
        return self.left

    async def _look_at_ends(self) -> None:
        store = SqlRuns(await open_database(killed_lab.place_of(self._url)))
        every = await _every_run(store)
        self.known_runs = len(every)
        for info in every:
            if info.status in TERMINAL:
                self.left.changed += self._ends.setdefault(info.run_id, info.status) != info.status
        await store.close()

    def _count(self, info: RunInfo, events: Sequence[RunEvent]) -> None:
        self.left.runs += 1
        self.left.lost += info.status != "completed"
        path = OutputFolder(self._folder).path(info.flow_id, info.run_id)
        try:
            self.left.torn += json.loads(path.read_bytes())["status"] != info.status
        except (OSError, ValueError):
            self.left.torn += 1
        begun: Counter[tuple[str, int, int, str]] = Counter()
        answered, resumed = set(), 0
        for event in events:
            if isinstance(event, RunResumed):
                resumed += 1
            elif isinstance(event, GenerationStarted | GenerationFinished):
                key = (event.node, event.visit, event.sample, event.request_hash)
                if isinstance(event, GenerationFinished):
                    answered.add(key)
                    continue
                begun[key] += 1
                self.left.too_often += key in answered
        self.left.calls += begun.total()
        self.left.repeated += begun.total() - len(begun)
        self.left.too_often += sum(max(0, times - 1 - resumed) for times in begun.values())


async def _every_run(store: SqlRuns) -> list[RunInfo]:
    found: list[RunInfo] = []
    while page := await store.list(limit=500, before=found[-1].run_id if found else None):
        found += page
    return found
