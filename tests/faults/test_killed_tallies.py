"""Processes that are killed while they count: each run is in its flow's tally once, whoever counted it."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from datetime import timedelta

import pytest

from agent_lab.contracts.events import RunFinished, RunStarted
from agent_lab.contracts.run import RunInfo
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tallies import SqlTallies
from support import counting
from support.forking import forking
from support.library import CATALOG
from support.stores import NOON
from unit.test_evaluation_trace import events_of

RUNS = 240


async def fill(place: Place) -> SqlRuns:
    """A database with so many completed runs, none of them counted."""
    store = SqlRuns(await open_database(place))
    flow = CATALOG.get("debate")
    events = await events_of(flow, {"agent_1": "Answer: 75", "agent_2": "Answer: 85", "agent_3": "Answer: 85"})
    begun, end = events[0], events[-1]
    assert isinstance(begun, RunStarted)
    assert isinstance(end, RunFinished)
    for number in range(RUNS):
        info = RunInfo(
            run_id=f"r{number}",
            flow_id=flow.id,
            flow_hash=begun.flow_hash,
            status="running",
            prompt="What is 47 + 38?",
            request_id="q",
            created_at=NOON + timedelta(seconds=number),
        )
        await store.create(info, [begun.model_copy(update={"run_id": info.run_id}), *events[1:]])
    return store


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_run_is_counted_once_though_those_who_count_are_killed(place: Place) -> None:
    store = await fill(place)
    database = await open_database(place)
    tallies, chance = SqlTallies(database), random.Random(5)
    context = forking()
    url, killed = place.url.render_as_string(hide_password=False), 0
    left = [RUNS]
    for _ in range(20):
        if left[-1] == 0:
            break
        beside = [context.Process(target=counting.main, args=(url,), daemon=True) for _ in range(2)]
        for process in beside:
            process.start()
        ends = time.monotonic() + 60
        while await tallies.uncounted_runs("debate") == left[-1] and time.monotonic() < ends:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.1))
        for process in beside:
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
        left.append(await tallies.uncounted_runs("debate"))
        counted = sum(one.runs for one in await tallies.sums("debate"))
        assert counted + left[-1] == RUNS, "a run was counted twice, or lost"
    await counting.count(url)
    (found,) = await tallies.sums("debate")
    assert (found.runs, await tallies.uncounted_runs("debate")) == (RUNS, 0)
    assert found.first_draft == {"same": 0, "other": RUNS, "untold": 0, "missing": 0}
    assert found.vote["same"] == RUNS
    assert killed >= 2
    assert any(0 < one < RUNS for one in left), "no kill came in the middle: kill later, or earlier"
    await database.close()
    await store.close()
