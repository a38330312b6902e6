"""The backend maps executions, shows the whole system, and hands on everything else: inside one process and apart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agent_lab.api.app import create_backend, operations
from agent_lab.backend.client import over_http
from agent_lab.backend.execution import ExecutionResult
from agent_lab.backend.system import SystemStatus
from agent_lab.contracts.errors import SilentError
from agent_lab.lab.access import access_of
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, TOKEN, open_door, serve, until
from api.test_events import messages
from support.backends import Fronted, Place, fronted

EXECUTE = "/api/v1/execute"
FLOW = {"prompt": "What is 12 + 30?", "mode": "orchestrated", "flow_type": "challenge"}


@pytest.fixture(params=["inside", "apart"])
def place(request: pytest.FixtureRequest) -> Place:
    kind: Place = request.param
    return kind


@pytest.fixture
async def front(place: Place, tmp_path: Path) -> AsyncIterator[Fronted]:
    async with fronted(place, tmp_path / "home") as opened:
        yield opened


async def test_a_direct_execution_asks_one_model(front: Fronted) -> None:
    async with front.owner() as owner:
        response = await owner.post(EXECUTE, json={"prompt": "What is 12 + 30?", "model": "voice"})
    result = ExecutionResult.model_validate(response.json())
    assert response.status_code == 200
    assert (result.success, result.mode, result.model, result.execution_id) == (True, "direct", "voice", None)
    assert result.result
    assert result.timings is not None
    assert result.timings.load_s is not None
    assert result.tokens is not None
    assert result.tokens.completion_tokens > 0
    assert len(front.door.provider.calls) == 1


async def test_an_orchestrated_execution_runs_a_flow_that_can_be_looked_at(front: Fronted) -> None:
    async with front.owner() as owner:
        response = await owner.post(EXECUTE, json=FLOW)
        result = ExecutionResult.model_validate(response.json())
        seen = (await owner.get(response.headers["location"])).json()
    assert (result.success, result.mode, result.status, result.model) == (True, "orchestrated", "completed", "voice")
    assert result.flow is not None
    assert [node["id"] for node in result.flow["nodes"]] == ["creator", "challenger", "refiner"]
    assert result.metrics is not None
    assert result.metrics["model_calls"] == 3
    assert seen["run_id"] == result.execution_id
    assert seen["answer"] == result.result


async def test_what_the_lab_refuses_is_said_in_its_own_words(front: Fronted) -> None:
    async with front.owner() as owner:
        unknown = await owner.post(EXECUTE, json={"prompt": "x", "model": "voise"})
        wrong = await owner.post(EXECUTE, json={"prompt": "x", "flow_type": "challenge"})
        blank = await owner.post(EXECUTE, json={"prompt": "  "})
        method = await owner.get(EXECUTE)
    assert unknown.status_code == 404
    assert "did you mean 'voice'" in unknown.json()["detail"]
    assert unknown.headers["content-type"] == "application/problem+json"
    assert wrong.status_code == blank.status_code == 422
    assert "`flow_type` is for the mode `orchestrated`" in wrong.json()["detail"]
    assert (method.status_code, method.headers["allow"]) == (405, "POST")


async def test_a_run_that_fails_is_a_result_with_all_that_it_had(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(errors={number: SilentError("Nothing came.") for number in range(2, 9)})
    async with fronted(place, tmp_path / "home", provider) as front, front.owner() as owner:
        response = await owner.post(EXECUTE, json=FLOW)
    result = ExecutionResult.model_validate(response.json())
    assert response.status_code == 200
    assert (result.success, result.status, result.result) == (False, "failed", None)
    assert result.error is not None
    assert (result.error.type, result.error.status) == ("silent", 504)
    assert result.flow is not None
    assert {node["id"]: node["status"] for node in result.flow["nodes"]}["creator"] == "completed"
    assert response.headers["location"] == f"/api/v1/runs/{result.execution_id}"


async def test_leaving_ends_what_was_asked(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    async with fronted(place, tmp_path / "home", provider) as front, front.owner() as owner:
        for body in ({"prompt": "x"}, FLOW):
            asking = asyncio.create_task(owner.post(EXECUTE, json=body))
            await until(lambda: provider.open_streams == 1)
            asking.cancel()
            await until(lambda: provider.open_streams == 0)
        [run] = await front.door.lab.runs.list()
        async with asyncio.timeout(PATIENT_S):
            assert (await front.door.lab.runs.wait(run.run_id)).status == "cancelled"


async def test_an_execution_past_its_time_is_told_and_ends_in_the_lab_too(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    async with fronted(place, tmp_path / "home", provider, timeout_s=0.3) as front, front.owner() as owner:
        response = await owner.post(EXECUTE, json={"prompt": "x"})
        assert response.status_code == 504
        assert "REQUEST_TIMEOUT" in response.json()["detail"]
        await until(lambda: provider.open_streams == 0)


async def test_the_system_is_told_in_one_answer(front: Fronted, place: Place) -> None:
    async with front.owner() as owner:
        told = (await owner.get("/api/v1/system")).json()
    status = SystemStatus.model_validate(told)
    assert (status.backend.status, status.lab.status) == ("healthy", "healthy")
    assert (status.backend.lab_url is None) is (place == "inside")
    assert status.models is not None
    assert "voice" in {model.key for model in status.models.models}
    assert status.cache is not None
    assert status.resources is not None
    assert status.runs is not None
    assert status.runs.limit == 64


async def test_everything_else_is_the_lab_s(front: Fronted) -> None:
    async with front.owner() as owner:
        pairs = [("flows", "/api/flows"), ("models", "/models"), ("models/voice", "/models/voice")]
        async with front.door.owner() as lab:
            for mine, its in [*pairs, ("runs?limit=3&flow=linear", "/api/runs?limit=3&flow=linear")]:
                assert (await owner.get(f"/api/v1/{mine}")).json() == (await lab.get(its)).json(), mine
        assert (await owner.get("/api/v1/health/ready")).json()["status"] == "ready"
        assert "agent_lab" in (await owner.get("/api/v1/metrics")).text
        started = await owner.post("/api/v1/runs", json={"flow": "challenge", "prompt": "Why?"})
        assert started.status_code == 202
        assert started.headers["location"] == f"/api/v1/runs/{started.json()['run_id']}"
        missing = await owner.get("/api/v1/no-such-thing")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
        wrong = await owner.patch("/api/v1/cache/voice")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE")
        assert (await owner.delete("/api/v1/cache/vioce")).status_code == 404


async def test_a_stored_flow_is_changed_under_its_etag_through_the_backend(front: Fronted) -> None:
    async with front.owner() as owner:
        flow = (await owner.get("/api/v1/flows/challenge")).json()
        document = {**flow.get("flow", flow), "id": "mine"}
        made = await owner.post("/api/v1/flows", json=document)
        assert made.status_code == 201, made.text
        etag = made.headers["etag"]
        document["description"] = "Changed."
        saved = await owner.put("/api/v1/flows/mine", json=document, headers={"If-Match": etag})
        document["description"] = "Changed by somebody who has not seen that."
        stale = await owner.put("/api/v1/flows/mine", json=document, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert saved.status_code == 200, saved.text
    assert made.headers["location"].startswith("/api/v1/flows/mine")


async def test_a_stream_comes_piece_by_piece_and_not_at_its_end(place: Place, tmp_path: Path) -> None:
    gate = asyncio.Event()
    heard: list[dict[str, Any]] = []
    async with fronted(place, tmp_path / "home", ScriptedProvider(gate=gate)) as front, front.owner() as owner:
        run_id = (await owner.post("/api/v1/runs", json={"flow": "challenge", "prompt": "Why?"})).json()["run_id"]
        events = f"/api/v1/runs/{run_id}/events"
        async with asyncio.timeout(PATIENT_S), owner.stream("GET", events) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            told = messages(response)
            while not heard or heard[-1]["type"] != "node_started":
                heard.append((await anext(told))["data"])
            gate.set()  # the model has waited for what only a live stream can have said
            heard += [message["data"] async for message in told]
        last = max(event["seq"] for event in heard)
        again = await owner.get(events, headers={"Last-Event-ID": str(last)})
    assert heard[-1]["type"] == "run_finished"
    assert again.status_code == 204


async def test_a_reader_of_a_stream_that_leaves_is_gone_in_the_lab_too(place: Place, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with fronted(place, tmp_path / "home", ScriptedProvider(gate=gate)) as front, front.owner() as owner:
        readers = front.door.app.state.services.readers
        run_id = (await owner.post("/api/v1/runs", json={"flow": "challenge", "prompt": "Why?"})).json()["run_id"]
        async with owner.stream("GET", f"/api/v1/runs/{run_id}/events") as response:
            await anext(response.aiter_lines())
            await until(lambda: readers.count == 1)
        await until(lambda: readers.count == 0)
        gate.set()
        assert (await front.door.lab.runs.wait(run_id)).status == "completed"


async def test_a_key_is_itself_in_the_lab_and_keeps_its_bounds(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(gate=asyncio.Event())
    async with fronted(place, tmp_path / "home", provider) as front:
        secret = front.door.lab.access_keys.add("ci", runs_at_once=1, runs_waiting=0)[1]
        async with front.anybody(**{"X-Api-Key": secret}) as ci, front.owner() as owner:
            run = {"flow": "challenge", "prompt": "Why?"}
            first = await ci.post("/api/v1/runs", json=run)
            second = await ci.post("/api/v1/runs", json=run)
            mine = await owner.post("/api/v1/runs", json=run)
            full = await ci.post(EXECUTE, json=FLOW)
            codes = await ci.post("/api/v1/login-codes")
        assert (first.json()["caller"], mine.json()["caller"]) == ("ci", "")
        assert (first.status_code, second.status_code, mine.status_code) == (202, 429, 202)
        assert second.headers["retry-after"]
        assert (full.status_code, full.json()["type"]) == (429, "urn:agent-lab:problem:queue-full")
        assert codes.status_code == (403 if place == "inside" else 404)
        for info in (first, mine):
            await front.door.lab.runs.cancel(info.json()["run_id"])


async def test_a_repeated_key_is_one_run(front: Fronted) -> None:
    async with front.owner(**{"Idempotency-Key": "once"}) as owner:
        body = {"flow": "challenge", "prompt": "Why?"}
        answers = await asyncio.gather(*(owner.post("/api/v1/runs", json=body) for _ in range(5)))
    assert len({answer.json()["run_id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/../health",
        "/api/v1/runs/..%2f..%2fhealth",
        "/api/v1/%2e%2e/models",
        "/api/v1/models%2Fvoice",
        "/api/v1//runs",
        "/api/v1/http://elsewhere.example/",
        "/api/v1/v1/runs",
        "/api/v1/runs/a%5cb",
        "/api/v1/runs/%ff",
    ],
)
async def test_no_path_leads_out_of_the_lab(front: Fronted, path: str) -> None:
    host, _, port = front.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())  # no client sends such a path as it stands
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in {b"422", b"404"}, answer[:300]


async def test_bodies_are_bounded_and_json(front: Fronted) -> None:
    async with front.owner() as owner:
        large = await owner.post(
            "/api/v1/flows/import", content=b"[" + b" " * 32_000_001, headers={"Content-Type": "application/json"}
        )
        refused = await owner.post(
            "/api/v1/runs", content=b"[" + b" " * 3_000_000, headers={"Content-Type": "application/json"}
        )
        form = await owner.post("/api/v1/runs", data={"flow": "x"})
        query = await owner.get("/api/v1/runs", params={"q": "x" * 9_000})
    assert [one.status_code for one in (large, refused, form, query)] == [413, 413, 415, 413]


@pytest.mark.parametrize("path", [EXECUTE, "/api/v1/runs", "/api/v1/models/voice/load"])
async def test_nobody_and_no_other_site_comes_in(front: Fronted, path: str) -> None:
    async with front.anybody() as nobody, front.owner(Origin="https://elsewhere.example") as elsewhere:
        assert (await nobody.post(path, json={})).status_code == 401
        assert (await elsewhere.post(path, json={})).status_code == 403
    assert front.door.provider.calls == []


async def test_a_lab_that_is_away_is_a_503_with_a_sentence(tmp_path: Path) -> None:
    app = create_backend(over_http("http://127.0.0.1:9", token=TOKEN, timeout_s=30), token=TOKEN)
    async with serve(app) as url, httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner:
        answers = [
            await owner.post(EXECUTE, json={"prompt": "x"}),
            await owner.get("/api/v1/runs"),
            await owner.get("/api/runs"),
            await owner.post("/api/v1/runs", json={}),
        ]
        for away in answers:
            assert (away.status_code, away.json()["type"]) == (503, "urn:agent-lab:problem:lab-away")
            assert "The lab at http://127.0.0.1:9 does not answer" in away.json()["detail"]
            assert "`agent-lab lab`" in away.json()["detail"]
            assert away.headers["retry-after"]
        told = SystemStatus.model_validate((await owner.get("/api/v1/system")).json())
        assert told.lab.status == "away"
        assert "does not answer" in str(told.lab.detail)
        ready = await owner.get("/health/ready")
        assert (ready.status_code, (await owner.get("/health")).json()["status"]) == (503, "healthy")
        assert "127.0.0.1:9" in ready.json()["checks"]["lab"]
        async with httpx.AsyncClient(base_url=url, timeout=PATIENT_S) as nobody:
            assert "127.0.0.1:9" not in (await nobody.get("/health/ready")).text


def strange(status: int, headers: dict[str, str], seen: list[dict[str, str]]) -> FastAPI:
    """A server that is no lab, and writes down what it is sent."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": b"{}"})

    app = FastAPI()
    app.mount("/", answer)
    return app


async def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(tmp_path: Path) -> None:
    elsewhere_saw: list[dict[str, str]] = []
    saw: list[dict[str, str]] = []
    async with serve(strange(200, {}, elsewhere_saw)) as elsewhere:
        moved = {"location": f"{elsewhere}/take", "set-cookie": "a=b; Path=/"}
        async with serve(strange(307, moved, saw)) as lab_url:
            client = over_http(lab_url, token=TOKEN, timeout_s=30)
            app = create_backend(client, token=TOKEN)
            cookie = {
                "Cookie": "agent_lab_x=secret",
                "X-Forwarded-For": "6.6.6.6",
                "Connection": "close, X-Odd",
                "X-Odd": "1",
            }
            async with (
                serve(app) as url,
                httpx.AsyncClient(base_url=url, headers=SIGNED_IN | cookie, timeout=PATIENT_S) as owner,
            ):
                answer = await owner.get("/api/v1/runs")
                posted = await owner.post(EXECUTE, json={"prompt": "x"})
    assert answer.status_code == posted.status_code == 503
    assert "is not an AI Agent Lab" in answer.json()["detail"]
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert elsewhere_saw == []
    assert saw[0]["authorization"] == f"Bearer {TOKEN}"
    assert len(saw) > 1  # the second might have had the cookie that came with the first
    assert not any({"cookie", "x-forwarded-for", "x-odd"} & one.keys() for one in saw)


async def test_a_lab_with_another_token_is_told_apart_from_a_caller_who_is_nobody(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", surface="lab") as door, serve(door.app) as lab_url:
        other = "another-token-of-the-backend"
        keys = {"al-stranger": "stranger"}
        app = create_backend(over_http(lab_url, token=other, timeout_s=30), token=other, key_name=keys.get)
        async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=PATIENT_S) as client:
            owner = await client.get("/api/v1/models", headers={"Authorization": f"Bearer {other}"})
            stranger = await client.get("/api/v1/models", headers={"Authorization": "Bearer al-stranger"})
            ran = await client.post(EXECUTE, json={"prompt": "x"}, headers={"Authorization": f"Bearer {other}"})
    assert owner.status_code == ran.status_code == 503
    assert "the same AGENT_LAB_TOKEN for both" in owner.json()["detail"]
    assert stranger.status_code == 401
    assert "does not know this access key" in stranger.json()["detail"]


async def test_a_backend_that_is_led_to_itself_says_so(tmp_path: Path) -> None:
    client = over_http("http://127.0.0.1:9", token=TOKEN, timeout_s=30)
    app = create_backend(client, token=TOKEN)
    async with serve(app) as url, httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner:
        client.http.base_url = httpx.URL(url)
        answer = await owner.get("/api/v1/runs")
    assert answer.status_code == 503
    assert "leads to a backend" in answer.json()["detail"]


async def test_a_backend_alone_has_the_page_and_the_lab_s_own_paths(tmp_path: Path) -> None:
    async with fronted("apart", tmp_path / "home") as front, front.owner() as owner, front.anybody() as nobody:
        page = await nobody.get("/", headers={"Accept": "text/html"})
        assert "<html" in page.text
        assert (await nobody.get("/")).json()["name"] == "AI Agent Lab"
        assert (await nobody.get("/icon.svg")).status_code == 200
        codes = (await owner.post("/api/login-codes")).json()
        signed_in = await nobody.get(codes["path"])
        assert signed_in.status_code == 303
        nobody.cookies = signed_in.cookies
        assert "flows" in (await nobody.get("/api/flows")).json()
        assert "models" in (await nobody.get("/models")).json()
        assert (await owner.get("/v1/models")).json()["object"] == "list"
        assert (await owner.get("/nothing")).status_code == 404
        described = (await owner.get("/openapi.json")).json()["paths"]
        assert {EXECUTE, "/api/v1/system", "/health"} <= described.keys()
        marks = {route.path: access_of(route.endpoint) for route in operations(front.app)}
        public = {path for path, mark in marks.items() if mark == "public"}
        assert public <= {"/", "/health", "/health/ready", "/login"}
