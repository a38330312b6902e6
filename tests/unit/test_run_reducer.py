import json
import runpy
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.events import RUN_EVENT, RunEvent, RunFinished, Token
from agent_lab.contracts.run import TERMINAL, RunStatus, RunView
from agent_lab.runs.reducer import RunFold, fold
from support.told_runs import TOLD

ROOT = Path(__file__).parents[2]
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))
vectors = st.sampled_from(VECTORS)


def load(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vector


def events_of(path: Path) -> list[RunEvent]:
    return [RUN_EVENT.validate_python(event) for event in load(path)["events"]]


def folded(run: RunFold, events: list[RunEvent]) -> RunView:
    for event in events:
        run.apply(event)
    return run.view()


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_events_of_a_vector_fold_to_its_view(path: Path) -> None:
    assert fold(events_of(path)).model_dump(mode="json") == load(path)["view"]


def test_every_kind_of_event_is_in_some_vector() -> None:
    known = {kind.model_fields["type"].default for kind in get_args(get_args(RunEvent)[0])}
    assert {event.type for path in VECTORS for event in events_of(path)} == known


def test_the_vectors_end_in_every_way_or_not_at_all() -> None:
    seen = {load(path)["view"]["status"] for path in VECTORS}
    assert seen == set(get_args(RunStatus)) - {"queued", "running"}
    assert seen > TERMINAL


@pytest.mark.parametrize("name", TOLD)
def test_a_told_run_is_written_down_as_it_is_told(name: str) -> None:
    path = ROOT / "tests" / "vectors" / f"{name}.json"
    assert events_of(path) == TOLD[name]().events, "run `make generate` and commit what it writes"


@given(vectors, st.lists(st.integers(0, 100), max_size=4))
def test_views_may_be_taken_on_the_way_and_the_rest_be_folded_on(path: Path, cuts: list[int]) -> None:
    events, run, done = events_of(path), RunFold(), 0
    for cut in sorted(min(cut, len(events)) for cut in cuts):
        assert folded(run, events[done:cut]) == fold(events[:cut])
        done = cut
    assert folded(run, events[done:]) == fold(events)


@given(vectors.filter(lambda path: load(path)["view"]["finished_at"]), st.data())
def test_nothing_that_comes_after_the_end_changes_the_view(path: Path, data: st.DataObject) -> None:
    events = events_of(path)
    assert isinstance(events[-1], RunFinished)
    late = data.draw(st.lists(st.sampled_from(events_of(data.draw(vectors))), max_size=10))
    assert fold([*events, *late]) == fold(events)


@given(vectors)
def test_live_tokens_change_nothing_of_the_view(path: Path) -> None:
    events = events_of(path)
    assert fold(event for event in events if not isinstance(event, Token)) == fold(events)


def test_the_vectors_can_be_made_anew(tmp_path: Path) -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_vectors.py"))
    made["main"](tmp_path)
    for path in VECTORS:
        stored = [event.type for event in events_of(path) if not isinstance(event, Token)]
        new = [event.type for event in events_of(tmp_path / path.name) if not isinstance(event, Token)]
        assert sorted(new) == sorted(stored), f"{path.name}: run `make generate` and commit what it writes"


def test_the_types_of_the_web_app_are_those_of_the_contracts() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_types.py"))
    assert made["PATH"].read_text("utf-8") == made["typescript"](), "run `make generate` and commit what it writes"


def test_the_document_of_the_web_app_is_that_of_the_api() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_openapi.py"))
    assert made["PATH"].read_text("utf-8") == made["openapi"](), "run `make generate` and commit what it writes"
