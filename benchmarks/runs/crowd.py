"""A thousand runs at once in one process: what they take of memory, and how long they take."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.queue import QueueRules
from agent_lab.storage.database import open_database
from agent_lab.storage.runs import SqlRuns
from support.runs import bench

CALL_PIECES = "one two three four five six seven eight nine ten"
PIECE_S = 0.1
CHILD = "import sys; sys.path.insert(0, 'tests'); from benchmarks.runs.crowd import main; main()"


async def crowd(runs: int) -> tuple[float, float, float, int]:
    """MB of the process with all runs going on, MB before them, seconds until all have ended, how many completed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SqlRuns(await open_database(folder / "lab.db"))
        provider = ScriptedProvider({"*": CALL_PIECES}, delay_s=PIECE_S)
        lab = bench(folder, provider, store=store, rules=QueueRules(at_once=runs))
        await lab.run("challenge")
        gc.collect()
        me, began = psutil.Process(), time.perf_counter()
        before = me.memory_info().rss
        starts = await asyncio.gather(
            *(lab.runs.start(RunRequest(flow="challenge", prompt=f"What is {n} + 1?")) for n in range(runs))
        )
        most, waiting = before, asyncio.gather(*(lab.runs.wait(info.run_id) for info in starts))
        while not waiting.done():
            most = max(most, me.memory_info().rss)
            await asyncio.wait([waiting], timeout=0.2)
        views = waiting.result()
        seconds = time.perf_counter() - began
        await store.close()
    return most / 1e6, before / 1e6, seconds, sum(view.status == "completed" for view in views)


def lines(*, quick: bool = False) -> Iterator[str]:
    """In a process of its own, so that nothing else is in the figure."""
    runs = 200 if quick else 1000
    done = subprocess.run([sys.executable, "-c", CHILD, str(runs)], capture_output=True, text=True, check=True)
    yield done.stdout.strip()


def main() -> None:
    """One crowd; its line."""
    runs = int(sys.argv[1])
    most, before, seconds, completed = asyncio.run(crowd(runs))
    floor_s = 3 * len(CALL_PIECES.split()) * PIECE_S
    sys.stdout.write(
        f"{runs:,} runs at once: {most:.0f} MB at the most ({before:.0f} before them), {completed:,} completed in "
        f"{seconds:.1f} s (their calls alone take {floor_s:.1f} s)\n"
    )
