import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.events import RUN_EVENT, RunFinished, Token
from agent_lab.runs.reducer import RunFold, fold

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vector


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_events_of_a_vector_fold_to_its_view(path: Path) -> None:
    vector = load(path)
    view = fold(RUN_EVENT.validate_python(event) for event in vector["events"])
    assert view.model_dump(mode="json") == vector["view"]


def test_the_vectors_hold_every_way_of_ending_and_every_kind_of_event() -> None:
    events = [event for path in VECTORS for event in load(path)["events"]]
    assert {event["status"] for event in events if event["type"] == "run_finished"} >= {
        "completed",
        "failed",
        "declined",
    }
    types = {event["type"] for event in events}
    assert types >= {
        "run_started",
        "node_started",
        "generation_started",
        "token",
        "restarted",
        "generation_finished",
        "route_taken",
        "node_finished",
        "run_finished",
    }


@given(st.sampled_from(VECTORS), st.integers(0, 100))
def test_a_view_may_be_taken_at_any_moment_and_the_rest_be_folded_on(path: Path, cut: int) -> None:
    events = [RUN_EVENT.validate_python(event) for event in load(path)["events"]]
    run = RunFold()
    for event in events[:cut]:
        run.apply(event)
    early = run.view()
    assert early.status in {"queued", "running"} or isinstance(events[min(cut, len(events)) - 1], RunFinished)
    for event in events[cut:]:
        run.apply(event)
    assert run.view() == fold(events)


@given(st.sampled_from(VECTORS))
def test_live_tokens_change_nothing_of_the_view(path: Path) -> None:
    events = [RUN_EVENT.validate_python(event) for event in load(path)["events"]]
    assert fold(event for event in events if not isinstance(event, Token)) == fold(events)
