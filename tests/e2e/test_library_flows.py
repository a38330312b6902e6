"""Every flow of the library runs for real on the built-in model: in process, over HTTP and in the terminal."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.cli.main import run_command
from agent_lab.contracts.run import RunOptions, RunRequest, RunView
from agent_lab.demo.problems import extract_answer, held_out
from agent_lab.settings import read_settings
from agent_lab.wiring import Lab, build_app, open_lab
from support.flows import LIBRARY, library_document

TOKEN = "a-token-for-these-tests"
PROBLEMS = 4
LEAST_RIGHT = 3


def check(name: str, view: RunView) -> None:
    """It came to its end, every voice was the built-in model's, and the answer is that of the node that is named."""
    assert view.status == "completed", view.fault
    texts = {node.id: node.text for node in view.nodes}
    assert view.answer == texts[library_document(name)["answer"]]
    asked = [node for node in view.nodes if node.kind == "generate" and node.visits]
    assert asked
    assert {node.model for node in asked} == {"demo"}
    assert all(node.fields["finish_reason"] == "stop" for node in asked), texts
    assert view.totals.cost_usd == 0
    assert 1 <= view.totals.calls <= 7


async def run(lab: Lab, name: str, question: str, seed: int, language: Any = "en") -> RunView:
    options = RunOptions(seed=seed, language=language)
    info = await lab.runs.start(RunRequest(flow=name, prompt=question, options=options))
    view = await lab.runs.wait(info.run_id)
    check(name, view)
    return view


async def check_orchestrate(lab: Lab, name: str) -> None:
    transport = httpx.ASGITransport(build_app(lab, token=TOKEN))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    problem = held_out()[0]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        body = {"prompt": problem.input, "flow_type": name, "seed": 1, "language": "es"}
        answer = await client.post("/orchestrate", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["success"] is True
    assert told["flow_type"] == name
    assert [node["id"] for node in told["flow"]["nodes"]] == [node["id"] for node in library_document(name)["nodes"]]
    assert told["metrics"]["models"] == ["demo"]
    assert told["metrics"]["cost_usd"] == 0
    view = await lab.runs.view(told["execution_id"])
    check(name, view)
    assert told["result"] == view.answer


@pytest.mark.parametrize("name", LIBRARY)
async def test_a_flow_of_the_library_works_out_what_the_built_in_model_never_saw(tmp_path: Path, name: str) -> None:
    async with open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / ".env")) as lab:
        problems = held_out()[:PROBLEMS]
        views = [await run(lab, name, problem.input, seed) for seed, problem in enumerate(problems)]
        right = [
            extract_answer(view.answer or "") == problem.target for view, problem in zip(views, problems, strict=True)
        ]
        assert sum(right) >= LEAST_RIGHT
        await check_orchestrate(lab, name)


async def test_the_rounds_of_the_iterative_flow_end_when_the_built_in_challenger_agrees(tmp_path: Path) -> None:
    async with open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / ".env")) as lab:
        views = [await run(lab, "iterative", problem.input, 100 + n) for n, problem in enumerate(held_out()[:PROBLEMS])]
    accepted = 0
    for view in views:
        nodes = {node.id: node for node in view.nodes}
        agreed = "all lines are right" in nodes["challenger"].text
        assert nodes["challenger"].fields["accepted"] is agreed
        assert nodes["solution"].text == (nodes["refiner"] if nodes["refiner"].visits else nodes["creator"]).text
        assert agreed or nodes["refiner"].visits == 3
        accepted += agreed
    assert accepted >= LEAST_RIGHT


@pytest.mark.parametrize("name", LIBRARY)
def test_a_flow_of_the_library_runs_in_the_terminal(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("AGENT_LAB_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    code = run_command(["run", name, "--example", "--seed", "3"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "── Answer ──" in told.out
    assert "Expected" in told.out
    (file,) = (tmp_path / "outputs" / f"{name}_flows").iterdir()
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["status"] == "completed"
    assert document["final_output"]
