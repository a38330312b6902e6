"""`agent-lab backup` and `agent-lab restore`, as they are typed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Home, Said

from agent_lab.cli import backup as commands
from agent_lab.cli.clean import clean

Say = Callable[..., Said]


@pytest.fixture
def used(said: Say, home: Home) -> Home:
    """A home in which one question was asked."""
    assert said("run", "linear", "Why?", "--model", "echo", "--quiet").code == 0
    return home


def move(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another home from here on."""
    other = home.path / "other"
    monkeypatch.setenv("AGENT_LAB_HOME", str(other))
    return other


def test_a_lab_moves_to_another_home_with_two_commands(used: Home, said: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = json.loads(said("runs", "list", "--json").out)
    saved = said("backup", "lab.zip", "--outputs")
    assert saved.code == 0
    assert saved.out.startswith(f"{used.path / 'lab.zip'} written: 1 run, 0 stored flows, 1 configuration file, ")
    other = move(used, monkeypatch)
    assert said("restore", "lab.zip").out.startswith(f"{used.path / 'lab.zip'} restored: 1 run")
    assert json.loads(said("runs", "list", "--json").out) == runs
    assert (other / "models.toml").read_text() == (used.path / "models.toml").read_text()
    assert len(list((other / "outputs" / "linear_flows").glob("*.json"))) == 1


def test_a_backup_is_tried_out_without_touching_anything(used: Home, said: Say) -> None:
    said("backup", "lab.zip")
    before = sorted(used.path.rglob("*"))
    done = said("backup", "--check", "lab.zip", "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert document["rows"]["runs"] == 1
    assert document["rows"]["events"] > 3
    assert document["size_bytes"] == (used.path / "lab.zip").stat().st_size
    assert sorted(used.path.rglob("*")) == before


def test_what_is_there_is_written_over_only_where_that_is_said_and_saved_first(used: Home, said: Say) -> None:
    said("backup", "lab.zip")
    refused = said("restore", "lab.zip")
    assert refused.code == 2
    assert "There is something already: 1 row of runs" in refused.err
    assert "--replace" in refused.err
    done = said("restore", "lab.zip", "--replace", "--json")
    before = json.loads(done.out)["before"]
    assert said("backup", "--check", before).out.startswith(f"{before} is whole: 1 run")


def test_a_backup_takes_the_place_of_an_older_one_and_of_nothing_else(used: Home, said: Say) -> None:
    assert said("backup", "lab.zip").code == said("backup", "lab.zip").code == 0
    refused = said("backup", "agent-lab.db")
    assert refused.code == 2
    assert "is there already and is no backup; name another file." in refused.err
    sqlite3.connect(used.path / "agent-lab.db").execute("SELECT * FROM runs").close()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_stream_is_no_place_for_a_backup(used: Home, said: Say, command: str) -> None:
    done = said(command, "-")
    assert done.code == 2
    assert "name one" in done.err
    assert not Path("-").exists()


def test_a_home_without_a_database_has_nothing_to_save(home: Home, said: Say) -> None:
    refused = said("backup", "lab.zip")
    assert refused.code == 2
    assert "There is nothing to save yet" in refused.err
    assert not (home.path / "agent-lab.db").exists()
    assert not (home.path / "lab.zip").exists()


def test_a_file_that_is_no_backup_is_told_in_a_sentence(used: Home, said: Say) -> None:
    (used.path / "notes.txt").write_text("PK\x03\x04 not quite")
    for args in (("restore", "notes.txt"), ("backup", "--check", "notes.txt"), ("restore", "models.toml")):
        refused = said(*args)
        assert refused.code == 2
        assert "is not a backup of AI Agent Lab; name one that it wrote." in refused.err
    assert "cannot be read (No such file or directory)" in said("restore", "nowhere.zip").err


def test_a_restore_waits_for_the_server_to_be_stopped(used: Home, said: Say) -> None:
    said("backup", "lab.zip")
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None).isoformat(sep=" ")
    with sqlite3.connect(used.path / "agent-lab.db") as connection:
        connection.execute("UPDATE runs SET status = 'running', lease_owner = 'w1', lease_until = ?", (until,))
    refused = said("restore", "lab.zip", "--replace")
    assert refused.code == 2
    assert "A server works on runs or evaluations of this store; stop it" in refused.err


def test_ctrl_c_ends_it_and_leaves_everything_as_it_was(used: Home, said: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed(commands.Progress):
        def __call__(self, part: str, done: int, total: int) -> None:
            if part == "events" and not self._stopped:
                os.kill(os.getpid(), signal.SIGINT)
                while not self._stopped:
                    pass
            super().__call__(part, done, total)

    monkeypatch.setattr(commands, "Progress", Pressed)
    done = said("backup", "lab.zip")
    assert done.code == 130
    assert "nothing is changed" in clean(done.err)
    assert not list(used.path.glob("*lab.zip*"))


def test_progress_is_told_on_standard_error_and_not_beside_json(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        progress = commands.Progress(quiet=quiet)
        progress._said_s -= 60
        progress("events", 1200, 34000)
        progress("events", 1300, 34000)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "events: 1,200 of 34,000\n")
