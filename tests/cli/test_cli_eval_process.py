"""An evaluation as a process: Ctrl-C and a kill leave it to be gone on with, and nothing is paid twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from cli.conftest import Home
from support.cli_processes import PATIENT, read_until


@pytest.fixture
def sums(home: Home) -> Path:
    """Six sums, and a flow that answers and then waits for a minute."""
    (home.path / "flows").mkdir()
    (home.path / "flows" / "patient.json").write_text(json.dumps(PATIENT))
    path = home.path / "sums.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"s{n}", "input": f"2 + {n} = {n}", "target": "1"}) + "\n" for n in range(6))
    )
    return path


def test_ctrl_c_stops_an_evaluation_and_says_how_it_goes_on(home: Home, sums: Path) -> None:
    running = home.start("eval", "run", str(sums), "--arm", "echo=single:echo", "--arm", "slow=patient model=echo")
    read_until(running.stderr, " · ".encode())
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=100)
    (info,) = json.loads(home.run("eval", "list", "--json").stdout)["evaluations"]
    assert running.returncode == 130
    assert f"agent-lab eval run --resume {info['evaluation_id']}" in err.decode()
    assert info["status"] == "cancelled"
    partial = home.run("eval", "report", "last")
    assert partial.returncode == 0, partial.stderr
    assert "cancelled" in home.run("eval", "list").stdout


def test_a_killed_evaluation_goes_on_and_pays_nothing_twice(home: Home, sums: Path) -> None:
    items, answers, in_flight = 120, 5, 4
    rows = [{"id": f"s{n}", "input": f"{n} + 1 = {n + 1}", "target": str(n + 1)} for n in range(items)]
    sums.write_text("".join(json.dumps(row) + "\n" for row in rows))
    running = home.start("eval", "run", str(sums), "--arm", "vote:5:echo", "--concurrency", "4")
    read_until(running.stderr, " · ".encode())
    running.kill()
    running.communicate(timeout=100)
    resumed = home.run("eval", "run", "--resume", "last", "--json")
    assert resumed.returncode == 0, resumed.stderr
    report = json.loads(resumed.stdout)
    (arm,) = report["arms"]
    assert (arm["items"], arm["calls"]) == (items, answers)
    assert report["calls"] <= (items + in_flight) * answers, "what was answered was asked again"
    again = home.run("eval", "run", "sums", "--arm", "vote:5:echo", "--json")
    assert json.loads(again.stdout)["calls"] == 0


def test_no_colour_and_no_moving_bar_away_from_a_terminal(home: Home, sums: Path) -> None:
    done = home.run("eval", "run", str(sums), "--arm", "single:echo", "--arm", "vote:3:echo")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "6 items" in done.stderr
    quiet = home.run("eval", "run", str(sums), "--arm", "single:echo", "--quiet", "--json")
    assert quiet.stderr == ""
    assert json.loads(quiet.stdout)["arms"][0]["items"] == 6


def test_a_dataset_comes_through_a_pipe(home: Home, sums: Path) -> None:
    done = home.run("eval", "run", "-", "--arm", "single:echo", "--json", stdin=sums.read_bytes())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evaluation"]["dataset"]["name"] == "stdin"
