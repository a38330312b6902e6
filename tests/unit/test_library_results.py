"""Every flow of the library leaves the same full structure: in its file, and in what the front end is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.run import RunView
from agent_lab.flows.metrics import build_api_response
from agent_lab.providers.scripted import ScriptedProvider
from support.flows import LIBRARY, library_document
from support.runs import Bench, bench

ANSWER = "47 + 38 = 85\nAnswer: 85"
NODE_FIGURES = {"status", "seconds", "tokens", "cost_usd", "cache_hit", "model", "retries", "output", "visits", "role"}
TOTALS = {
    "total_time_sec",
    "model_calls",
    "prompt_tokens",
    "tokens_generated",
    "cost_usd",
    "cache_hit_rate",
    "models",
    "retries",
    "validator_score",
}


async def ended(folder: Path, name: str) -> tuple[Bench, RunView]:
    lab = bench(folder, ScriptedProvider({"*": ANSWER}))
    view = await lab.run(name, "What is 47 + 38?", model="priced")
    assert view.status == "completed"
    return lab, view


def asking(name: str) -> set[str]:
    return {node["id"] for node in library_document(name)["nodes"] if node["kind"] == "generate"}


@pytest.mark.parametrize("name", LIBRARY)
async def test_the_front_end_is_told_of_every_node_every_edge_and_the_totals(tmp_path: Path, name: str) -> None:
    _, view = await ended(tmp_path, name)
    answer, document = build_api_response(view), library_document(name)
    assert answer["success"] is True
    assert answer["result"] == view.answer
    assert answer["flow_type"] == name
    nodes: dict[str, dict[str, Any]] = {node["id"]: node for node in answer["flow"]["nodes"]}
    assert list(nodes) == [node["id"] for node in document["nodes"]]
    for node_id, node in nodes.items():
        assert node.keys() >= NODE_FIGURES
        assert node["status"] in {"completed", "skipped"}
        assert node["retries"] == max(0, node["visits"] - 1)
        if node_id in asking(name) and node["visits"]:
            assert node["model"] == "priced"
            assert node["cache_hit"] is True
            assert node["tokens"] > 0
            assert node["cost_usd"] > 0
    assert [(edge["from"], edge["to"]) for edge in answer["flow"]["edges"]] == [
        (edge["from"], edge["to"]) for edge in document["edges"]
    ]
    assert sum(edge["taken"] for edge in answer["flow"]["edges"]) > 0
    metrics = answer["metrics"]
    assert metrics.keys() == TOTALS
    assert metrics["model_calls"] == sum(node["calls"] for node in nodes.values()) > 0
    assert metrics["tokens_generated"] == sum(node["tokens"] for node in nodes.values())
    assert metrics["cost_usd"] == pytest.approx(sum(node["cost_usd"] or 0 for node in nodes.values()))
    assert metrics["models"] == ["priced"]
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("name", LIBRARY)
async def test_the_file_of_a_run_holds_each_node_and_its_output_under_the_names_of_the_seeds(
    tmp_path: Path, name: str
) -> None:
    lab, view = await ended(tmp_path, name)
    path = tmp_path / "outputs" / f"{name}_flows" / f"{view.run_id}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert path == lab.runs.output_path((await lab.runs.list())[0])
    assert document["flow_type"] == name
    assert document["final_output"] == view.answer
    parts = document[f"{name}_flow"]
    assert list(parts) == [node["id"] for node in library_document(name)["nodes"]]
    for node in view.nodes:
        assert parts[node.id]["text"] == node.text
        assert (f"{node.id}_output" in document) == bool(node.visits)
        assert document.get(f"{node.id}_output", "") == node.text


@pytest.mark.parametrize("name", LIBRARY)
async def test_the_answer_is_the_text_of_the_node_that_the_flow_names(tmp_path: Path, name: str) -> None:
    _, view = await ended(tmp_path, name)
    document = library_document(name)
    texts = {node.id: node.text for node in view.nodes}
    assert view.answer == texts[document["answer"]]
    assert "85" in (view.answer or "")
