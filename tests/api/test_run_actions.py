"""What can be done with a run over HTTP, and what each door says where it cannot be done."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.queue import QueueRules
from api.doors import Door, open_door, until
from api.test_refusals import is_problem
from api.test_routes import ROLES, ended
from support.asking import ASKER, ASKING, TWO_ASKING

START = {"flow": "challenge", "prompt": "Why?"}


@asynccontextmanager
async def opened(home: Path, provider: ScriptedProvider | None = None) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    async with open_door(home, provider or ScriptedProvider(ROLES)) as door, door.owner() as owner:
        for kinds in (door.lab.kinds, door.lab.runs.shop.kinds):
            kinds[ASKER.name] = ASKER  # type: ignore[index]
        door.lab.flows.folder.mkdir(parents=True, exist_ok=True)
        for flow in (ASKING, TWO_ASKING):
            (door.lab.flows.folder / f"{flow['id']}.json").write_text(json.dumps(flow))
        yield door, owner


async def begun(owner: httpx.AsyncClient, **more: Any) -> str:
    response = await owner.post("/api/runs", json=START | more)
    assert response.status_code == 202, response.text
    return str(response.json()["run_id"])


async def in_state(owner: httpx.AsyncClient, run_id: str, status: str) -> dict[str, Any]:
    for _look in range(3000):
        view: dict[str, Any] = (await owner.get(f"/api/runs/{run_id}")).json()
        if view["status"] == status:
            return view
        await asyncio.sleep(0.01)
    raise AssertionError(f"the run is {view['status']}, and not {status}")


async def test_a_run_waits_for_its_person_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        run_id = await begun(owner, flow="asking")
        view = await in_state(owner, run_id, "waiting")
        person = view["nodes"][1]
        answered = await owner.post(f"/api/runs/{run_id}/answer", json={"node": "person", "text": "yes", "visit": 1})
        view = await ended(owner, run_id)
    assert (person["status"], person["question"], person["choices"]) == (
        "waiting_for_person",
        "Shall it go out?",
        ["yes", "no"],
    )
    assert answered.status_code == 202
    assert (view["status"], view["nodes"][1]["text"], view["answer"]) == ("completed", "yes", "mended text")


async def test_an_answer_that_cannot_be_taken_says_why_and_the_run_still_waits(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        run_id = await begun(owner, flow="asking")
        await in_state(owner, run_id, "waiting")
        path = f"/api/runs/{run_id}/answer"
        choice = await owner.post(path, json={"node": "person", "text": "perhaps"})
        node = await owner.post(path, json={"node": "creator", "text": "yes"})
        visit = await owner.post(path, json={"node": "person", "text": "yes", "visit": 2})
        shape = [await owner.post(path, json=body) for body in ({}, {"node": 1, "text": 2}, [])]
        still = await owner.get(f"/api/runs/{run_id}")
    assert is_problem(choice, 422, "invalid-request")
    assert "yes or no" in choice.json()["detail"]
    assert is_problem(node, 409, "conflict")
    assert "person" in node.json()["detail"]
    assert is_problem(visit, 409, "conflict")
    assert all(is_problem(one, 422, "invalid-request") for one in shape)
    assert still.json()["status"] == "waiting"


async def test_a_run_is_paused_and_resumed_without_paying_twice(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner):
        run_id = await begun(owner)
        pausing = asyncio.create_task(owner.post(f"/api/runs/{run_id}/pause"))
        run = door.lab.runs.shop.active[run_id].run
        assert run is not None
        await until(lambda: run.pausing)
        gate.set()
        paused = await pausing
        twice = await owner.post(f"/api/runs/{run_id}/pause")
        resumed = await owner.post(f"/api/runs/{run_id}/resume")
        view = await ended(owner, run_id)
    assert (paused.status_code, paused.json()["status"], twice.status_code) == (200, "paused", 200)
    assert resumed.status_code == 202
    assert (view["status"], view["totals"]["calls"], len(door.provider.calls)) == ("completed", 3, 3)


async def test_a_fork_is_previewed_then_pays_only_for_what_changed(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (door, owner):
        run_id = await begun(owner)
        await ended(owner, run_id)
        change = {"nodes": {"refiner": {"prompt": "Again: {challenger_output}"}}}
        preview = await owner.post(f"/api/runs/{run_id}/fork/preview", json=change)
        before = len(door.provider.calls)
        forked = await owner.post(f"/api/runs/{run_id}/fork", json=change)
        view = await ended(owner, forked.json()["run_id"])
        children = (await owner.get("/api/runs", params={"parent": run_id})).json()["runs"]
        compared = (await owner.get(f"/api/runs/{run_id}/compare/{view['run_id']}")).json()
        began = (await owner.get(f"/api/runs/{view['run_id']}/beginning")).json()
        instead = (await owner.get(f"/api/runs/{run_id}/alternatives")).json()
    assert (preview.status_code, forked.status_code) == (200, 202)
    assert (preview.json()["nodes"], preview.json()["calls"], preview.json()["reused_calls"]) == (["refiner"], 1, 2)
    assert len(door.provider.calls) - before == 1
    assert (view["totals"]["calls"], view["totals"]["reused_calls"]) == (1, 2)
    assert began["flow"]["nodes"][2]["prompt"] == "Again: {challenger_output}"
    assert (began["parent_run_id"], began["request"]["flow"]) == (run_id, "challenge")
    assert forked.headers["location"] == f"/api/runs/{view['run_id']}"
    assert [child["run_id"] for child in children] == [view["run_id"]]
    assert (compared["left"]["run_id"], compared["right"]["parent_run_id"]) == (run_id, run_id)
    assert compared["difference"]["calls"] == -2
    assert [change["path"] for change in compared["changes"]["flow"]["nodes_changed"][0]["changes"]] == ["/prompt"]
    assert compared["changes"]["request"] == []
    assert (instead["draft"]["node"], instead["missing"]) == ("creator", "one_answer")
    assert [node["id"] for node in compared["nodes"]] == ["creator", "challenger", "refiner"]


async def test_a_run_that_failed_is_retried_from_where_it_broke(tmp_path: Path) -> None:
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with opened(tmp_path / "home", script) as (door, owner):
        run_id = await begun(owner)
        assert (await ended(owner, run_id))["status"] == "failed"
        before = len(door.provider.calls)
        retried = await owner.post(f"/api/runs/{run_id}/retry")
        view = await ended(owner, retried.json()["run_id"])
        again = await owner.post(f"/api/runs/{view['run_id']}/retry")
    assert retried.status_code == 202
    assert (view["status"], view["totals"]["reused_calls"]) == ("completed", 1)
    assert len(door.provider.calls) - before == 2
    assert is_problem(again, 409, "conflict")


async def test_a_run_that_goes_on_cannot_be_forked_and_one_that_ended_can_only_be_forked(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=asyncio.Event())) as (_, owner):
        run_id = await begun(owner)
        early = [await owner.post(f"/api/runs/{run_id}/{verb}", json={}) for verb in ("fork", "fork/preview", "retry")]
        await owner.post(f"/api/runs/{run_id}/cancel")
        late = [await owner.post(f"/api/runs/{run_id}/{verb}") for verb in ("cancel", "pause", "resume")]
        late.append(await owner.post(f"/api/runs/{run_id}/answer", json={"node": "a", "text": "b"}))
    assert all(is_problem(response, 409, "conflict") for response in [*early, *late])


async def test_a_fork_that_cannot_be_says_where_and_why(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        run_id = await begun(owner)
        await ended(owner, run_id)
        told = {}
        for name, body in {
            "node": {"from_node": "refner"},
            "setting": {"nodes": {"refiner": {"prompt": "{nobody}"}}},
            "kind": {"nodes": {"refiner": {"kind": "vote"}}},
            "id": {"nodes": {"refiner": {"id": None}}},
            "model": {"options": {"model": "voise"}},
            "role": {"options": {"models": {"refner": "voice"}}},
            "input": {"inputs": {"nobody": "x"}},
            "prompt": {"prompt": " "},
            "field": {"note": {}},
        }.items():
            for path in ("fork", "fork/preview"):
                told[name] = await owner.post(f"/api/runs/{run_id}/{path}", json=body)
                assert told[name].status_code in {404, 422}, told[name].text
    assert "did you mean 'refiner'" in told["node"].json()["detail"]
    assert "nobody" in told["setting"].json()["detail"]
    assert told["field"].json()["where"] == "/note"


async def test_every_door_says_of_an_unknown_run_that_there_is_none(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        run_id = await begun(owner)
        await ended(owner, run_id)
        answer = {"node": "a", "text": "b"}
        for verb in ("cancel", "pause", "resume", "retry", "fork", "fork/preview", "answer"):
            response = await owner.post(f"/api/runs/nobody/{verb}", json=answer if verb == "answer" else {})
            assert is_problem(response, 404, "not-found"), verb
        for path in (
            "nobody",
            "nobody/events",
            "nobody/export",
            f"nobody/compare/{run_id}",
            "nobody/alternatives",
            "nobody/beginning",
            f"{run_id}/compare/nobody",
        ):
            assert is_problem(await owner.get(f"/api/runs/{path}"), 404, "not-found"), path
        assert is_problem(await owner.get("/api/runs?cursor=nobody"), 404, "not-found")


async def test_bad_json_is_refused_at_every_door_that_takes_a_body(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        for verb in ("fork", "fork/preview", "answer"):
            for sent in (b"{", b'{"a": NaN}', b"[]", b"\xff"):
                response = await owner.post(
                    f"/api/runs/x/{verb}", content=sent, headers={"Content-Type": "application/json"}
                )
                assert is_problem(response, 422, "invalid-request"), (verb, sent)


async def test_past_the_bound_of_the_queue_a_start_says_when_to_come_back(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, _):
        runs = replace(door.lab.runs, rules=QueueRules(at_once=1, waiting=1))
        door.app.state.services = replace(door.app.state.services, runs=runs)
        door.lab.keeper.runs, door.lab.keeper.serving = runs, True
        async with door.owner() as owner:
            running, queued = await begun(owner), await begun(owner)
            health = (await owner.get("/health")).json()["runs"]
            refused = await owner.post("/api/runs", json=START)
            waiting = asyncio.create_task(owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"}))
            await asyncio.sleep(0.05)
            full = await waiting
            assert (await owner.get(f"/api/runs/{queued}")).json()["status"] == "queued"
            gate.set()
            await ended(owner, running)
            await ended(owner, queued)
            late = await owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"})
    assert is_problem(refused, 429, "queue-full")
    assert int(refused.headers["retry-after"]) >= 1
    assert is_problem(full, 429, "queue-full")
    assert (health["queued"], health["active"], health["limit"], health["queue_limit"]) == (1, 1, 1, 1)
    assert late.status_code == 200


async def test_an_orchestration_waits_for_its_turn_in_the_queue(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with opened(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, _):
        runs = replace(door.lab.runs, rules=QueueRules(at_once=1, waiting=5))
        door.app.state.services = replace(door.app.state.services, runs=runs)
        door.lab.keeper.runs, door.lab.keeper.serving = runs, True
        async with door.owner() as owner:
            await begun(owner)
            waiting = asyncio.create_task(owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"}))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            gate.set()
            answer = await waiting
    assert (answer.status_code, answer.json()["result"]) == (200, "mended text")


async def test_an_orchestration_that_needs_a_person_says_how_to_answer(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        response = await owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "asking"})
        run_id = response.json()["run_id"]
        assert (await owner.get(f"/api/runs/{run_id}")).json()["status"] == "waiting"
        await owner.post(f"/api/runs/{run_id}/answer", json={"node": "person", "text": "no"})
        assert (await ended(owner, run_id))["status"] == "completed"
    assert is_problem(response, 409, "waiting-for-person")
    assert f"/api/runs/{run_id}/answer" in response.json()["detail"]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_flow_that_is_asked_as_a_model_and_needs_a_person_waits_on(tmp_path: Path, is_stream: bool) -> None:
    body = {"model": "flow/asking", "messages": [{"role": "user", "content": "Why?"}], "stream": is_stream}
    async with opened(tmp_path / "home") as (_, owner):
        response = await owner.post("/v1/chat/completions", json=body)
        run_id = (await owner.get("/api/runs")).json()["runs"][0]["run_id"]
        assert f"/api/runs/{run_id}/answer" in response.text
        assert (await owner.get(f"/api/runs/{run_id}")).json()["status"] == "waiting"
        await owner.post(f"/api/runs/{run_id}/answer", json={"node": "person", "text": "no"})
        assert (await ended(owner, run_id))["status"] == "completed"
    assert response.status_code == 409


async def test_runs_are_found_by_their_question_their_time_their_parent_and_their_cost(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, owner):
        made = [await begun(owner, prompt=prompt) for prompt in ("Apples and PEARS", "Plums")]
        for run_id in made:
            await ended(owner, run_id)

        async def found(**query: str) -> list[str]:
            response = await owner.get("/api/runs", params=query)
            assert response.status_code == 200, response.text
            return [run["run_id"] for run in response.json()["runs"]]

        begun_at = (await owner.get(f"/api/runs/{made[1]}")).json()["created_at"]
        answered = (await owner.get(f"/api/runs/{made[1]}")).json()["nodes"][0]["model"]
        assert await found(q="pears") == [made[0]]
        assert await found(q="%") == []
        assert await found(since=begun_at) == [made[1]]
        assert await found(until=begun_at) == [made[0]]
        assert await found(since="2020-01-01") == [made[1], made[0]]
        assert await found(until="2020-01-01T00:00:00") == []
        assert await found(parent=made[0]) == []
        assert await found(cost_from="0.01") == []
        assert await found(cost_to="0") == await found(cost_from="0")
        assert await found(model=answered) == [made[1], made[0]]
        assert await found(model="gpt-5") == []
        for wrong in (
            {"since": "soon"},
            {"since": "0001-01-01T00:00:00+14:00"},
            {"until": "9999-12-31T23:59:59-14:00"},
        ):
            assert is_problem(await owner.get("/api/runs", params=wrong), 422, "invalid-request"), wrong
        for wrong in (
            {"cost_from": "nan"},
            {"cost_from": "-1"},
            {"cost_to": "inf"},
            {"model": "x" * 65},
            {"q": "x" * 201},
        ):
            assert is_problem(await owner.get("/api/runs", params=wrong), 422, "invalid-request"), wrong


async def test_a_run_is_exported_whole_in_both_forms(tmp_path: Path) -> None:
    hostile = "```\n# Not a heading\n<script>"
    async with opened(tmp_path / "home", ScriptedProvider({"*": hostile})) as (door, owner):
        run_id = await begun(owner)
        await ended(owner, run_id)
        whole = await owner.get(f"/api/runs/{run_id}/export")
        page = await owner.get(f"/api/runs/{run_id}/export", params={"format": "markdown"})
        wrong = await owner.get(f"/api/runs/{run_id}/export", params={"format": "html"})
        stored = await door.lab.runs.events(run_id)
    assert len(whole.json()["events"]) == len(stored)
    assert whole.headers["content-disposition"] == f'attachment; filename="{run_id}.json"'
    assert page.headers["content-type"] == "text/markdown; charset=utf-8"
    assert page.headers["content-disposition"] == f'attachment; filename="{run_id}.md"'
    assert f"````text\n{hostile}\n````" in page.text
    assert is_problem(wrong, 422, "invalid-request")


@pytest.mark.parametrize("verb", ["pause", "retry", "fork", "fork/preview", "answer", "export", "compare/y"])
async def test_nobody_but_the_owner_acts_on_runs(door: Door, verb: str) -> None:
    async with door.client() as anybody:
        method = "GET" if verb in {"export", "compare/y"} else "POST"
        assert (await anybody.request(method, f"/api/runs/x/{verb}", content=b"{")).status_code == 401
