"""A store is saved while runs are going on, and elsewhere each of them is what it was, or goes on to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.run import TERMINAL, RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.backup.files import Folders
from agent_lab.storage.backup.store import check, restore, save
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tables import SCHEMA_VERSION
from support.backups import full, let_go, rows_of, silent
from support.gates import Words
from support.runs import Bench, bench
from support.stores import finished

RUNS = 20
ROLES = {"creator": "one two three", "challenger": "four five six", "refiner": "seven eight nine"}
WORDS = 9
"""Of one run."""


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[tuple[Database, Folders]]]]:
    made = []

    async def new(name: str) -> tuple[Database, Folders]:
        root = tmp_path / name
        made.append(await open_database(root / "agent-lab.db"))
        return made[-1], Folders(config=root, data=root)

    yield new
    for database in made:
        await database.close()


Open = Callable[[str], Awaitable[tuple[Database, Folders]]]


async def test_runs_that_are_going_on_are_saved_and_go_on_elsewhere(opened: Open, tmp_path: Path) -> None:
    database, here = await opened("here")
    gate = Words(0)
    lab = bench(here.data, ScriptedProvider(ROLES, gate=gate), store=SqlRuns(database))
    infos = [await lab.runs.start(RunRequest(flow="challenge", prompt=f"Question {n}")) for n in range(RUNS)]
    backups = [tmp_path / f"{n}.zip" for n in range(4)]
    for path in backups:
        gate.let(RUNS * WORDS // len(backups))  # they are said while the store is saved
        await save(database, here, path, tell=silent)
    gate.set()
    views = {info.run_id: await lab.runs.wait(info.run_id) for info in infos}
    assert {view.status for view in views.values()} == {"completed"}
    seen = [await gone_on_with(path, await opened(path.stem), lab) for path in backups]
    assert seen[0] < RUNS, "no backup was made while runs were going on"


async def gone_on_with(path: Path, there: tuple[Database, Folders], first: Bench) -> int:
    """How many runs of the backup had ended; the others are carried to their end, and each begins as the first did."""
    database, folders = there
    await check(path, tell=silent)
    await restore(database, folders, path, tell=silent)
    lab = bench(folders.data, ScriptedProvider(ROLES), store=SqlRuns(database))
    infos = await lab.runs.list(limit=RUNS)
    assert len(infos) == RUNS
    kept = {info.run_id: await lab.events(info.run_id) for info in infos}
    taken = await lab.runs.recover()
    assert set(taken) == {info.run_id for info in infos if info.status not in TERMINAL}
    for run_id, events in kept.items():
        assert events == (await first.events(run_id))[: len(events)]
        view = await lab.runs.wait(run_id)
        assert (view.status, view.answer, view.totals.calls) == ("completed", ROLES["refiner"], 3)
        if run_id not in taken:
            assert view == await first.runs.view(run_id)
    return RUNS - len(taken)


async def test_what_is_restored_twice_is_the_same_to_the_last_value(opened: Open, tmp_path: Path) -> None:
    database, here = await opened("here")
    await full(database, here)
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    await save(database, here, first, tell=silent)
    other, there = await opened("there")
    await restore(other, there, first, tell=silent)
    await save(other, there, second, tell=silent)
    with pytest.raises(ConflictError, match=r"There is something already: .*Use --replace"):
        await restore(other, there, second, tell=silent)
    done = await restore(other, there, second, replace=True, tell=silent)
    before, after = await rows_of(database), await rows_of(other)
    for table in ("runs", "evaluations"):
        assert after.pop(table) == [let_go(row, table) for row in before.pop(table)]
    assert after == before
    assert (there.config / "flows" / "mine.json").read_text() == '{"id": "mine"}'
    assert (there.data / "models.lock.json").exists()
    assert done.saved is not None
    assert (await check(done.saved, tell=silent)).rows == done.manifest.rows


async def test_a_store_that_is_worked_on_is_not_written_over(opened: Open, tmp_path: Path) -> None:
    database, here = await opened("here")
    await full(database, here)
    await save(database, here, tmp_path / "saved.zip", tell=silent)
    store = SqlRuns(database)
    assert await store.claim("held", owner="w2", seconds=30)
    with pytest.raises(ConflictError, match=r"A server works on runs or evaluations of this store; stop it"):
        await restore(database, here, tmp_path / "saved.zip", replace=True, tell=silent)
    await store.append("held", [finished()], owner="w2")
    await restore(database, here, tmp_path / "saved.zip", replace=True, tell=silent)
    assert (await store.get("held")).status == "running"


async def test_a_file_that_is_there_and_says_otherwise_is_not_written_over(opened: Open, tmp_path: Path) -> None:
    database, here = await opened("here")
    await full(database, here)
    await save(database, here, tmp_path / "saved.zip", tell=silent)
    other, there = await opened("there")
    (there.config / "flows").mkdir()
    (there.config / "flows" / "mine.json").write_text("{}")
    with pytest.raises(ConflictError, match=r"mine\.json"):
        await restore(other, there, tmp_path / "saved.zip", tell=silent)
    assert (there.config / "flows" / "mine.json").read_text() == "{}"


async def test_the_moment_of_a_backup_is_in_it(opened: Open, tmp_path: Path) -> None:
    database, here = await opened("here")
    await full(database, here)
    manifest = await save(database, here, tmp_path / "saved.zip", tell=silent)
    assert manifest.schema_version == SCHEMA_VERSION
    assert timedelta(0) <= datetime.now(UTC) - manifest.created_at < timedelta(minutes=10)
