import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from agent_lab.contracts.events import GenerationFinished, RunResumed
from agent_lab.runs.reducer import fold
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from support.killable import paid

TESTS = Path(__file__).parent.parent
KILLS = 8
RUNS = 4


def worker(folder: Path, place: Place, generation: int, start: int) -> subprocess.Popen[str]:
    source = str(TESTS.parent / "src")
    url = place.url.render_as_string(hide_password=False)
    code = (
        f"import sys; sys.path[:0] = [{source!r}, {str(TESTS)!r}]; "
        "import runpy; runpy.run_module('support.killable', run_name='__main__')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), url, str(generation), str(start)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.timeout(400)
async def test_killed_workers_lose_no_run_and_pay_for_nothing_twice_but_the_call_in_flight(
    tmp_path: Path, place: Place
) -> None:
    chance = random.Random(7)
    for generation in range(KILLS):
        process = worker(tmp_path, place, generation, RUNS if generation == 0 else 0)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        await asyncio.sleep(chance.uniform(0.0, 0.12))
        process.kill()
        process.wait()
    last = worker(tmp_path, place, KILLS, 0)
    assert last.wait(100) == 0

    store = SqlRuns(await open_database(place))
    runs = await store.list(limit=50)
    assert len(runs) == RUNS
    answered = taken_up = 0
    for info in runs:
        events = await store.events(info.run_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        view = fold(events)
        assert info.status == view.status == "completed"
        assert view.answer is not None
        calls = [(e.node, e.visit, e.sample) for e in events if isinstance(e, GenerationFinished)]
        assert len(calls) == len(set(calls))  # no finished call was made again
        answered += len(calls)
        taken_up += sum(isinstance(event, RunResumed) for event in events)
    assert taken_up > 0  # or the kills came too late to show anything
    # One call may be in flight in each run at each kill; nothing beyond those was paid twice.
    repeated = paid(tmp_path).total() - answered
    assert 0 <= repeated <= KILLS * RUNS
    await store.close()
