"""The whole thread with the real built-in model: from a question to its answer, in process and over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.demo.problems import extract_answer, held_out
from agent_lab.settings import read_settings
from agent_lab.wiring import Lab, build_app, open_lab

TOKEN = "a-token-for-these-tests"
PROBLEMS = 12


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / ".env")) as lab:
        yield lab


@pytest.fixture
async def client(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_app(lab, token=TOKEN))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


async def test_the_challenge_repairs_drafts_of_problems_that_the_model_never_saw(lab: Lab) -> None:
    drafts = answers = 0
    for number, problem in enumerate(held_out()[:PROBLEMS]):
        info = await lab.runs.start(RunRequest(flow="challenge", prompt=problem.input, options=RunOptions(seed=number)))
        view = await lab.runs.wait(info.run_id)
        assert view.status == "completed"
        assert [node.model for node in view.nodes] == ["demo"] * 3
        assert "Verdict: " in view.nodes[1].text
        drafts += extract_answer(view.draft or "") == problem.target
        answers += extract_answer(view.answer or "") == problem.target
    assert answers >= PROBLEMS - 1
    assert answers >= drafts
    assert [model.model_key for model in lab.host.resident()] == ["demo"]


async def test_the_same_seed_gives_the_same_debate(lab: Lab) -> None:
    async def texts() -> list[str]:
        options = RunOptions(seed=5)
        info = await lab.runs.start(RunRequest(flow="challenge", prompt=held_out()[0].input, options=options))
        return [node.text for node in (await lab.runs.wait(info.run_id)).nodes]

    assert await texts() == await texts()


async def test_runs_at_once_share_the_model_and_keep_their_own_answers(lab: Lab) -> None:
    problems = held_out()[:4]
    starts = [lab.runs.start(RunRequest(flow="linear", prompt=problem.input)) for problem in problems]
    infos = await asyncio.gather(*starts)
    views = await asyncio.gather(*(lab.runs.wait(info.run_id) for info in infos))
    assert [view.prompt for view in views] == [problem.input for problem in problems]
    assert all(view.status == "completed" for view in views)
    assert len(lab.host.resident()) == 1


async def test_the_body_of_the_seeds_orchestrate_example_works(client: httpx.AsyncClient) -> None:
    body = {"prompt": "Explain quantum computing", "strategy": "optimized", "max_tokens": 500}
    answer = await client.post("/api/orchestrate", json=body)
    assert answer.status_code == 200
    said: dict[str, Any] = answer.json()
    assert said["status"] == "declined"
    assert "agent-lab models list" in said["result"]
    inside = await client.post("/orchestrate", json={**body, "prompt": "What is 47 + 38?"})
    told = inside.json()
    assert told["status"] == "completed"
    assert told["flow_type"] == "linear"
    execution = next(node for node in told["flow"]["nodes"] if node["id"] == "execution")
    assert any("in 4 bit (NF4) on the" in note for note in execution["notes"])  # what was done is said


async def test_the_body_of_the_seeds_inference_example_works(client: httpx.AsyncClient) -> None:
    body = {"prompt": "What is 47 + 38?", "model": "demo", "strategy": "optimized", "max_tokens": 512}
    answer = await client.post("/inference", json={**body, "temperature": 0.0})
    assert answer.status_code == 200
    said = answer.json()
    assert extract_answer(said["text"]) == "85"
    for name in (
        "cache_hit",
        "load_time_sec",
        "inference_time_sec",
        "total_time_sec",
        "tokens_generated",
        "model_name",
    ):
        assert name in said
    cache = (await client.get("/cache")).json()
    assert "demo" in str(cache)
    assert (await client.delete("/cache/demo")).status_code == 200
    assert (await client.delete("/cache/demo")).status_code == 404
