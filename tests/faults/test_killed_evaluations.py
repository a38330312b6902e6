"""An evaluation whose process is killed again and again ends as if nothing had happened, and pays no answer twice."""

from __future__ import annotations

import multiprocessing.process
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent_lab.storage.database import open_database
from agent_lab.storage.evaluations import SqlEvaluations
from agent_lab.storage.tables import ANSWERS
from support import killed_evaluation, killed_lab
from support.forking import forking

KILLS = 6


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_killed_evaluation_is_taken_up_and_pays_no_answer_twice(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres_database")
    chance = random.Random(5)
    context = forking()

    def begin(*, start: bool) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=killed_evaluation.main, args=(str(tmp_path), url, start), daemon=True)
        process.start()
        return process

    log, kills = tmp_path / "calls.log", 0
    process = begin(start=True)
    while kills < KILLS:
        before = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.is_alive():
            if log.exists() and log.stat().st_size > before + chance.randrange(3, 12):
                break
            time.sleep(0.005)  # noqa: ASYNC251 - nothing else goes on here
        process.kill()
        process.join()
        kills += 1
        process = begin(start=False)
    process.join(300)

    database = await open_database(killed_lab.place_of(url))
    store = SqlEvaluations(database)
    (info,) = await store.list()
    assert (info.status, info.fault) == ("completed", None)
    cells = await store.cells(info.evaluation_id)
    equal = {cell.arm for cell in cells} - {arm.name for arm in killed_evaluation.SPEC.arms}
    assert equal == {"equal-cost:challenge"}
    assert len(cells) == 4 * killed_evaluation.ITEMS
    answers = await database.read(
        lambda connection: connection.execute(select(func.count()).select_from(ANSWERS)).scalar()
    )
    await database.close()
    called = log.stat().st_size
    assert answers <= called <= answers + KILLS * killed_evaluation.CALLS_IN_FLIGHT
