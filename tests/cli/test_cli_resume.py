"""Runs that nobody works on any more are taken up or cancelled from the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.events import NodeFinished, NodeStarted, RunEvent, RunFinished
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.runs.carried import CarriedRun
from agent_lab.settings import read_settings
from agent_lab.storage.runs import SqlRuns
from agent_lab.wiring import Lab, open_lab

Run = Callable[..., Any]
TWICE = {
    "id": "twice",
    "name": "Twice",
    "nodes": [
        {"id": "creator", "kind": "generate", "label": "Creator", "prompt": "{user_input}"},
        {"id": "validator", "kind": "validator", "label": "Validator", "first_wait_s": 0.5, "longest_wait_s": 0.5},
    ],
    "edges": [
        {"from": "creator", "to": "validator"},
        {
            "from": "validator",
            "to": "creator",
            "max_rounds": 1,
            "when": {"value": "validator.accepted", "op": "==", "than": False},
        },
    ],
    "answer": "validator",
}


@pytest.fixture
def left_behind(said: Run, home: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose process went away while its second node waited."""
    (home.path / "flows").mkdir()
    (home.path / "flows" / "twice.json").write_text(json.dumps(TWICE))

    async def until_it_waits(lab: Lab, run_id: str) -> None:
        async with aclosing(lab.runs.watch(run_id)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, NodeStarted) and event.node == "validator":
                    return

    async def start_and_leave() -> str:
        async with open_lab(read_settings(home.environ)) as lab:
            request = RunRequest(flow="twice", prompt="What is it?", options=RunOptions(model="echo"))
            info = await lab.runs.start(request)
            await until_it_waits(lab, info.run_id)
            return info.run_id

    async def without_end(run: CarriedRun, seconds: float) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(CarriedRun, "sleep", without_end)  # however long it takes this process to go away
        run_id = asyncio.run(start_and_leave())
    listed = json.loads(said("runs", "list", "--json", "--status", "running").out)["runs"]
    assert [run["run_id"] for run in listed] == [run_id]
    return run_id


def test_a_run_is_taken_up_where_its_record_ends(said: Run, left_behind: str) -> None:
    done = said("runs", "resume", left_behind)
    assert done.code == 0
    assert "taken up again where the record ends" in done.out
    assert "── Creator, round 2 · echo" in done.out
    assert "2 calls · " in done.out
    assert json.loads(said("runs", "show", left_behind, "--json").out)["status"] == "completed"


def test_a_run_that_was_left_can_be_cancelled(said: Run, left_behind: str) -> None:
    done = said("runs", "cancel", left_behind)
    assert done.code == 0
    assert f"Run {left_behind} is cancelled." in done.out
    assert said("runs", "resume", left_behind).code == 2


def test_a_run_that_goes_on_is_shown_as_far_as_it_is(said: Run, left_behind: str) -> None:
    done = said("runs", "show", left_behind)
    assert done.code == 0
    assert "What is it?\n   3 tokens" in done.out
    assert "This run goes on" in done.out


def test_a_run_that_this_process_cannot_go_on_with_says_how_to_take_it_up(
    said: Run, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = SqlRuns.append

    async def full_disk(store: SqlRuns, run_id: str, events: Sequence[RunEvent], *, owner: str) -> Sequence[RunEvent]:
        if any(isinstance(event, NodeFinished | RunFinished) for event in events):
            raise EnvironmentFaultError("The disk is full.")
        return await append(store, run_id, events, owner=owner)

    with monkeypatch.context() as patch:
        patch.setattr(SqlRuns, "append", full_disk)
        done = said("run", "challenge", "x", "--model", "echo")
    run_id = json.loads(said("runs", "list", "--json").out)["runs"][0]["run_id"]
    assert done.code == 1
    assert done.err == f"Error: Run {run_id} was interrupted; `agent-lab runs resume {run_id}` takes it up again.\n"
    assert json.loads(said("runs", "resume", run_id, "--json").out)["status"] == "completed"
