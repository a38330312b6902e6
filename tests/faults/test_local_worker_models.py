"""Real weights in a worker process: the same text as here, answers that fit a schema, and a kill in the middle."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from agent_lab.contracts.errors import BrokenOffError, ModelCorruptError, UnusableError, ValidationError
from agent_lab.contracts.registry import ModelSpec, Residency, Sampling
from agent_lab.providers.local.batching.opening import open_engine
from agent_lab.providers.local.engine import Job, Written
from agent_lab.providers.local.loading.loader import TransformersLoader
from agent_lab.providers.local.worker.loader import IsolatingLoader
from support.scripted_engine import Heard
from support.tiny_model import CPU, STANDARD, tiny_spec

pytest_plugins = ["support.tiny_fixtures"]

SCHEMA = {
    "type": "object",
    "properties": {"yes": {"type": "boolean"}},
    "required": ["yes"],
    "additionalProperties": False,
}
PLACEMENT = {"cpu": 10**9}


@dataclass
class Pair:
    """The same weights twice: in a worker process, and here."""

    there: Any
    here: Any


def isolated(spec: ModelSpec) -> ModelSpec:
    return spec.model_copy(update={"residency": Residency(worker=True)})


def load(spec: ModelSpec) -> Any:
    loader = IsolatingLoader(TransformersLoader(open_engine=open_engine))
    return loader.load(spec, loader.prepare(spec, STANDARD, CPU), PLACEMENT)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    spec = tiny_spec(Path(str(files("agent_lab") / "demo" / "weights")), context_window=512)
    pair = Pair(load(isolated(spec)), load(spec))
    yield pair
    pair.there.close()
    pair.here.close()
    assert not psutil.pid_exists(pair.there.worker_pid)


def ask(loaded: Any, text: str = "What is 3 + 4?", **more: Any) -> Heard:
    prompt_ids = tuple(loaded.tokenizer.encode(text, add_special_tokens=False))
    reader = Heard()
    sampling = more.pop("sampling", Sampling(temperature=0.0))
    loaded.engine.submit(Job(prompt_ids=prompt_ids, sampling=sampling, **{"max_tokens": 40, **more}), reader)
    return reader


def written(reader: Heard) -> Written:
    outcome = reader.ended()
    assert isinstance(outcome, Written), outcome
    return outcome


def test_a_worker_writes_the_same_text_as_the_model_here(pair: Pair) -> None:
    assert pair.there.model is None
    assert pair.there.plan == pair.here.plan
    assert pair.there.end_ids == pair.here.end_ids
    warm = Sampling(temperature=0.9)
    for text, sampling in (("What is 3 + 4?", Sampling(temperature=0.0)), ("Mia has 4 apples.", warm)):
        there = ask(pair.there, text, sampling=sampling, seed=5)
        here = written(ask(pair.here, text, sampling=sampling, seed=5))
        outcome = written(there)
        assert outcome.text == here.text == "".join(there.pieces)
        assert outcome.finish_reason == here.finish_reason
        assert outcome.completion_tokens == here.completion_tokens


def test_a_worker_holds_answers_to_a_schema_and_refuses_one_that_it_cannot(pair: Pair) -> None:
    readers = [ask(pair.there, schema=json.dumps(SCHEMA), max_tokens=100) for _ in range(3)]
    for reader in readers:
        outcome = written(reader)
        jsonschema.validate(json.loads(outcome.text), SCHEMA)
        assert outcome.finish_reason == "stop"
    refused = ask(pair.there, schema='{"not": {}}').fault()
    assert isinstance(refused, ValidationError)
    assert refused.where == "/response_schema"


def test_an_answer_that_its_schema_has_no_room_for_ends_as_cut(pair: Pair) -> None:
    outcome = written(ask(pair.there, schema=json.dumps(SCHEMA), max_tokens=2))
    assert outcome.finish_reason == "length"


def test_a_worker_killed_in_the_middle_of_answers_can_be_loaded_anew(tiny_folder: Path) -> None:
    spec = isolated(tiny_spec(tiny_folder))
    loader = IsolatingLoader(TransformersLoader(open_engine=open_engine))
    prepared = loader.prepare(spec, STANDARD, CPU)
    first = loader.load(spec, prepared, PLACEMENT)
    readers = [ask(first, max_tokens=400, sampling=Sampling(temperature=1.5), seed=seed) for seed in range(8)]
    assert all(reader.began.wait(60) for reader in readers)
    os.kill(first.worker_pid, signal.SIGSTOP)
    readers.append(ask(first, max_tokens=400))  # whatever the others had the time for, this one is broken off
    os.kill(first.worker_pid, signal.SIGKILL)
    outcomes = [reader.ended() for reader in readers]  # random weights may have ended one before
    assert any(isinstance(outcome, BrokenOffError) for outcome in outcomes)
    assert all(isinstance(outcome, BrokenOffError | Written) for outcome in outcomes)
    second = loader.load(spec, prepared, PLACEMENT)
    assert second.worker_pid != first.worker_pid
    assert written(ask(second)).completion_tokens > 0
    second.close()


def test_a_damaged_file_is_told_with_its_path_and_no_process_is_left(copied: Path) -> None:
    weights = copied / "model.safetensors"
    before = set(psutil.Process().children())
    spec = isolated(tiny_spec(copied))
    loader = IsolatingLoader(TransformersLoader(open_engine=open_engine))
    prepared = loader.prepare(spec, STANDARD, CPU)
    weights.unlink()  # after the check, so that the worker is the one who finds it
    with pytest.raises(UnusableError):
        loader.load(spec, prepared, PLACEMENT)
    weights.write_bytes(b"not weights")
    with pytest.raises(ModelCorruptError, match=r"model\.safetensors"):
        loader.prepare(spec, STANDARD, CPU)
    assert not set(psutil.Process().children()) - before  # of other tests some may end meanwhile
