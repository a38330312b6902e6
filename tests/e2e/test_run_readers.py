"""500 readers of one run at once: each hears the same, the run goes at its own pace, and memory stays bounded."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import SIGNED_IN, TOKEN, Door, open_door, serve
from api.test_events import start

MANY = 500
READERS = Path(__file__).parent.parent / "support" / "many_readers.py"
WORDS = " ".join(f"word{number}" for number in range(80))
MOST_SLOWED = 1.5
"""The script speaks on the loop that serves the readers, so all that they take of it is added: a sixth, undisturbed."""
MOST_CPU_S_EACH = 0.005
MOST_BYTES_EACH = 300_000


@asynccontextmanager
async def served(home: Path, gate: asyncio.Event) -> AsyncIterator[tuple[Door, httpx.AsyncClient, int]]:
    provider = ScriptedProvider({"*": WORDS}, gate=gate, delay_s=0.02)
    async with (
        open_door(home, provider) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=60) as owner,
    ):
        yield door, owner, int(url.rpartition(":")[2])


async def seconds_with(
    door: Door, owner: httpx.AsyncClient, gate: asyncio.Event, port: int, count: int
) -> tuple[float, float, dict[str, object], int]:
    """The run's seconds with so many readers, those of the processor, what they heard, and how much memory it took."""
    gate.clear()
    run_id = await start(owner)
    before = psutil.Process().memory_info().rss
    arguments = [str(READERS), str(port), TOKEN, run_id, str(count)]
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert (await child.stdout.readline()).strip() == b"ready"
    busy = time.process_time()
    gate.set()
    view = await door.lab.runs.wait(run_id)
    busy = time.process_time() - busy
    grown = psutil.Process().memory_info().rss - before
    heard = json.loads(await child.stdout.read())
    assert await child.wait() == 0
    assert view.status == "completed"
    return view.totals.seconds, busy, heard, grown


@pytest.mark.slow
async def test_many_readers_hear_the_same_and_the_run_never_notices(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", gate) as (door, owner, port):
        alone, idle, _, _ = await seconds_with(door, owner, gate, port, 1)
        crowded, busy, heard, grown = await seconds_with(door, owner, gate, port, MANY)
        stored = (await owner.get("/api/runs")).json()["runs"][0]["run_id"]
        events = await door.lab.runs.events(stored)
    assert heard["readers"] == MANY
    assert (heard["different"], heard["texts"], heard["gaps"]) == (1, 1, 0)
    assert heard["ids"] == [event.seq for event in events]
    assert heard["spoken"] == dict.fromkeys(("creator", "challenger", "refiner"), WORDS)
    assert crowded / alone < MOST_SLOWED, f"{alone:.2f} s with one reader, {crowded:.2f} s with {MANY}"
    assert busy - idle < MANY * MOST_CPU_S_EACH, f"{idle:.2f} s of CPU with one reader, {busy:.2f} s with {MANY}"
    assert grown < MANY * MOST_BYTES_EACH, f"{grown / 1e6:.0f} MB"
