"""What was saved from one kind of database is the same in the other, to the last value."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_lab.contracts.run_ports import Order
from agent_lab.storage.backup.files import Folders
from agent_lab.storage.backup.store import restore, save
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from support.backups import full, let_go, rows_of, silent
from support.stores import complete, run


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = await open_database(place)
    yield opened
    await opened.close()


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    """The store beside it, always of SQLite."""
    opened = await open_database(tmp_path / "beside.db")
    yield opened
    await opened.close()


def folders(path: Path) -> Folders:
    path.mkdir(exist_ok=True)
    return Folders(config=path, data=path)


async def test_a_store_moves_to_a_file_and_a_file_to_a_store(
    database: Database, file: Database, tmp_path: Path
) -> None:
    here, there = folders(tmp_path / "here"), folders(tmp_path / "there")
    await full(database, here)
    before = await rows_of(database)
    before["runs"] = sorted(map(let_go, before["runs"]), key=repr)
    before["evaluations"] = [let_go(row, "evaluations") for row in before["evaluations"]]
    await save(database, here, tmp_path / "saved.zip", tell=silent)
    await restore(file, there, tmp_path / "saved.zip", tell=silent)
    assert await rows_of(file) == before
    await save(file, there, tmp_path / "again.zip", tell=silent)
    await complete(SqlRuns(database), run("later"))
    done = await restore(database, here, tmp_path / "again.zip", replace=True, tell=silent)
    assert await rows_of(database) == before
    assert done.saved is not None


async def test_numbers_go_on_behind_those_that_were_restored(
    database: Database, file: Database, tmp_path: Path
) -> None:
    await full(file, folders(tmp_path / "here"))
    store = SqlRuns(database)
    await save(file, folders(tmp_path / "here"), tmp_path / "saved.zip", tell=silent)
    await restore(database, folders(tmp_path / "there"), tmp_path / "saved.zip", tell=silent)
    numbers = [order.number for order in await store.orders(owner="w2")]
    assert (await store.order(Order(run_id="held", kind="cancel"))).number > max(numbers)


async def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    database: Database, file: Database, tmp_path: Path
) -> None:
    store = SqlRuns(database)
    await complete(store, run("first"))
    loop = asyncio.get_running_loop()

    def meanwhile(part: str, done: int, total: int) -> None:
        if part == "runs":  # whose events are read after it
            asyncio.run_coroutine_threadsafe(complete(store, run(f"during-{done}-{total}")), loop).result(60)

    here = folders(tmp_path / "here")
    manifest = await save(database, here, tmp_path / "saved.zip", tell=meanwhile)
    assert (manifest.rows["runs"], manifest.rows["events"]) == (1, 2)
    await restore(file, folders(tmp_path / "there"), tmp_path / "saved.zip", tell=silent)
    assert len(await store.list(limit=9)) > 1
