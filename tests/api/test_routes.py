"""Each route does what it says, over a real lab with a scripted model."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.contracts.errors import BusyError, UnusableError
from agent_lab.contracts.run import TERMINAL
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve, until

ROLES = {"creator": "draft text", "challenger": "line 2 is wrong", "refiner": "mended text", "*": "plain answer"}


async def ended(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    while True:
        view: dict[str, Any] = (await client.get(f"/api/runs/{run_id}")).json()
        if view["status"] in TERMINAL:
            return view
        await asyncio.sleep(0.01)


async def test_the_root_says_what_this_is_to_programs_and_to_people(door: Door) -> None:
    async with door.client() as anybody:
        program = (await anybody.get("/")).json()
        page = await anybody.get("/", headers={"Accept": "text/html,*/*"})
    assert (program["name"], program["status"]) == ("AI Agent Lab", "running")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>AI Agent Lab</title>" in page.text


async def test_the_lab_alone_has_no_page_and_no_login(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", surface="lab") as door, door.owner() as owner:
        root = await owner.get("/", headers={"Accept": "text/html"})
        assert root.json()["name"] == "AI Agent Lab"
        assert [(await owner.get(path)).status_code for path in ("/login", "/app.js")] == [404, 404]
        assert (await owner.get("/models")).status_code == 200


async def test_health_tells_the_owner_of_the_machine_and_nobody_else(door: Door) -> None:
    async with door.client() as anybody, door.owner() as owner:
        public, own = (await anybody.get("/health")).json(), (await owner.get("/health")).json()
        ready = await anybody.get("/health/ready")
    assert public["status"] == own["status"] == "healthy"
    assert (public["gpu"], public["models_loaded"]) == (None, None)
    assert own["gpu"]["available_gb"] > 0
    assert own["models_loaded"] == []
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_a_lab_whose_storage_is_gone_is_not_ready(door: Door) -> None:
    await door.lab.runs.store.close()
    database = next(door.lab.settings.data_dir.glob("*.db*"))
    for file in door.lab.settings.data_dir.glob(f"{database.name.split('.')[0]}.*"):
        file.unlink()
    database.mkdir()
    async with door.client() as anybody:
        ready = await anybody.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "checks": {"storage": "not usable", "models": "ok"}}


async def test_models_are_listed_with_what_would_take_a_request(door: Door) -> None:
    async with door.owner() as owner:
        listed = (await owner.get("/models")).json()
        one = (await owner.get("/models/voice")).json()
    assert listed["default"] == "voice"
    by_key = {model["key"]: model for model in listed["models"]}
    assert by_key["voice"] == one
    assert (one["usable"], one["why_not"], one["cost_profile"]) == (True, None, None)
    assert by_key["gpt-5"]["usable"] is False
    assert "openai" in by_key["gpt-5"]["why_not"].lower()
    assert by_key["demo"]["demonstration"] is True


async def test_metrics_come_as_prometheus_text_or_as_json(door: Door) -> None:
    async with door.owner() as owner:
        await owner.post("/inference", json={"prompt": "one two", "model": "voice"})
        text = await owner.get("/metrics")
        figures = await owner.get("/metrics", headers={"Accept": "application/json"})
    assert text.headers["content-type"].startswith("text/plain")
    assert 'agent_lab_generations_total{model="voice",outcome="stop",provider="scripted"} 1.0' in text.text
    assert figures.json()["execution"]["generations"]["total"] == 1


@pytest.mark.parametrize("path", ["/inference", "/api/inference"])
@pytest.mark.parametrize("name", ["model", "model_key"])
async def test_inference_takes_the_seeds_body_and_answers_with_their_figures(door: Door, path: str, name: str) -> None:
    body = {"prompt": "Hello", name: "other", "strategy": "optimized", "max_tokens": 512, "temperature": 0.7}
    async with door.owner() as owner:
        answer = (await owner.post(path, json=body)).json()
    assert answer["text"] == "assistant: Hello"
    assert answer["tokens_generated"] == 2
    assert (answer["model_name"], answer["model_key"], answer["source"]) == ("other", "other", "scripted")
    assert answer["strategy"] == "optimized"
    assert answer["cache_hit"] is True
    assert answer["total_time_sec"] == answer["timings"]["total_s"] >= answer["inference_time_sec"]
    assert answer["load_time_sec"] == 0
    assert answer["gpu_memory_used_gb"] is None or answer["gpu_memory_used_gb"] >= 0
    assert answer["usage"]["cost_usd"] is None


async def test_a_client_that_leaves_ends_its_generation(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with (
        open_door(tmp_path / "home", ScriptedProvider(gate=never)) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner,
    ):
        asking = asyncio.create_task(owner.post("/inference", json={"prompt": "Hello"}))
        await until(lambda: door.provider.open_streams == 1)
        asking.cancel()
        await until(lambda: not door.provider.open_streams)
    assert len(door.provider.calls) == 1


@pytest.mark.parametrize("path", ["/orchestrate", "/api/orchestrate"])
async def test_orchestrate_takes_the_seeds_body_and_runs_linear(door: Door, path: str) -> None:
    body = {"prompt": "Explain quantum computing", "strategy": "optimized", "max_tokens": 500}
    async with door.owner() as owner:
        response = await owner.post(path, json=body)
    answer = response.json()
    assert answer["flow_type"] == "linear"
    assert answer["status"] == "completed"
    assert answer["result"]
    assert {node["id"] for node in answer["flow"]["nodes"]} >= {"analyzer", "execution", "validator"}
    assert all(edge.keys() == {"from", "to", "taken"} for edge in answer["flow"]["edges"])
    assert answer["metrics"]["model_calls"] >= 1
    assert response.headers["location"] == f"/api/runs/{answer['execution_id']}"
    assert {call.strategy.name for call in door.provider.calls} == {"optimized"}


async def test_orchestrate_runs_any_flow_with_a_model_for_each_role_and_tells_every_event(tmp_path: Path) -> None:
    async with (
        open_door(tmp_path / "home", ScriptedProvider(ROLES)) as door,
        door.owner(**{"X-Request-Id": "a1"}) as owner,
    ):
        body = {
            "prompt": "Why?",
            "flow_type": "challenge",
            "models": {"challenger": "other"},
            "verbose": True,
            "language": "es",
        }
        answer = (await owner.post("/orchestrate", json=body)).json()
    assert (answer["draft"], answer["result"]) == ("draft text", "mended text")
    assert [call.model.key for call in door.provider.calls] == ["voice", "other", "voice"]
    assert "Genera una solución" in door.provider.calls[0].request.prompt
    assert answer["request_id"] == "a1"
    assert [answer["events"][0]["type"], answer["events"][-1]["type"]] == ["run_started", "run_finished"]
    assert answer["events"][0]["flow"]["edges"][0].keys() >= {"from", "to"}


async def test_a_declined_question_is_an_answer_with_the_sentence(tmp_path: Path) -> None:
    script = ScriptedProvider({"*": ScriptedReply("Only sums; connect another model.", finish_reason="declined")})
    async with open_door(tmp_path / "home", script) as door, door.owner() as owner:
        response = await owner.post("/orchestrate", json={"prompt": "A poem", "flow_type": "challenge"})
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["result"]) == ("declined", "Only sums; connect another model.")


async def test_a_failed_run_is_a_problem_that_names_the_run(tmp_path: Path) -> None:
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with open_door(tmp_path / "home", script) as door, door.owner() as owner:
        response = await owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"})
        problem = response.json()
        view = (await owner.get(f"/api/runs/{problem['run_id']}")).json()
    assert response.status_code == 503
    assert problem["type"] == "urn:agent-lab:problem:unusable"
    assert "lost its voice" in problem["detail"]
    assert view["status"] == "failed"


async def test_a_client_that_leaves_an_orchestration_cancels_its_run(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with (
        open_door(tmp_path / "home", ScriptedProvider(gate=never)) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner,
    ):
        asking = asyncio.create_task(owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"}))
        await until(lambda: door.provider.open_streams == 1)
        asking.cancel()
        run_id = (await owner.get("/api/runs")).json()["runs"][0]["run_id"]
        async with asyncio.timeout(PATIENT_S):
            view = await ended(owner, run_id)
    assert view["status"] == "cancelled"
    assert door.provider.open_streams == 0


async def test_a_run_that_somebody_else_stops_is_told_to_who_waits_for_it(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", ScriptedProvider(gate=asyncio.Event())) as door, door.owner() as owner:
        waiting = asyncio.create_task(owner.post("/orchestrate", json={"prompt": "Why?", "flow_type": "challenge"}))
        await until(lambda: door.provider.open_streams == 1)
        run_id = (await owner.get("/api/runs")).json()["runs"][0]["run_id"]
        await owner.post(f"/api/runs/{run_id}/cancel")
        response = await waiting
    assert (response.status_code, response.json()["run_id"]) == (409, run_id)
    assert response.json()["type"] == "urn:agent-lab:problem:cancelled"


async def test_a_busy_provider_says_when_to_come_back(tmp_path: Path) -> None:
    script = ScriptedProvider(errors={1: BusyError("All slots are taken; come back.", retry_after_s=67.4)})
    async with open_door(tmp_path / "home", script) as door, door.owner() as owner:
        response = await owner.post("/inference", json={"prompt": "Hello"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "68")
    assert response.json()["type"] == "urn:agent-lab:problem:busy"


async def test_flows_are_listed_and_shown_and_broken_files_are_told(door: Door) -> None:
    folder = door.lab.flows.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").write_text("{")
    async with door.owner() as owner:
        listed = (await owner.get("/api/flows")).json()
        document = (await owner.get("/api/flows/challenge")).json()
        (folder / "mine.json").write_text(json.dumps(document | {"id": "mine"}))
        own = {flow["id"]: flow for flow in (await owner.get("/api/flows")).json()["flows"]}
        verdict = (await owner.post("/api/flows/validate", json=document)).json()
    assert listed["broken"][0]["file"] == "mine.json"
    assert [node["id"] for node in document["nodes"]] == ["creator", "challenger", "refiner"]
    assert document["edges"][0]["from"] == "creator"
    assert (verdict["valid"], verdict["problems"]) == (True, [])
    refiner = verdict["scope"]["nodes"]["refiner"]
    assert (refiner["after"], refiner["previous"], refiner["turns"]) == ("challenger", "sure", 1)
    assert (own["mine"]["origin"], own["challenge"]["origin"]) == ("file", "library")
    assert own["challenge"]["roles"] == ["creator", "challenger", "refiner"]


async def test_a_document_with_faults_is_told_all_of_them_with_their_places(door: Door) -> None:
    document = {"id": "two", "name": "Two", "nodes": [{"id": "a", "kind": "generat", "prompt": "{nobody}"}]}
    async with door.owner() as owner:
        response = await owner.post("/api/flows/validate", json=document)
    assert response.status_code == 200
    assert response.json()["valid"] is False
    assert response.json()["problems"][0]["path"] == "/nodes/0/kind"
    assert "generate" in response.json()["problems"][0]["message"]


async def test_a_run_is_started_looked_at_listed_and_stays_ended(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", ScriptedProvider(ROLES)) as door, door.owner() as owner:
        started = await owner.post("/api/runs", json={"flow": "challenge", "prompt": "Why?"})
        run_id = started.json()["run_id"]
        view = await ended(owner, run_id)
        again = [await owner.post(f"/api/runs/{run_id}/{verb}") for verb in ("cancel", "resume")]
        listed = (await owner.get("/api/runs")).json()
    assert (started.status_code, started.headers["location"]) == (202, f"/api/runs/{run_id}")
    assert (view["status"], view["answer"], view["totals"]["calls"]) == ("completed", "mended text", 3)
    assert [response.status_code for response in again] == [409, 409]
    assert [run["run_id"] for run in listed["runs"]] == [run_id]
    assert listed["next_cursor"] is None


async def test_a_run_is_stopped_and_stays_so(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", ScriptedProvider(gate=asyncio.Event())) as door, door.owner() as owner:
        run_id = (await owner.post("/api/runs", json={"flow": "challenge", "prompt": "Why?"})).json()["run_id"]
        stopped = await owner.post(f"/api/runs/{run_id}/cancel")
        view = (await owner.get(f"/api/runs/{run_id}")).json()
    assert (stopped.status_code, stopped.json()["status"], view["status"]) == (200, "cancelled", "cancelled")


async def test_an_interrupted_run_is_taken_up_again(tmp_path: Path) -> None:
    first = ScriptedProvider(gate=asyncio.Event())
    async with open_door(tmp_path / "home", first) as door, door.owner() as owner:
        run_id = (await owner.post("/api/runs", json={"flow": "challenge", "prompt": "Why?"})).json()["run_id"]
        await asyncio.sleep(0.05)
    async with open_door(tmp_path / "home", ScriptedProvider(ROLES)) as door, door.owner() as owner:
        resumed = await owner.post(f"/api/runs/{run_id}/resume")
        view = await ended(owner, run_id)
    assert resumed.status_code == 202
    assert (view["status"], view["answer"]) == ("completed", "mended text")


async def test_the_list_of_runs_is_walked_by_cursor_without_gap_or_repeat(door: Door) -> None:
    async with door.owner() as owner:
        made = []
        for number in range(5):
            body = {"flow": "challenge", "prompt": f"Question {number} " + "x" * 1000}
            made.append((await owner.post("/api/runs", json=body)).json()["run_id"])
        for run_id in made:
            await ended(owner, run_id)
        seen, cursor = [], ""
        while cursor is not None:
            page = (await owner.get("/api/runs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            assert all(len(run["prompt"]) <= 300 for run in page["runs"])
            seen += [run["run_id"] for run in page["runs"]]
            cursor = page["next_cursor"]
        none = (await owner.get("/api/runs", params={"flow": "linear"})).json()
        done = (await owner.get("/api/runs", params={"status": "completed"})).json()
    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
    assert none["runs"] == []
    assert len(done["runs"]) == 5


async def test_the_nodes_of_an_estimate_add_up_to_the_whole(door: Door) -> None:
    nodes = [
        {"id": "draft", "kind": "generate", "prompt": "{user_input}"},
        {"id": "debate", "kind": "subflow", "flow": "challenge", "prompt": "{draft_output}"},
    ]
    flow = {"id": "outer", "name": "Outer", "nodes": nodes, "edges": [{"from": "draft", "to": "debate"}]}
    async with door.owner() as owner:
        await owner.post("/api/flows", json=flow)
        found = (await owner.post("/api/runs/estimate", json={"flow": "outer", "prompt": "Hello"})).json()
    assert (found["turns"], found["calls"]) == (5, 4)
    for figure in ("turns", "calls"):
        assert sum(node[figure] for node in found["nodes"]) == found[figure]


async def test_a_run_is_estimated_without_being_started(door: Door) -> None:
    async with door.owner() as owner:
        response = await owner.post("/api/runs/estimate", json={"flow": "challenge", "prompt": "Hello"})
        runs = await owner.get("/api/runs")
        unknown = await owner.post("/api/runs/estimate", json={"flow": "chalenge", "prompt": "Hello"})
    found = response.json()
    assert (found["turns"], found["calls"]) == (3, 3)
    assert [node["node"] for node in found["nodes"]] == ["creator", "challenger", "refiner"]
    assert found["cost_usd"] is None  # a scripted voice has no price
    assert runs.json()["runs"] == []
    assert unknown.status_code == 404
