"""The cases of a flow run over HTTP as they do in the terminal."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve, until


async def test_the_cases_of_a_flow_run_and_are_answered_one_by_one(door: Door) -> None:
    async with door.owner() as owner:
        answer = await owner.post("/api/flows/challenge/test", json={})
        runs = (await owner.get("/api/runs")).json()
    told = answer.json()
    assert answer.status_code == 200
    assert told["flow"] == "challenge"
    assert told["passed"] is True
    assert told["results"][0]["name"] == "the refiner has the last word"
    assert all(one["passed"] and one["scripted"] and one["run_id"] is None for one in told["results"])
    assert runs["runs"] == []
    assert door.provider.calls == []


async def test_without_a_body_all_cases_run(door: Door) -> None:
    async with door.owner() as owner:
        bare, empty = (
            await owner.post("/api/flows/challenge/test"),
            await owner.post("/api/flows/challenge/test", json={}),
        )
    assert bare.status_code == 200, bare.text
    assert [one["name"] for one in bare.json()["results"]] == [one["name"] for one in empty.json()["results"]]


async def test_a_failing_case_says_what_was_found(tmp_path: Path) -> None:
    home = tmp_path / "home"
    flow = {
        "id": "mine",
        "name": "Mine",
        "nodes": [{"id": "only", "kind": "generate", "prompt": "{user_input}"}],
        "tests": [{"name": "real", "prompt": "Hi", "expect": [{"value": "answer", "op": "==", "than": "x"}]}],
    }
    (home / "flows").mkdir(parents=True)
    (home / "flows" / "mine.json").write_text(json.dumps(flow))
    async with open_door(home) as door, door.owner() as owner:
        told = (await owner.post("/api/flows/mine/test", json={"case": "real"})).json()
        assert told["passed"] is False
        (result,) = told["results"]
        assert result["differences"] == [{"value": "answer", "op": "==", "expected": "x", "found": "only: Hi"}]
        assert (await owner.get(f"/api/runs/{result['run_id']}")).json()["answer"] == "only: Hi"


async def test_what_cannot_be_tested_is_a_problem(door: Door) -> None:
    async with door.owner() as owner:
        for path, body, status in (
            ("/api/flows/challange/test", {}, 404),
            ("/api/flows/challenge/test", {"case": "none such"}, 404),
            ("/api/flows/challenge/test", {"casse": "x"}, 422),
        ):
            answer = await owner.post(path, json=body)
            assert answer.status_code == status, path
            assert answer.headers["content-type"] == "application/problem+json"


async def test_each_version_of_a_stored_flow_is_tested_by_its_own_cases(door: Door) -> None:
    def document(expected: str) -> dict[str, Any]:
        case = {"name": "it speaks", "prompt": "Hi", "expect": [{"value": "answer", "op": "==", "than": expected}]}
        nodes = [{"id": "speaker", "kind": "generate", "prompt": "{user_input}"}]
        return {"id": "mine", "name": "Mine", "nodes": nodes, "tests": [case]}

    async with door.owner() as owner:
        await owner.post("/api/flows", json=document("speaker: Hi"))
        await owner.post("/api/flows/mine/publish", json={"version": 1})
        await owner.put("/api/flows/mine", json=document("nothing of it"), headers={"If-Match": "*"})
        published = (await owner.post("/api/flows/mine/test", json={})).json()
        draft = (await owner.post("/api/flows/mine@draft/test", json={})).json()
        runs = [one["results"][0]["run_id"] for one in (published, draft)]
        versions = [(await owner.get(f"/api/runs/{run_id}")).json()["flow_version"] for run_id in runs]
    assert (published["passed"], draft["passed"]) == (True, False)
    assert versions == [1, 2]


async def test_a_client_that_leaves_ends_the_run_of_its_case(tmp_path: Path) -> None:
    gate = asyncio.Event()
    home = tmp_path / "home"
    nodes = [{"id": "only", "kind": "generate", "prompt": "{user_input}"}]
    case = {"name": "real", "prompt": "Hi", "expect": [{"value": "answer", "op": "==", "than": "x"}]}
    (home / "flows").mkdir(parents=True)
    (home / "flows" / "slow.json").write_text(
        json.dumps({"id": "slow", "name": "Slow", "nodes": nodes, "tests": [case]})
    )
    async with (
        open_door(home, ScriptedProvider(gate=gate)) as door,
        serve(door.app) as address,
        httpx.AsyncClient(base_url=address, headers=SIGNED_IN, timeout=PATIENT_S) as client,
    ):
        asking = asyncio.create_task(client.post("/api/flows/slow/test", json={}))
        await until(lambda: door.provider.open_streams == 1)
        asking.cancel()
        await until(lambda: door.provider.open_streams == 0)
        (run,) = await door.lab.runs.list()
        assert (await door.lab.runs.wait(run.run_id)).status == "cancelled"
