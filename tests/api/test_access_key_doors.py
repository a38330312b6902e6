"""An access key opens what the token opens, as long as it is not revoked and within bounds of its own."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agent_lab.api.app import operations
from agent_lab.contracts.run import RunRequest
from agent_lab.lab.access import access_of
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve

ASKED = {"flow": "challenge", "prompt": "What is 12 + 30?"}
CHAT = {"model": "flow/challenge", "messages": [{"role": "user", "content": "What is 12 + 30?"}]}


def bearing(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def made(door: Door, name: str, **bounds: int) -> dict[str, str]:
    """A new access key, as a header."""
    return bearing(door.lab.access_keys.add(name, **bounds)[1])


async def started(client: httpx.AsyncClient, key: dict[str, str]) -> dict[str, Any]:
    response = await client.post("/api/runs", json=ASKED, headers=key)
    assert response.status_code == 202, response.text
    return response.json()  # type: ignore[no-any-return]


async def ended(client: httpx.AsyncClient, run_id: str) -> str:
    async with (
        asyncio.timeout(PATIENT_S),
        client.stream("GET", f"/api/runs/{run_id}/events", headers=SIGNED_IN) as stream,
    ):
        async for _ in stream.aiter_lines():
            pass
    status: str = (await client.get(f"/api/runs/{run_id}", headers=SIGNED_IN)).json()["status"]
    return status


async def test_a_key_opens_every_way_in_at_once_and_none_once_it_is_revoked(tmp_path: Path) -> None:
    async with (
        open_door(tmp_path / "home") as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENT_S) as client,
    ):
        key = made(door, "ci")
        secret = key["Authorization"].split()[1]
        run_id = (await started(client, key))["run_id"]
        ways: list[dict[str, str]] = [key, bearing(secret) | {"x-api-key": "wrong"}, {"x-api-key": secret}]
        socket = f"{url.replace('http', 'ws')}/api/runs/{run_id}/socket?after=0"
        assert [(await client.get("/models", headers=way)).status_code for way in ways] == [200] * 3
        async with connect(socket, additional_headers=key) as opened:
            assert "run_started" in str(await opened.recv())
        assert (await client.get("/health", headers=key)).json()["runs"]["limit"] == 64
        door.lab.access_keys.revoke("ci")
        assert [(await client.get("/models", headers=way)).status_code for way in ways] == [401] * 3
        async with connect(socket, additional_headers=key) as opened:
            with pytest.raises(ConnectionClosed) as turned_away:
                await opened.recv()
        assert turned_away.value.rcvd is not None
        assert turned_away.value.rcvd.code == 4401
        assert "runs" not in {k for k, v in (await client.get("/health", headers=key)).json().items() if v is not None}
        assert (await client.get("/models", headers=SIGNED_IN)).status_code == 200


async def test_a_key_is_no_session_and_makes_none(door: Door) -> None:
    key = made(door, "ci")
    async with door.client() as client:
        answers = [await client.get(path, headers=key) for path in ("/", "/models", "/login?code=x")]
        assert not any("set-cookie" in answer.headers for answer in answers)
        refused = await client.post("/api/login-codes", headers=key)
        secret = key["Authorization"].split()[1]
        cookie = {"Cookie": f"{door.app.state.gatekeeper.cookie_name}={secret}"}
        assert (await client.get("/models", headers=cookie)).status_code == 401
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:agent-lab:problem:owners-only")
    assert "path" not in refused.json()


async def test_a_broken_file_closes_the_door_to_keys_and_leaves_it_open_to_the_owner(door: Door) -> None:
    key = made(door, "ci")
    path = door.lab.access_keys.path
    good = path.read_text()
    path.write_text(good + "[[")
    async with door.client() as client:
        assert (await client.get("/models", headers=key)).status_code == 401
        assert (await client.get("/models", headers=SIGNED_IN)).status_code == 200
        path.write_text(good)
        assert (await client.get("/models", headers=key)).status_code == 200


async def test_a_run_past_the_keys_bound_waits_one_past_the_next_is_refused_and_others_pass(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = ScriptedProvider(gate=gate)
    async with (
        open_door(tmp_path / "home", provider) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENT_S) as client,
    ):
        ci, other = made(door, "ci", runs_at_once=1, runs_waiting=1), made(door, "other")
        runs = [await started(client, key) for key in (ci, ci, other, SIGNED_IN)]
        refusals = [
            await client.post(path, json=body, headers=ci)
            for path, body in (
                ("/api/runs", ASKED),
                ("/api/orchestrate", {"prompt": "x", "flow_type": "challenge"}),
                ("/v1/chat/completions", CHAT),
                ("/v1/messages", CHAT | {"max_tokens": 50}),
            )
        ]
        gate.set()
        states = [await ended(client, run["run_id"]) for run in runs]
    assert [run["status"] for run in runs] == ["running", "queued", "running", "running"]
    assert [run["caller"] for run in runs] == ["ci", "ci", "other", ""]
    assert states == ["completed"] * 4
    for refusal in refusals:
        assert refusal.status_code == 429
        assert int(refusal.headers["Retry-After"]) >= 1
        assert "The access key 'ci' may have 1 of its runs waiting, and has 1" in refusal.text
    assert refusals[0].json()["type"] == "urn:agent-lab:problem:queue-full"
    assert refusals[2].json()["error"]["code"] == "rate_limit_exceeded"
    assert refusals[3].json()["error"]["type"] == "rate_limit_error"


async def test_every_way_to_begin_a_run_leaves_the_callers_name_and_lists_can_be_narrowed_to_it(door: Door) -> None:
    ci, other = made(door, "ci"), made(door, "other")
    async with door.client() as client:
        run_id = (await started(client, other))["run_id"]
        await door.lab.runs.wait(run_id)
        made_by_ci = [(await started(client, ci))["run_id"]]
        broken = await door.lab.runs.start(RunRequest(flow="challenge", prompt="x"), caller="other")
        await door.lab.runs.cancel(broken.run_id)
        for path, body in ((f"{run_id}/fork", {"prompt": "Again?"}), (f"{broken.run_id}/retry", None)):
            made_by_ci.append((await client.post(f"/api/runs/{path}", json=body, headers=ci)).json()["run_id"])
        whole = await client.post("/orchestrate", json={"prompt": "x", "flow_type": "challenge"}, headers=ci)
        made_by_ci.append(whole.json()["execution_id"])
        for path, body in (
            ("/v1/chat/completions", CHAT),
            ("/v1/messages", CHAT | {"max_tokens": 50}),
            ("/v1/responses", {"model": "flow/challenge", "input": "What?"}),
        ):
            said = (await client.post(path, json=body, headers=ci)).json()
            made_by_ci.append(said["agent_lab"]["run_id"])
        found = {
            caller: [
                run["run_id"]
                for run in (await client.get("/api/runs", params={"caller": caller}, headers=ci)).json()["runs"]
            ]
            for caller in ("ci", "other", "", "nobody")
        }
        assert sorted(found["ci"]) == sorted(made_by_ci)
        assert sorted(found["other"]) == sorted([run_id, broken.run_id])
        assert (found[""], found["nobody"]) == ([], [])
        own = (await started(client, SIGNED_IN))["run_id"]
        told = (await client.get("/api/runs?caller=", headers=SIGNED_IN)).json()["runs"]
        assert [run["run_id"] for run in told] == [own]


async def test_real_cases_of_a_flows_tests_are_runs_of_the_key(door: Door) -> None:
    flow = {
        "id": "tried",
        "name": "Tried",
        "nodes": [{"id": "answer", "kind": "generate", "prompt": "{user_input}"}],
        "tests": [{"name": "real", "prompt": "x", "expect": [{"value": "status", "op": "==", "than": "completed"}]}],
    }
    key = made(door, "ci")
    async with door.client() as client:
        assert (await client.post("/api/flows", json=flow, headers=key)).status_code == 201
        assert (await client.post("/api/flows/tried/publish", json={"version": 1}, headers=key)).status_code == 200
        report = (await client.post("/api/flows/tried/test", json={}, headers=key)).json()
    (result,) = report["results"]
    assert (await door.lab.runs.store.get(result["run_id"])).caller == "ci"


async def test_the_key_is_nowhere_but_on_its_way(door: Door) -> None:
    key = made(door, "ci")
    secret = key["Authorization"].split()[1]
    async with door.client() as client:
        said = [
            (await client.request(method, route.path.replace("{", "").replace("}", ""), headers=key)).text
            for route in operations(door.app)
            if access_of(route.endpoint) == "owner"
            for method in (route.methods or ()) & {"GET"}
        ]
    assert len(said) > 10
    assert not any(secret in text for text in said)
    home = door.lab.settings.data_dir
    assert not [path for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
