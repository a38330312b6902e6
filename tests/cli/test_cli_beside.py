"""Commands beside a run that another terminal or a server works on: watching, stopping, pausing, answering it."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from agent_lab.runs import steering
from support.cli_processes import PATIENT, free_port, read_until, start_patient

Run = Callable[..., Any]


@pytest.fixture
def patient(said: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in this process that waits long for the process that it asks."""
    monkeypatch.setattr(steering, "ORDER_WAIT_S", 100.0)
    return said


def test_a_run_of_another_terminal_is_watched_and_cancelled_from_here(home: Any, patient: Run) -> None:
    running = start_patient(home)
    said = read_until(running.stdout, b"tokens").decode()
    run_id = re.search(r"Run (\S+)", said)
    assert run_id
    cancelled = patient("runs", "cancel", run_id.group(1))
    watched = home.run("runs", "watch", run_id.group(1))
    running.communicate(timeout=100)
    assert cancelled.code == 0
    assert "is cancelled" in cancelled.out
    assert watched.returncode == 1
    assert "cancelled" in watched.stdout
    assert running.returncode == 1


def test_a_run_of_another_terminal_is_paused_and_taken_up_from_here(home: Any, patient: Run) -> None:
    running = start_patient(home)
    said = read_until(running.stdout, b"tokens").decode()
    run_id = re.search(r"Run (\S+)", said)
    assert run_id
    # It waits for a minute between two tries, and that is no call in flight: the pause begins at once.
    paused = patient("runs", "pause", run_id.group(1))
    out, _ = running.communicate(timeout=100)
    assert "is paused" in paused.out
    assert running.returncode == 0
    assert f"runs resume {run_id.group(1)}" in out.decode()


def test_ctrl_c_after_an_answer_to_a_run_of_another_terminal_leaves_it_going_on(home: Any) -> None:
    nodes = [*PATIENT["nodes"], {"id": "person", "kind": "human", "question": "Go on?"}]  # type: ignore[misc]
    (home.path / "beside.json").write_text(json.dumps(PATIENT | {"nodes": nodes}))
    running = home.start("run", "beside.json", "What is it?", "--model", "echo")
    said = read_until(running.stdout, b"asks a person").decode()
    run_id = re.search(r"Run (\S+)", said)
    assert run_id
    answering = home.start("runs", "answer", run_id.group(1), "yes")
    read_until(answering.stdout, b"was answered: yes")
    answering.send_signal(signal.SIGINT)
    _, told = answering.communicate(timeout=100)
    row = json.loads(home.run("runs", "list", "--json").stdout)["runs"][0]
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=100)
    assert answering.returncode == 130
    assert b"the run goes on" in told
    assert row["status"] == "running"


def test_a_run_of_a_server_is_cancelled_from_the_command_line(home: Any, patient: Run) -> None:
    (home.path / "flows").mkdir()
    (home.path / "flows" / "patient.json").write_text(json.dumps(PATIENT))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = home.start("lab", "--port", str(port), "--json")
    try:
        read_until(server.stdout, b"}")
        token = (home.path / "token").read_text("ascii").strip()
        body = json.dumps({"flow": "patient", "prompt": "What is it?", "options": {"model": "echo"}}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/api/runs", body, headers)) as answer:
            run_id = json.loads(answer.read())["run_id"]
        done = patient("runs", "cancel", run_id)
        assert done.code == 0, done.err
        assert "is cancelled" in done.out
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=100)
