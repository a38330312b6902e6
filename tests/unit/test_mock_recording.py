"""What the web app answers in mock mode is still what the API would say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent_lab.contracts.events import RUN_EVENT
from agent_lab.runs.reducer import fold

WEB = Path(__file__).parents[2] / "web"
RECORDED = json.loads((WEB / "src" / "mock" / "recorded.json").read_text("utf-8"))
DOCUMENT = json.loads((WEB / "openapi.json").read_text("utf-8"))
STALE = "make mock records it anew"


def recorded_runs() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for run in RECORDED["runs"]:
        yield run[0]["run_id"], run
        for answer, tail in RECORDED["tails"].get(run[0]["run_id"], {}).items():
            yield f"{run[0]['run_id']} {answer}", run + tail


def operation(name: str) -> dict[str, Any] | None:
    """What the document says of `GET /models?limit=3`, or of `POST /api/runs/estimate challenge`."""
    method, path = re.split(r"[ ?]", name)[:2]
    for template, found in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in found:
            return found[method.lower()]
    return None


@pytest.mark.parametrize("name", RECORDED["answers"])
def test_a_recorded_answer_is_one_that_the_api_documents(name: str) -> None:
    found = operation(name)
    assert found is not None, f"the API has no {name}; {STALE}"
    good = next(answer for status, answer in found["responses"].items() if status.startswith("2"))
    schema = {**good["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
    wrong = [error.message for error in Draft202012Validator(schema).iter_errors(RECORDED["answers"][name])]
    assert wrong == [], f"{wrong[:3]}; {STALE}"


@pytest.mark.parametrize(("name", "events"), [*recorded_runs()])
def test_a_recorded_run_is_told_in_the_events_of_today(name: str, events: list[dict[str, Any]]) -> None:
    told = [RUN_EVENT.validate_python(event) for event in events]
    assert all(
        RUN_EVENT.dump_python(event, mode="json", by_alias=True) == raw for event, raw in zip(told, events, strict=True)
    )
    view = fold(told)
    assert (view.finished_at is None) == (view.status == "waiting")


def test_the_recording_shows_what_screens_must_be_looked_at_with() -> None:
    views = [fold([RUN_EVENT.validate_python(event) for event in run]) for run in RECORDED["runs"]]
    assert {"completed", "declined", "limit_exceeded", "waiting"} <= {view.status for view in views}
    assert any(node.status == "failed" for view in views for node in view.nodes)
    assert any(node.votes for view in views for node in view.nodes)
    assert any(view.parent_run_id for view in views)
    library = {entry["id"] for entry in RECORDED["answers"]["GET /api/flows"]["flows"]}
    assert {view.flow_id for view in views} == library


def test_the_recording_has_an_evaluation_with_everything_that_its_screens_show() -> None:
    answers = RECORDED["answers"]
    [evaluation] = answers["GET /api/evaluations"]["evaluations"]
    at = f"GET /api/evaluations/{evaluation['evaluation_id']}"
    assert evaluation["status"] == "completed"
    assert answers[at] == evaluation
    assert answers[f"{at}/report"]["evaluation"] == evaluation
    items = answers[f"{at}/items"]
    assert items["found"] == len(items["items"]) == 50
    assert {f"{at}/item?id={row['item']['id']}" for row in items["items"]} <= set(answers)
    [badge] = answers["GET /api/badges"]["badges"]
    assert badge["evaluation_id"] == evaluation["evaluation_id"]
    assert badge["expired"] == []


def test_the_recording_stays_small() -> None:
    assert (WEB / "src" / "mock" / "recorded.json").stat().st_size <= 600_000
