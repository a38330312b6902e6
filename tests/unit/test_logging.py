"""The log keeps secrets and never stops the program."""

from __future__ import annotations

import asyncio
import json
import logging as stdlib_logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from agent_lab.telemetry import logging


@pytest.fixture(autouse=True)
def logging_ends() -> Iterator[None]:
    yield
    logging.close()
    structlog.reset_defaults()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "agent-lab.log").read_text("utf-8").splitlines()]


# --- the log ------------------------------------------------------------------------------------------------------


def test_a_line_is_json_with_what_is_bound_to_its_context(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.configure(tmp_path / "logs")
    with logging.bound(run_id="r1", request_id="q1", node="creator", provider="local"):
        logging.get_logger("runs").info("node started", visit=1)
    logging.get_logger("runs").info("after")
    first, second = lines(tmp_path / "logs")
    assert datetime.fromisoformat(first.pop("at")).tzinfo is not None
    assert first == {
        "event": "node started",
        "level": "info",
        "logger": "agent_lab.runs",
        "visit": 1,
        "run_id": "r1",
        "request_id": "q1",
        "node": "creator",
        "provider": "local",
    }
    assert "run_id" not in second
    assert capfd.readouterr() == ("", "")


async def test_tasks_that_run_beside_each_other_keep_their_context_apart(tmp_path: Path) -> None:
    logging.configure(tmp_path)

    async def work(run_id: str) -> None:
        with logging.bound(run_id=run_id):
            await asyncio.sleep(0)
            logging.get_logger("runs").info("step", mine=run_id)

    await asyncio.gather(*(work(f"r{number}") for number in range(5)))
    assert [line["run_id"] for line in lines(tmp_path)] == [line["mine"] for line in lines(tmp_path)]
    assert len(lines(tmp_path)) == 5


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_the_level_decides_what_is_written(tmp_path: Path, level: str, seen: list[str]) -> None:
    logging.configure(tmp_path, level=level)
    log = logging.get_logger("runs")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("said")
    assert [line["level"] for line in lines(tmp_path)] == seen


def test_secrets_are_hidden_and_counts_of_tokens_are_not(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    secrets: dict[str, Any] = {
        "api_key": "hunter2",
        "OPENAI_API_KEY": "hunter2",
        "apiKey": "hunter2",
        "x-api-key": "hunter2",
        "token": "hunter2",
        "access_tokens": ["hunter2"],
        "Authorization": "Bearer hunter2",
        "password": "hunter2",
        "anything": SecretStr("hunter2"),
        "settings": {"openai": [{"key": "hunter2"}], "other": SecretStr("hunter2")},
        "url": "https://me:hunter2@example.org/v1?a=1&key=hunter2",
        "reason": "the header 'Authorization: Bearer hunter2' and sk-hunter2hunter2 were refused",
    }
    counts = {
        "prompt_tokens": 12,
        "tokens_generated": 34,
        "max_tokens": None,
        "first_token_s": 0.25,
        "model_key": "demo",
        "keyboard": "qwerty",
        "tokenizer": "bpe",
    }
    logging.get_logger("runs").info("asked", **secrets, **counts)
    written = (tmp_path / "agent-lab.log").read_text()
    assert "hunter2" not in written
    line = lines(tmp_path)[0]
    assert {name: line[name] for name in counts} == counts
    assert set(secrets) <= set(line)
    assert "me:[hidden]@example.org" in line["url"]


def test_a_secret_in_a_traceback_is_hidden(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    try:
        raise RuntimeError("refused: Authorization: Bearer hunter2")
    except RuntimeError:
        logging.get_logger("runs").exception("failed")
        stdlib_logging.getLogger("some.library").exception("failed too, with Bearer hunter2")
    ours, theirs = lines(tmp_path)
    assert "RuntimeError: refused" in ours["exception"]
    assert "RuntimeError: refused" in theirs["exception"]
    assert "hunter2" not in json.dumps([ours, theirs])


def test_warnings_of_libraries_are_kept_and_their_chatter_is_not(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    library = stdlib_logging.getLogger("some.library")
    library.info("chatter")
    library.warning("pool of %s is full", 5)
    assert [(line["logger"], line["event"]) for line in lines(tmp_path)] == [("some.library", "pool of 5 is full")]


def test_what_structlog_itself_hands_out_writes_into_the_same_file(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    structlog.get_logger("agent_lab.api").info("here")
    assert [(line["logger"], line["event"]) for line in lines(tmp_path)] == [("agent_lab.api", "here")]


def test_text_that_no_utf8_can_hold_is_logged_all_the_same(tmp_path: Path) -> None:
    logging.configure(tmp_path)
    logging.get_logger("runs").info("odd", text="a\ud800b", thing=object)
    assert lines(tmp_path)[0]["event"] == "odd"


def test_warnings_go_to_standard_error_only_where_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.configure(tmp_path, stderr=True)
    log = logging.get_logger("api")
    log.info("quiet")
    log.warning("model evicted", model="demo", api_key="hunter2")
    assert capfd.readouterr() == ("", "warning: model evicted (model=demo, api_key=[hidden])\n")
    assert len(lines(tmp_path)) == 2


def test_a_logger_says_nothing_before_logging_is_configured(capfd: pytest.CaptureFixture[str]) -> None:
    logging.get_logger("runs").error("nobody asked")
    assert capfd.readouterr() == ("", "")


def test_configuring_again_moves_the_log(tmp_path: Path) -> None:
    logging.configure(tmp_path / "a")
    log = logging.get_logger("runs")
    log.info("one")
    logging.configure(tmp_path / "b")
    log.info("two")
    assert [line["event"] for line in lines(tmp_path / "a")] == ["one"]
    assert [line["event"] for line in lines(tmp_path / "b")] == ["two"]


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    logging.configure(tmp_path / "file" / "logs")
    log = logging.get_logger("runs")
    log.info("quiet")
    log.error("seen")
    out, errors = capfd.readouterr()
    assert out == ""
    first, second = errors.splitlines()
    assert first.startswith("warning: no log is kept (")
    assert str(tmp_path / "file" / "logs") in first
    assert second == "error: seen"


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agent-lab.log").symlink_to("/dev/full")
    logging.configure(tmp_path)
    log = logging.get_logger("runs")
    log.info("one")
    log.info("two")
    logging.close()
    _, errors = capfd.readouterr()
    assert errors.count("\n") == 1
    assert "cannot be written" in errors
    assert "No space left" in errors


def test_the_file_is_rotated_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "MAX_FILE_BYTES", 1000)
    logging.configure(tmp_path)
    log = logging.get_logger("runs")
    for number in range(100):
        log.info("line", number=number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["agent-lab.log", *(f"agent-lab.log.{n}" for n in range(1, 6))]
    assert lines(tmp_path)[-1]["number"] == 99
