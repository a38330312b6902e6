"""What the answers about a run say of it while it goes on, and where there is none."""

import asyncio
from dataclasses import replace
from pathlib import Path

from agent_lab.providers.scripted import ScriptedProvider
from api.test_refusals import is_problem
from api.test_routes import ROLES, ended
from api.test_run_actions import begun, in_state, opened


async def test_a_run_that_is_not_there_is_told_in_words_that_serve_every_door(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        response = await owner.get("/api/runs/nothing")
    assert is_problem(response, 404, "not-found")
    assert response.json()["detail"] == "There is no run 'nothing'; the list of runs shows those that there are."


async def test_a_run_that_goes_on_says_how_long_it_was_worked_on(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner):
        run_id = await begun(owner)
        await asyncio.sleep(0.1)
        early, late = [(await owner.get(f"/api/runs/{run_id}")).json()["totals"]["seconds"] for _ in range(2)]
        gate.set()
        over = await ended(owner, run_id)
        waits = await begun(owner, flow="asking")
        await in_state(owner, waits, "waiting")
        resting = [(await owner.get(f"/api/runs/{waits}")).json()["totals"]["seconds"] for _ in range(2)]
        compared = (await owner.get(f"/api/runs/{waits}/compare/{run_id}")).json()
        exported = (await owner.get(f"/api/runs/{waits}/export")).json()["run"]
        stored = await door.lab.runs.view(run_id)
    assert 0.1 <= early < late
    assert over["totals"]["seconds"] == stored.totals.seconds
    assert 0 < resting[0] == resting[1] == compared["left"]["totals"]["seconds"] == exported["totals"]["seconds"], (
        "nobody works while a person is asked"
    )


async def test_a_run_that_waits_for_its_turn_was_not_worked_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=asyncio.Event())) as (door, owner):
        door.lab.runs.rules = replace(door.lab.runs.rules, at_once=1)
        await begun(owner)
        second = await begun(owner)
        await asyncio.sleep(0.1)
        view = await in_state(owner, second, "queued")
    assert view["totals"]["seconds"] == 0
