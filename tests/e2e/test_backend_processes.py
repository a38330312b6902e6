"""A lab and a backend as processes of their own: a run streamed through both, and the lab killed in between."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.cli_processes import PATIENT, free_port

MODELS = """
[[model]]
key = "echo"
name = "Echo"
family = "scripted"
provider = "scripted"
model_id = "scripted:echo"
context_window = 100000
"""
TOKEN = "a-token-for-both-of-the-servers"
ASKED = {"flow": "challenge", "prompt": "Why?", "options": {"model": "echo"}}


@contextmanager
def serving(home: Path, *args: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command, once it says that requests are taken; killed at the end."""
    base = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "LANG"}}
    command = [sys.executable, "-m", "agent_lab", *args, "--json"]
    process = subprocess.Popen(
        command,
        env={**base, "HOME": str(home), "AGENT_LAB_HOME": str(home), "AGENT_LAB_TOKEN": TOKEN, **environ},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        said = b""
        while not said.endswith(b"}\n"):
            line = process.stdout.readline()
            assert line, (said, process.poll())
            said += line
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "models.toml").write_text(MODELS)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "patient.json").write_text(json.dumps(PATIENT))
    return tmp_path


def heard(owner: httpx.Client, run_id: str, *, up_to: str, after: int = 0) -> list[dict[str, Any]]:
    """The run's events through the backend, up to one of that type."""
    found: list[dict[str, Any]] = []
    with owner.stream("GET", f"/api/v1/runs/{run_id}/events", headers={"Last-Event-ID": str(after)}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if found and found[-1]["type"] == up_to:
                return found
    raise AssertionError(f"{up_to} was never said")


def back(owner: httpx.Client) -> None:
    """Wait until the lab is found again."""
    until = time.monotonic() + 60
    while owner.get("/health/ready").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_run_is_streamed_through_both_and_outlives_a_killed_lab(home: Path) -> None:
    lab_port, port = free_port(), free_port()
    lab = ("lab", "--port", str(lab_port))
    address = f"http://127.0.0.1:{lab_port}"
    with (
        serving(home, "backend", "--port", str(port), LAB_API_URL=address),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as owner,
    ):
        early = owner.post("/api/v1/execute", json={"prompt": "x"})
        assert early.status_code == 503  # the backend has started before its lab
        with serving(home, *lab) as process:
            back(owner)
            done = owner.post("/api/v1/runs", json=ASKED).json()
            assert heard(owner, done["run_id"], up_to="run_finished")[0]["type"] == "run_started"
            result = owner.post("/api/v1/execute", json={"prompt": "Hello there", "model": "echo"}).json()
            assert (result["success"], result["model"]) == (True, "echo")
            slow = owner.post("/api/v1/runs", json={**ASKED, "flow": "patient"}).json()["run_id"]
            known = heard(owner, slow, up_to="node_finished")
            process.kill()
            process.wait()
            with pytest.raises((httpx.HTTPError, AssertionError)):  # a stream that is cut says so
                heard(owner, slow, up_to="run_finished", after=known[-1]["seq"])
            for answer in (owner.get(f"/api/v1/runs/{slow}"), owner.post("/api/v1/execute", json={"prompt": "x"})):
                assert answer.status_code == 503
                assert f"The lab at {address} does not answer" in answer.json()["detail"]
            assert owner.get("/api/v1/system").json()["lab"]["status"] == "away"
            assert owner.get("/health").status_code == 200
        with serving(home, *lab):
            back(owner)
            assert owner.get("/api/v1/system").json()["lab"]["status"] == "healthy"
            assert owner.get(f"/api/v1/runs/{done['run_id']}").json()["status"] == "completed"
            assert owner.post(f"/api/v1/runs/{slow}/cancel", json={}).status_code in {200, 202}
            assert heard(owner, slow, up_to="run_finished")[-1]["status"] == "cancelled"


def test_one_process_serves_both_and_asks_the_lab_that_is_named(home: Path) -> None:
    port, lab_port = free_port(), free_port()
    owner = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(home, "up", "--port", str(port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        told = client.get("/api/v1/system", headers=owner).json()
        assert (told["backend"]["lab_url"], told["lab"]["status"]) == (None, "healthy")
    address = f"http://127.0.0.1:{lab_port}"
    with (
        serving(home, "up", "--port", str(port), LAB_API_URL=address),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        told = client.get("/api/v1/system", headers=owner).json()
        assert (told["backend"]["lab_url"], told["lab"]["status"]) == (address, "away")


@pytest.mark.parametrize("wrong", ["localhost:8001", "http://me:secret@127.0.0.1:8001"])
def test_an_address_that_is_none_ends_the_start_with_a_sentence(home: Path, wrong: str) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "AGENT_LAB_HOME": str(home)}
    command = [sys.executable, "-m", "agent_lab", "backend", "--port", str(free_port())]
    done = subprocess.run(command, env={**environ, "LAB_API_URL": wrong}, cwd=home, capture_output=True, timeout=100)
    assert done.returncode == 2
    assert b"LAB_API_URL is no address of a lab" in done.stderr
    assert b"secret" not in done.stderr
