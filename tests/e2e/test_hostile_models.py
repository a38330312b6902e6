"""A model may answer what it likes: through every flow of the library nothing but text ever comes of it."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent_lab.cli.following import follow
from agent_lab.cli.options import Shown
from agent_lab.contracts.events import GenerationStarted
from agent_lab.contracts.run import TERMINAL, RunOptions, RunRequest, RunView
from agent_lab.gateway.text import clean
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import Door, open_door
from support.flows import LIBRARY
from support.hostile import ANSWERS, EVERYTHING

QUESTION = "What is 47 + 38?"
HARMLESS = "(((...)))"
"""It votes for nothing and accepts nothing, so that every round is gone through."""
ROOMY = """
[[model]]
key = "roomy"
name = "Roomy"
family = "scripted"
provider = "scripted"
model_id = "scripted:role"
context_window = 100000000
default_strategy = "roomy"

[[strategy]]
name = "roomy"
description = "Room for long answers."
limits = { max_tokens = 1000000, timeout_s = 60 }
"""
OPTIONS = RunOptions(model="roomy", max_tokens=1_000_000)
DECLARED = {"model": str, "finish_reason": str, "tokens": int, "seconds": float}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey, or a reader be misled by; line ends and tabs are allowed."""


class Model:
    """Answers what it is set to."""

    def __init__(self) -> None:
        self.answer = ""

    def __call__(self, call: object) -> str:
        return self.answer


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def door(tmp_path: Path, model: Model) -> AsyncIterator[Door]:
    (tmp_path / "home" / "flows").mkdir(parents=True)
    (tmp_path / "home" / "flows" / "everything.json").write_text(json.dumps(EVERYTHING))
    async with open_door(tmp_path / "home", ScriptedProvider(model), more_models=ROOMY) as opened:
        yield opened


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


async def ended(door: Door, flow: str, prompt: str = QUESTION) -> RunView:
    info = await door.lab.runs.start(RunRequest(flow=flow, prompt=prompt, options=OPTIONS))
    return await door.lab.runs.wait(info.run_id)


def check_view(view: RunView, said: str) -> None:
    """It ended, and says of itself what it would say of any answer."""
    assert view.status in TERMINAL
    if view.status != "completed":
        # The one thing that may go wrong: together the voices are longer than any prompt may be.
        assert view.fault is not None
        assert (view.status, view.fault.type) == ("failed", "too-large")
        assert len(said) > 100_000
        return
    for node in view.nodes:
        if node.kind != "generate" or not node.visits:
            continue
        assert node.text == said
        assert node.model == "roomy"
        assert node.fields["model"] == "roomy"
        for name, kind in DECLARED.items():
            assert isinstance(node.fields[name], kind), name
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in node.fields)
        accepted = node.fields.get("accepted", False)
        assert isinstance(accepted, bool)


async def prompts(door: Door, view: RunView) -> list[tuple[str, str]]:
    events = await door.lab.runs.events(view.run_id)
    calls = [event for event in events if isinstance(event, GenerationStarted)]
    for call in calls:
        assert call.request.prompt.count(QUESTION) == 1
        assert call.request.tools == ()
        assert call.request.model_key == "roomy"
        assert {turn.content for turn in call.request.context.turns[1:]} <= {view_text(view)}
    return [(call.node, call.request.prompt) for call in calls]


def view_text(view: RunView) -> str:
    """What the model says in this run."""
    return next(node.text for node in view.nodes if node.kind == "generate" and node.visits)


async def check_prompts(door: Door, view: RunView, said: str, usual: list[tuple[str, str]]) -> None:
    """Each prompt is one that a harmless answer gives, with this answer in its place."""
    found = await prompts(door, view)
    # Blocks go where there is nothing; `linear` tells what was wrong, and `everything` takes answers to pieces.
    if not said or view.flow_id in {"linear", "everything"}:
        return
    expected = {(node, prompt.replace(HARMLESS, said)) for node, prompt in usual}
    assert set(found) <= expected


async def check_file(door: Door, view: RunView) -> None:
    info = (await door.lab.runs.list(limit=1))[0]
    text = door.lab.runs.output_path(info).read_text(encoding="utf-8")
    document = strict(text)
    assert document["execution_id"] == view.run_id
    assert document["status"] == view.status
    assert document["final_output"] == view.answer
    for node in view.nodes:
        assert document[f"{view.flow_id}_flow"][node.id]["text"] == node.text


async def check_doors(door: Door, view: RunView) -> None:
    """Over HTTP it is JSON and a stream of whole messages, whatever stands in them."""
    async with door.owner() as owner:
        shown = await owner.get(f"/api/runs/{view.run_id}")
        stream = await owner.get(f"/api/runs/{view.run_id}/events")
    assert strict(shown.text)["answer"] == view.answer
    messages = [block for block in re.split(r"\r\n\r\n", stream.text) if block and not block.startswith(":")]
    types = []
    for block in messages:
        fields: Mapping[str, str] = dict(line.split(": ", 1) for line in block.split("\r\n"))
        assert fields.keys() <= {"id", "event", "data"}
        data = strict(fields["data"])
        assert data["type"] == fields["event"]
        types.append(data["type"])
    assert types.count("run_finished") == 1
    assert types[-1] == "run_finished"


@pytest.mark.parametrize("flow", [*LIBRARY, "everything"])
async def test_no_answer_is_ever_more_than_text(door: Door, model: Model, flow: str) -> None:
    model.answer = HARMLESS
    usual = await prompts(door, await ended(door, flow))
    for name, answer in ANSWERS.items():
        model.answer, said = answer, clean(answer)
        view = await ended(door, flow)
        try:
            check_view(view, said)
            await check_prompts(door, view, said, usual)
            await check_file(door, view)
            await check_doors(door, view)
        except BaseException as error:
            error.add_note(f"the answer was: {name}")
            raise


@pytest.mark.parametrize(("flow", "live"), [*((name, True) for name in (*LIBRARY, "everything")), ("challenge", False)])
async def test_the_terminal_is_written_to_and_never_steered(
    door: Door, model: Model, flow: str, live: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, answer in ANSWERS.items():
        if len(answer) > 100_000:  # the size is no matter of the terminal's
            continue
        model.answer = answer
        request = RunRequest(flow=flow, prompt=QUESTION, options=OPTIONS)
        code = await follow(door.lab, door.lab.runs.start(request), Shown(as_json=not live))
        written = capsys.readouterr()
        assert code == 0, name
        assert written.out
        assert CONTROLS.findall(written.out.replace("\u2028", "")) == [] or not live, name
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", written.out + written.err), name
        if not live:
            strict(written.out)


@pytest.mark.parametrize("flow", LIBRARY)
async def test_a_question_that_holds_marks_is_asked_as_it_stands(door: Door, model: Model, flow: str) -> None:
    model.answer = "Answer: 85"
    for name in ("templates", "chat roles", "markers of our own", "extra keys"):
        view = await ended(door, flow, ANSWERS[name])
        assert view.status == "completed"
        for call in await door.lab.runs.events(view.run_id):
            if isinstance(call, GenerationStarted):
                assert ANSWERS[name] in call.request.prompt
                assert call.request.context.turns[0].content == ANSWERS[name]
