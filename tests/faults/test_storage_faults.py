"""Storage killed, filled up, damaged and crowded: what was acknowledged stays, and the operator is told what to do."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

import agent_lab
from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.events import NodeFinished
from agent_lab.contracts.run import NodeOutput, RunInfo
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tables import METADATA, SCHEMA_VERSION

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = str(Path(agent_lab.__file__).parent.parent)

APPENDER = """
import asyncio, sys
from datetime import datetime, UTC
from agent_lab.contracts.events import NodeFinished
from agent_lab.contracts.run import NodeOutput
from agent_lab.settings import Settings
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.runs import SqlRuns

async def main():
    runs = SqlRuns(await open_database(database_place(Settings(database_url=sys.argv[1]))))
    said = len(await runs.events("r1"))
    while True:
        output = NodeOutput(text=f"{said + 1} " + "x" * 3000)
        done = NodeFinished(at=datetime.now(UTC), node="a", visit=1, output=output, next=(), seconds=1.0)
        kept = await runs.append("r1", [done, done], owner="w1")
        said = kept[-1].seq
        sys.stdout.write(f"{said}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""

WRITER = """
import sys
from pathlib import Path
from agent_lab.storage.outputs import OutputFolder

number = 0
while True:
    number += 1
    OutputFolder(Path(sys.argv[1])).write("linear", "run-1", {"number": number, "answer": str(number % 10) * 200_000})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""

OPENER = """
import asyncio, sys
from agent_lab.settings import Settings
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place, database_place

async def main():
    database = await open_database(database_place(Settings(database_url=sys.argv[1])))
    await database.close()

sys.stdin.readline()
asyncio.run(main())
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def url_of(place: Place) -> str:
    return place.url.render_as_string(hide_password=False)


def kill_while_it_writes(script: str, place: str, wait_s: float) -> int:
    """The number that the process had acknowledged last when it was killed."""
    process = start(script, place)
    assert process.stdout is not None
    first = process.stdout.readline()  # it is writing now
    assert first, process.communicate()[1]
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()  # and not communicate(), which leaves out what the line's own buffer has read ahead
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    return int((first + rest).rsplit("\n", 2)[-2])


def info(run_id: str = "r1") -> RunInfo:
    return RunInfo(
        run_id=run_id, flow_id="linear", flow_hash="f", status="queued", prompt="Why?", request_id="q", created_at=NOW
    )


def done(text: str) -> NodeFinished:
    return NodeFinished(at=NOW, node="a", visit=1, output=NodeOutput(text=text), next=(), seconds=1.0)


async def test_a_kill_costs_no_acknowledged_event_and_leaves_no_torn_one(place: Place) -> None:
    runs = SqlRuns(await open_database(place))
    await runs.create(info())
    await runs.close()
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(10):
        said = kill_while_it_writes(APPENDER, url_of(place), chance.uniform(0, 0.05))
        assert said > acknowledged
        acknowledged = said
        runs = SqlRuns(await open_database(place))
        events = await runs.events("r1")
        await runs.close()
        assert [one.seq for one in events] == list(range(1, len(events) + 1))
        assert len(events) % 2 == 0  # two were appended at a time
        assert len(events) - acknowledged in (0, 2)  # at most the one append in flight was not acknowledged
        assert all(isinstance(one, NodeFinished) and len(one.output.text) > 3000 for one in events)
    if place.path is not None:
        with sqlite3.connect(place.path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def test_a_kill_leaves_the_old_result_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(11)
    for _ in range(10):
        said = kill_while_it_writes(WRITER, str(tmp_path), chance.uniform(0, 0.03))
        document = json.loads((tmp_path / "outputs" / "linear_flows" / "run-1.json").read_bytes())
        assert document["number"] in (said, said + 1)
        assert document["answer"] == str(document["number"] % 10) * 200_000


async def test_a_reopened_database_has_the_same_runs_and_events(place: Place) -> None:
    runs = SqlRuns(await open_database(place))
    await runs.create(info())
    kept = await runs.append("r1", [done("Ñandú 🙂"), done("b")], owner="w1")
    assert await runs.claim("r1", owner="w1", seconds=1000)
    await runs.close()
    again = SqlRuns(await open_database(place))
    assert list(await again.events("r1")) == list(kept)
    assert await again.get("r1") == info()
    assert not await again.claim("r1", owner="w2", seconds=1)
    await again.close()


async def test_several_processes_open_a_new_database_at_once(place: Place) -> None:
    openers = [start(OPENER, url_of(place)) for _ in range(4)]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        _, errors = await asyncio.to_thread(opener.communicate)
        assert opener.returncode == 0, errors
    runs = SqlRuns(await open_database(place))
    await runs.create(info())
    await runs.close()


async def test_two_stores_on_one_database_number_their_events_together(place: Place) -> None:
    first, second = [SqlRuns(await open_database(place)) for _ in range(2)]
    await first.create(info())

    async def write(runs: SqlRuns) -> None:
        for _ in range(20):
            await runs.append("r1", [done("x")], owner="w1")

    await asyncio.gather(write(first), write(second))
    assert [one.seq for one in await first.events("r1")] == list(range(1, 41))
    await first.close()
    await second.close()


async def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "lab.db"
    await (await open_database(path)).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_of_two_that_claim_a_run_at_once_one_has_it(place: Place) -> None:
    stores = [SqlRuns(await open_database(place)) for _ in range(3)]
    for number in range(20):
        await stores[0].create(info(f"r{number}"))
        claims = [store.claim(f"r{number}", owner=f"w{index}", seconds=9) for index, store in enumerate(stores)]
        assert sorted(await asyncio.gather(*claims)) == [False, False, True]
    for store in stores:
        await store.close()


async def test_a_new_file_and_the_migrations_have_the_tables_that_the_program_uses(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    from agent_lab.storage.migrations import known_versions, upgrade

    await _open_and_close(tmp_path / "new.db")
    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with migrated.begin() as connection:
        upgrade(connection)
    for engine in (migrated, create_engine(f"sqlite:///{tmp_path / 'new.db'}")):
        with engine.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
            assert MigrationContext.configure(connection).get_current_revision() == SCHEMA_VERSION
        engine.dispose()
    assert max(known_versions()) == SCHEMA_VERSION


def test_a_new_and_an_up_to_date_database_are_opened_without_loading_alembic(tmp_path: Path) -> None:
    script = OPENER + "\nassert 'alembic' not in sys.modules, 'loaded'\n"
    for _ in range(2):
        process = start(script, f"sqlite:///{tmp_path}/lab.db")
        _, errors = process.communicate("go\n")
        assert process.returncode == 0, errors


async def _open_and_close(path: Path) -> None:
    await (await open_database(path)).close()


# --- what the operator is told ------------------------------------------------------------------------------------


async def fault(path: Path) -> str:
    with pytest.raises(EnvironmentFaultError) as caught:
        await open_database(path)
    assert str(path) in caught.value.message
    return caught.value.message


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    path.write_text("Dear diary, " * 1000)
    assert "is no database of AI Agent Lab" in await fault(path)
    assert path.read_text() == "Dear diary, " * 1000


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert "choose another folder with AGENT_LAB_HOME" in await fault(tmp_path)


async def test_a_path_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "choose another folder with AGENT_LAB_HOME" in await fault(tmp_path / "file" / "home" / "lab.db")


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (theirs TEXT)")
    connection.close()
    assert "belongs to another program" in await fault(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    connection.close()


async def test_a_newer_schema_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    await _open_and_close(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.close()
    sentence = await fault(path)
    known = f"(schema 0099; this version knows {SCHEMA_VERSION})"
    assert f"newer version of AI Agent Lab {known}; install that version" in sentence


async def test_a_damaged_page_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    runs = SqlRuns(await open_database(path))
    await runs.create(info())
    for _ in range(20):
        await runs.append("r1", [done("x" * 3000)], owner="w1")
    await runs.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(EnvironmentFaultError, match=r"is damaged; restore it from a backup"):
        await _read_everything(path)


async def _read_everything(path: Path) -> None:
    runs = SqlRuns(await open_database(path))
    try:
        await runs.events("r1")
    finally:
        await runs.close()


async def test_an_event_that_cannot_be_read_is_told_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    runs = SqlRuns(await open_database(path))
    await runs.create(info())
    await runs.append("r1", [done("a"), done("b")], owner="w1")
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE events SET body = \'{"type": "node_dreamt"}\' WHERE seq = 2')
    connection.close()
    with pytest.raises(EnvironmentFaultError, match="Event 2 of run r1 cannot be read"):
        await runs.events("r1")
    await runs.close()


async def test_a_full_disk_refuses_the_event_and_keeps_those_before(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "lab.db")
    runs = SqlRuns(database)
    await runs.create(info())
    await runs.append("r1", [done("kept")], owner="w1")
    await limit_pages(database, 30)
    with pytest.raises(EnvironmentFaultError, match=r"The disk that holds .*lab\.db is full; make room"):
        await runs.append("r1", [done("x" * 1_000_000)], owner="w1")
    assert [one.seq for one in await runs.append("r1", [done("small")], owner="w1")] == [2]
    assert len(await runs.events("r1")) == 2
    await runs.close()


async def limit_pages(database: Database, pages: int) -> None:
    """From here on SQLite finds no room beyond so many pages, as on a full disk."""
    database.engine.dispose()

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}")

    event.listen(database.engine, "connect", limit)


async def test_a_database_that_another_program_holds_is_told_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_lab.storage.engines.BUSY_TIMEOUT_MS", 100)
    path = tmp_path / "lab.db"
    runs = SqlRuns(await open_database(path))
    await runs.create(info())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(EnvironmentFaultError, match="Another program has held the database"):
        await runs.append("r1", [done("a")], owner="w1")
    assert (await runs.get("r1")).run_id == "r1"  # readers go on
    holder.execute("COMMIT")
    holder.close()
    assert [one.seq for one in await runs.append("r1", [done("a")], owner="w1")] == [1]
    await runs.close()
