"""500 readers of one run at once: each hears the same, the run goes at its own pace, and memory stays bounded."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import SIGNED_IN, TOKEN, Door, open_door, serve
from api.test_events import start

MANY = 500
READERS = Path(__file__).parent.parent / "support" / "many_readers.py"
WORDS = " ".join(f"word{number}" for number in range(80))
PAUSE_S = 0.02
PAUSES = 3 * 80
"""Words that the three nodes of the flow say."""
MOST_SLOWED = 1.2
MOST_CPU_EACH = 0.01
"""Of what the whole run costs with one reader."""
MOST_BYTES_EACH = 300_000


@dataclass(frozen=True)
class Told:
    """How a run went that was followed: its seconds, those that its pauses took on this loop by then, the processor's,
    what its readers heard, and the memory that they took."""

    seconds: float
    pauses_s: float
    cpu_s: float
    heard: dict[str, Any]
    grown_bytes: int

    @property
    def slowness(self) -> float:
        """The run beside a clock that makes the same pauses: readers and strangers slow both, waiting only the run."""
        return self.seconds / self.pauses_s


@asynccontextmanager
async def served(home: Path, gate: asyncio.Event) -> AsyncIterator[tuple[Door, httpx.AsyncClient, int]]:
    provider = ScriptedProvider({"*": WORDS}, gate=gate, delay_s=PAUSE_S)
    async with (
        open_door(home, provider) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=60) as owner,
    ):
        yield door, owner, int(url.rpartition(":")[2])


async def pauses() -> float:
    """The seconds that the pauses of the script take when nobody says anything in them."""
    begun = time.perf_counter()
    for _pause in range(PAUSES):
        await asyncio.sleep(PAUSE_S)
    return time.perf_counter() - begun


async def followed(door: Door, owner: httpx.AsyncClient, gate: asyncio.Event, port: int, count: int) -> Told:
    """A run with so many readers."""
    gate.clear()
    run_id = await start(owner)
    before = psutil.Process().memory_info().rss
    arguments = [str(READERS), str(port), TOKEN, run_id, str(count)]
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert (await child.stdout.readline()).strip() == b"ready"
    begun, busy = time.perf_counter(), time.process_time()
    gate.set()
    pausing = asyncio.create_task(pauses())
    view = await door.lab.runs.wait(run_id)
    # Not the run's own seconds: they count from its start, and it has waited for its readers to come in.
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    pauses_s = await pausing
    grown = psutil.Process().memory_info().rss - before
    heard = json.loads(await child.stdout.read())
    assert await child.wait() == 0
    assert view.status == "completed"
    return Told(seconds, pauses_s, busy, heard, grown)


@pytest.mark.slow
async def test_many_readers_hear_the_same_and_the_run_never_notices(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", gate) as (door, owner, port):
        alone = await followed(door, owner, gate, port, 1)
        crowded = await followed(door, owner, gate, port, MANY)
        stored = (await owner.get("/api/runs")).json()["runs"][0]["run_id"]
        events = await door.lab.runs.events(stored)
    heard = crowded.heard
    assert heard["readers"] == MANY
    assert (heard["different"], heard["texts"], heard["gaps"]) == (1, 1, 0)
    assert heard["ids"] == [event.seq for event in events]
    assert heard["spoken"] == dict.fromkeys(("creator", "challenger", "refiner"), WORDS)
    assert crowded.slowness / alone.slowness < MOST_SLOWED, (alone, crowded)
    assert crowded.cpu_s - alone.cpu_s < MANY * MOST_CPU_EACH * alone.cpu_s, (alone, crowded)
    assert crowded.grown_bytes < MANY * MOST_BYTES_EACH, f"{crowded.grown_bytes / 1e6:.0f} MB"
