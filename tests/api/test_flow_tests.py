"""The cases of a flow run over HTTP as they do in the terminal."""

import json
from pathlib import Path

from api.doors import Door, open_door


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
