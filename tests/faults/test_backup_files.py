"""What is wrong with a backup is found before anything is touched, and told in a sentence."""

from __future__ import annotations

import errno
import json
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, ValidationError
from agent_lab.storage.backup import store
from agent_lab.storage.backup.files import Folders
from agent_lab.storage.backup.reading import DamagedError, opened
from agent_lab.storage.backup.store import check, restore, save
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.runs import SqlRuns
from support.backups import Entries, entries_of, forge, seal, silent
from support.stores import complete, run

MODELS = b'[[model]]\nkey = "mine"\n'


def folders(root: Path) -> Folders:
    return Folders(config=root / "config", data=root / "data")


@pytest.fixture
async def saved(tmp_path: Path) -> Path:
    """A backup of one run, one file of models and one result."""
    here = folders(tmp_path / "old")
    database = await open_database(here.data / "agent-lab.db")
    await complete(SqlRuns(database), run("r1"))
    here.config.mkdir()
    (here.config / "models.toml").write_bytes(MODELS)
    (here.config / "keys.toml").write_text("# no secret")
    (here.config / ".env").write_text("OPENAI_API_KEY=sk-secret")
    (here.data / "token").write_text("a-secret-token")
    (here.data / "outputs" / "linear_flows").mkdir(parents=True)
    (here.data / "outputs" / "linear_flows" / "r1.json").write_text('{"answer": "Because."}')
    path = tmp_path / "saved.zip"
    await save(database, here, path, outputs=True, tell=silent)
    await database.close()
    return path


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[tuple[Database, Folders]]:
    there = folders(tmp_path / "new")
    database = await open_database(there.data / "agent-lab.db")
    yield database, there
    await database.close()


def test_a_backup_holds_neither_token_nor_keys(saved: Path) -> None:
    assert b"secret" not in b"".join(entries_of(saved).values())
    assert saved.stat().st_mode & 0o777 == 0o600


async def test_what_was_saved_is_there_again(saved: Path, target: tuple[Database, Folders]) -> None:
    database, there = target
    await restore(database, there, saved, tell=silent)
    assert (await SqlRuns(database).get("r1")).status == "completed"
    assert (there.config / "models.toml").read_bytes() == MODELS
    assert json.loads((there.data / "outputs/linear_flows/r1.json").read_text()) == {"answer": "Because."}


def test_a_byte_flipped_anywhere_is_found(saved: Path, tmp_path: Path) -> None:
    data, changed = bytearray(saved.read_bytes()), tmp_path / "changed.zip"
    for place in range(len(data)):
        data[place] ^= 0x01
        changed.write_bytes(data)
        with pytest.raises(ValidationError), opened(changed):
            pass
        data[place] ^= 0x01


@pytest.mark.parametrize("left", [0, 1, 20, 100, 1000, -1, -64, -71])
def test_a_backup_that_is_cut_off_is_found(saved: Path, tmp_path: Path, left: int) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(saved.read_bytes()[:left])
    with pytest.raises(ValidationError), opened(cut):
        pass


def test_another_zip_is_not_taken_for_a_backup(tmp_path: Path) -> None:
    other = seal(tmp_path / "other.zip", {"word/document.xml": b"<x/>"})
    with pytest.raises(ValidationError, match=r"is not a backup of AI Agent Lab") as caught, opened(other):
        pass
    assert not isinstance(caught.value, DamagedError)


def line(entries: Entries, part: str, row: Any) -> None:
    entries[part] = json.dumps(row).encode() + b"\n"


def changed_run(entries: Entries, column: int, value: Any) -> None:
    row = json.loads(entries["tables/runs.jsonl"])
    row[column] = value
    line(entries, "tables/runs.jsonl", row)


FORGED = {
    "a path that leads out": lambda e: e.update({"config/../../evil.toml": b""}),
    "a flow out of its folder": lambda e: e.update({"config/flows/../../evil.json": b""}),
    "access keys": lambda e: e.update({"config/keys.toml": b""}),
    "a table of another program": lambda e: e.update({"tables/sqlite_master.jsonl": b""}),
    "a table that this schema has not": lambda e: e.update({"tables/tallies.jsonl": b""}),
    "a result out of its folder": lambda e: line(e, "outputs.jsonl", ["../evil_flows/x.json", "{}"]),
    "a result that is no text": lambda e: line(e, "outputs.jsonl", ["linear_flows/x.json", {}]),
    "a row of too few values": lambda e: line(e, "tables/runs.jsonl", ["r1"]),
    "a row that is none": lambda e: line(e, "tables/runs.jsonl", {"run_id": "r1"}),
    "JSON that is none": lambda e: e.update({"tables/runs.jsonl": b"[1,\n"}),
    "JSON that is too deep": lambda e: e.update({"tables/runs.jsonl": b"[" * 100_000 + b"\n"}),
    "a number of 5,000 digits": lambda e: e.update({"tables/runs.jsonl": b"[" + b"9" * 5000 + b"]\n"}),
    "a time that is none": lambda e: changed_run(e, 6, "yesterday"),
    "a number for a text": lambda e: changed_run(e, 1, 7),
    "a missing value": lambda e: changed_run(e, 1, None),
    "events of no run": lambda e: e.update({"tables/runs.jsonl": b""}),
    "the same run twice": lambda e: e.update({"tables/runs.jsonl": 2 * e["tables/runs.jsonl"]}),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_backup_changes_nothing(saved: Path, target: tuple[Database, Folders], name: str) -> None:
    database, there = target
    await complete(SqlRuns(database), run("mine"))
    with pytest.raises(DamagedError):
        await restore(database, there, forge(saved, FORGED[name]), replace=True, tell=silent)
    assert [info.run_id for info in await SqlRuns(database).list(limit=9)] == ["mine"]
    assert not list(saved.parent.rglob("evil*"))
    assert not there.config.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["parts"].pop(),
        lambda document: document["parts"][1].update(rows=7),
        lambda document: document["parts"][1].update(bytes=10**15),
        lambda document: document["parts"][1].update(columns=["run_id", "1; DROP TABLE runs"]),
        lambda document: document.update(surprise=True),
        lambda document: document.update(schema_version=3),
        lambda document: document.update(format="one"),
    ],
)
async def test_a_manifest_that_does_not_agree_is_found(saved: Path, change: Any) -> None:
    with pytest.raises(DamagedError):
        await check(forge(saved, lambda _: None, manifest=change), tell=silent)


async def test_an_event_that_cannot_be_read_is_found_by_the_check(saved: Path) -> None:
    def spoil(entries: Entries) -> None:
        rows = [json.loads(row) for row in entries["tables/events.jsonl"].splitlines()]
        rows[0][3] = "{}"
        entries["tables/events.jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    await check(saved, tell=silent)
    with pytest.raises(EnvironmentFaultError, match=r"Event 1 of run r1 cannot be read"):
        await check(forge(saved, spoil), tell=silent)


@pytest.mark.parametrize("change", [{"format": 2, "version": "9.0"}, {"schema_version": "0999", "version": "9.0"}])
async def test_a_backup_of_a_newer_version_is_told(saved: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"was written by AI Agent Lab 9\.0, which is newer"):
        await check(forge(saved, lambda _: None, manifest=lambda document: document.update(change)), tell=silent)


async def test_a_backup_that_is_larger_than_the_disk_is_refused_before_it_is_unpacked(
    saved: Path, target: tuple[Database, Folders], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 0, 100))
    with pytest.raises(EnvironmentFaultError, match=r"GB unpacked, and the disk"):
        await restore(*target, saved, tell=silent)


async def test_a_full_disk_leaves_the_older_backup_and_nothing_half_written(
    saved: Path, target: tuple[Database, Folders], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = entries_of(saved)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.files, "save_files", full)
    with pytest.raises(EnvironmentFaultError, match=r"cannot be written \(No space left on device\); make room"):
        await save(*target, saved, tell=silent)
    assert entries_of(saved) == before
    assert [path.name for path in saved.parent.iterdir() if "tmp" in path.name] == []


async def test_a_disk_that_fails_in_the_last_file_leaves_the_database_as_it_was(
    saved: Path, target: tuple[Database, Folders]
) -> None:
    database, there = target
    await complete(SqlRuns(database), run("mine"))
    there.config.write_text("a file where the folder should be")
    with pytest.raises(AgentLabError):
        await restore(database, there, saved, replace=True, tell=silent)
    assert [info.run_id for info in await SqlRuns(database).list(limit=9)] == ["mine"]


async def test_work_that_is_stopped_leaves_everything_as_it_was(saved: Path, target: tuple[Database, Folders]) -> None:
    database, there = target
    await complete(SqlRuns(database), run("mine"))

    class StoppedError(Exception):
        pass

    def stop(part: str, _done: int, _total: int) -> None:
        if part == "events":
            raise StoppedError

    for work in (
        lambda: restore(database, there, saved, replace=True, tell=stop),
        lambda: save(database, there, saved.with_name("new.zip"), tell=stop),
    ):
        with pytest.raises(StoppedError):
            await work()
    assert [info.run_id for info in await SqlRuns(database).list(limit=9)] == ["mine"]
    assert not saved.with_name("new.zip").exists()
