"""What can be done with stored runs from the command line, and what each command says where it cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_lab.cli.person import chosen
from agent_lab.cli.run_fork import node_settings
from agent_lab.contracts.errors import AgentLabError

Run = Callable[..., Any]
ASKING: dict[str, Any] = {
    "id": "asking",
    "name": "Asking",
    "nodes": [
        {"id": "creator", "kind": "generate", "label": "Creator", "prompt": "{user_input}"},
        {"id": "person", "kind": "human", "label": "Person", "question": "Shall it go out?", "choices": ["yes", "no"]},
        {"id": "refiner", "kind": "generate", "label": "Refiner", "prompt": "{creator_output} {person_output}"},
    ],
    "edges": [{"from": "creator", "to": "person"}, {"from": "person", "to": "refiner"}],
    "answer": "refiner",
}
TWO: dict[str, Any] = {
    "id": "two",
    "name": "Two",
    "nodes": [
        {"id": "first", "kind": "human", "question": "Here?"},
        {"id": "second", "kind": "human", "question": "And here?"},
        {"id": "refiner", "kind": "generate", "prompt": "{first_output} {second_output}"},
    ],
    "edges": [{"from": "first", "to": "refiner"}, {"from": "second", "to": "refiner"}],
    "answer": "refiner",
}


@pytest.fixture
def asking(home: Any) -> str:
    return write(home, ASKING)


def write(home: Any, flow: dict[str, Any]) -> str:
    path: Path = home.path / f"{flow['id']}.json"
    path.write_text(json.dumps(flow))
    return str(path)


def newest(said: Run) -> str:
    return str(json.loads(said("runs", "list", "--json").out)["runs"][0]["run_id"])


def started(said: Run, *more: str) -> str:
    assert said("run", "challenge", "x", "--model", "echo", "-q", *more).code == 0
    return newest(said)


def test_a_flow_in_a_file_runs_and_is_stored_nowhere_but_with_its_run(said: Run, asking: str) -> None:
    done = said("run", asking, "Hello", "--model", "echo")
    run_id = newest(said)
    assert done.code == 0
    assert "· Person asks a person: Shall it go out? (yes / no)" in done.out
    assert f"agent-lab runs answer {run_id} person TEXT" in " ".join(done.out.split())
    assert said("run", "asking", "Hello").code == 2
    listed = json.loads(said("runs", "list", "--status", "waiting", "--json").out)["runs"]
    assert [(row["run_id"], row["flow_id"]) for row in listed] == [(run_id, "asking")]


def test_a_waiting_run_goes_on_with_the_answer(said: Run, asking: str) -> None:
    said("run", asking, "Hello", "--model", "echo")
    run_id = newest(said)
    wrong = said("runs", "answer", run_id, "perhaps")
    other = said("runs", "answer", run_id, "creator", "yes")
    done = said("runs", "answer", run_id, "yes")
    late = said("runs", "answer", run_id, "yes")
    assert (wrong.code, other.code, late.code) == (2, 2, 2)
    assert "yes or no" in wrong.err
    assert "person" in other.err
    assert done.code == 0
    assert "· Person was answered: yes" in done.out
    assert json.loads(said("runs", "show", run_id, "--json").out)["result"] == "Hello yes"


def test_where_several_nodes_ask_one_is_named(said: Run, home: Any) -> None:
    said("run", write(home, TWO), "Hello", "--model", "echo", "-q")
    run_id = newest(said)
    unnamed = said("runs", "answer", run_id, "yes")
    too_many = said("runs", "answer", run_id, "first", "yes", "indeed")
    first = said("runs", "answer", run_id, "first", "one", "-q")
    second = said("runs", "answer", run_id, "two", "-q")
    assert (unnamed.code, too_many.code) == (2, 2)
    assert "first, second" in unnamed.err
    assert first.code == 0
    assert "waits for a person" in first.err
    assert (second.code, second.out) == (0, "one two\n")


def test_a_waiting_run_in_json_says_what_it_asks(said: Run, asking: str) -> None:
    done = said("run", asking, "Hello", "--model", "echo", "--json")
    document = json.loads(done.out)
    person = document["flow"]["nodes"][1]
    assert (done.code, document["status"]) == (0, "waiting")
    assert (person["question"], person["choices"]) == ("Shall it go out?", ["yes", "no"])


def test_a_file_that_is_no_flow_is_told_with_its_problems(said: Run, home: Any) -> None:
    broken = said("run", write(home, ASKING | {"answer": "nobody"}), "Hello")
    absent = said("run", "absent.json", "Hello")
    assert (broken.code, absent.code) == (2, 2)
    assert "nobody" in broken.err
    assert "absent.json" in absent.err


def test_budgets_are_kept(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "echo", "--max-steps", "1", "--json")
    assert done.code == 1
    assert json.loads(done.out)["status"] == "limit_exceeded"
    for option in (["--max-usd", "-1"], ["--timeout", "0"], ["--max-total-tokens", "0"], ["--max-steps", "x"]):
        assert said("run", "challenge", "x", *option).code == 2


def test_a_fork_says_what_it_takes_and_pays_only_for_what_changed(said: Run) -> None:
    run_id = started(said)
    told = said("runs", "fork", run_id, "--set", "refiner.prompt=Again: {challenger_output}", "--dry-run")
    done = said("runs", "fork", run_id, "--set", "refiner.prompt=Again: {challenger_output}", "--yes")
    assert told.code == done.code == 0
    assert told.out.splitlines() == [
        "Asked anew: refiner.",
        "1 model call, cost $0.00 (by what the first run took).",
        "Taken from the first run, unpaid: 2 answers, worth $0.00.",
    ]
    assert done.out.count("taken from the first run, unpaid") == 2
    assert "1 call · " in done.out
    children = json.loads(said("runs", "list", "--parent", run_id, "--json").out)["runs"]
    assert [child["run_id"] for child in children] == [newest(said)]


def test_a_fork_that_nobody_agreed_to_is_not_begun(said: Run) -> None:
    run_id = started(said)
    for more in ([], ["--json"]):
        done = said("runs", "fork", run_id, "--model", "unpriced", *more)
        assert done.code == 2
        assert "--yes" in done.err
    assert newest(said) == run_id
    assert json.loads(said("runs", "fork", run_id, "--model", "unpriced", "--dry-run", "--json").out)["calls"] == 3


def test_a_fork_takes_a_prompt_models_settings_from_files_and_limits(said: Run, home: Any) -> None:
    run_id = started(said)
    (home.path / "prompt.txt").write_text("From a file: {user_input}\n")
    settings = ["--set", "creator.prompt=@prompt.txt", "--set", "creator.temperature=0.5"]
    others = ["--prompt", "other", "--role", "refiner=unpriced", "--max-steps", "2"]
    done = said("runs", "fork", run_id, *settings, *others, "--yes", "--json")
    document = json.loads(done.out)
    assert (done.code, document["status"]) == (1, "limit_exceeded")
    assert document["flow"]["nodes"][0]["output"] == "From a file: other"
    options = json.loads(said("runs", "export", newest(said), "--json").out)["events"][0]["request"]["options"]
    assert (options["model"], options["models"]) == ("echo", {"refiner": "unpriced"})
    assert options["limits"]["max_steps"] == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--set", "refiner"], "--set takes NODE.SETTING=VALUE"),
        (["--set", "refner.prompt=x"], "did you mean 'refiner'"),
        (["--set", "refiner.prompt={nobody}"], "nobody"),
        (["--set", "prompt=x"], "NODE.SETTING=VALUE"),
        (["--set", "refiner.prompt=@absent.txt"], "absent.txt"),
        (["--set", "refiner.kind=vote"], "kind"),
        (["--from", "nowhere"], "nowhere"),
        (["--model", "ecco"], "did you mean 'echo'"),
        (["--prompt", " "], "empty"),
    ],
)
def test_a_fork_that_cannot_be_says_why(said: Run, change: list[str], words: str) -> None:
    run_id = started(said)
    done = said("runs", "fork", run_id, *change, "--yes")
    assert done.code == 2
    assert words in done.err
    assert newest(said) == run_id


def test_settings_are_read_as_json_where_they_are_that() -> None:
    given = ["a.x=1", "a.y=null", "a.z=hello", 'b.x="1"', "b.y={curly}", "b.z=[1]", "b.w=a=b", "b.n=NaN"]
    assert node_settings(given) == {
        "a": {"x": 1, "y": None, "z": "hello"},
        "b": {"x": "1", "y": "{curly}", "z": [1], "w": "a=b", "n": "NaN"},
    }
    for wrong in (["a.x"], [".x=1"], ["a.=1"], ["a=1"], ["a.x=1", "a.x=2"]):
        with pytest.raises(AgentLabError, match="--set"):
            node_settings(wrong)


def test_a_retry_of_a_run_that_broke_and_of_one_that_did_not(said: Run) -> None:
    assert said("run", "challenge", "x", "--model", "echo", "--max-steps", "2", "-q").code == 1
    broken = newest(said)
    assert f"runs retry {broken}" in said("runs", "show", broken).out
    fine = started(said)
    refused = said("runs", "retry", fine)
    assert refused.code == 2
    assert "fork" in refused.err


def test_two_runs_are_compared_in_80_columns(said: Run) -> None:
    left = started(said)
    said("runs", "fork", left, "--role", "refiner=unpriced", "--yes", "-q")
    right = newest(said)
    done = said("runs", "compare", left, right)
    document = json.loads(said("runs", "compare", left, right, "--json").out)
    assert done.code == 0
    assert document["first_difference"] == "refiner"
    assert [node["text"]["same"] for node in document["nodes"]] == [True, True, False]
    assert "- completed · echo · 1 call · " in done.out
    assert "+ completed · echo · 0 calls (1 taken over) · " in done.out
    assert "the same text" in done.out
    assert "Answer: differs as Refiner does." in done.out
    assert "OTHER takes -2 calls" in done.out
    assert max(len(line) for line in done.out.splitlines() if not line.startswith(("+", "-", " "))) <= 80
    assert said("runs", "compare", left, "nobody").code == 2


def test_an_exported_run_is_markdown_or_json(said: Run) -> None:
    run_id = started(said)
    page = said("runs", "export", run_id)
    whole = json.loads(said("runs", "export", run_id, "--format", "json").out)
    assert page.out.startswith(f"# Run `{run_id}`\n")
    assert "## Answer" in page.out
    assert whole["events"][-1]["type"] == "run_finished"
    assert json.loads(said("runs", "export", run_id, "--json").out) == whole


def test_runs_are_found_by_what_they_asked_when_and_at_what_cost(said: Run) -> None:
    assert said("run", "challenge", "Apples and PEARS", "--model", "echo", "-q").code == 0
    first = newest(said)
    started(said)

    def found(*options: str) -> list[str]:
        return [row["run_id"] for row in json.loads(said("runs", "list", "--json", *options).out)["runs"]]

    assert found("--text", "pears") == [first]
    assert found("--cost-from", "0.5") == []
    assert found("--model", "echo", "--text", "pears") == [first]
    assert found("--model", "demo", "--cost-to", "0") == []
    assert len(found("--since", "2020-01-01")) == 2
    assert found("--until", "2020-01-01T10:00") == []
    assert "No stored run is like that." in said("runs", "list", "--flow", "linear").err
    for wrong in (["--since", "soon"], ["--cost-from", "nan"], ["--cost-to", "inf"], ["--status", "odd"]):
        assert said("runs", "list", *wrong).code == 2


def test_the_list_names_the_models_that_answered(said: Run) -> None:
    assert said("run", "challenge", "x", "--model", "echo", "-q").code == 0
    heading, row = said("runs", "list").out.splitlines()
    at = heading.index("MODELS")
    assert row[at:].split() == ["echo", "x"]
    [listed] = json.loads(said("runs", "list", "--json").out)["runs"]
    assert listed["models"] == ["echo"]


@pytest.mark.parametrize("verb", ["show", "watch", "cancel", "pause", "resume", "retry", "export", "fork", "answer"])
def test_every_command_says_of_an_unknown_run_that_there_is_none(said: Run, verb: str) -> None:
    more = {"fork": ["--yes"], "answer": ["text"]}.get(verb, [])
    done = said("runs", verb, "nobody", *more)
    assert done.code == 2
    assert "nobody" in done.err
    document = json.loads(said("runs", verb, "nobody", *more, "--json").out)
    assert document["error"]["type"] == "not-found"


@pytest.mark.parametrize(
    "command",
    [
        ["list", "--text", "\udcff"],
        ["list", "--flow", "\udcff"],
        ["list", "--before", "\udcff"],
        ["show", "\udcff"],
        ["compare", "a", "\udcff"],
        ["answer", "a", "\udcff", "yes"],
        ["fork", "a", "--set", "b.c=\udcff"],
    ],
)
def test_what_is_no_text_is_refused(said: Run, command: list[str]) -> None:
    done = said("runs", *command)
    assert done.code == 2
    assert "UTF-8" in done.err


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_an_ended_run_stays_as_it_is(said: Run, verb: str) -> None:
    done = said("runs", verb, started(said))
    assert done.code == 2
    assert "has ended" in done.err


def test_a_waiting_run_can_be_paused_resumed_and_cancelled(said: Run, asking: str) -> None:
    said("run", asking, "Hello", "--model", "echo", "-q")
    run_id = newest(said)
    paused = said("runs", "pause", run_id)
    resumed = said("runs", "resume", run_id, "-q")
    cancelled = said("runs", "cancel", run_id, "--json")
    assert "is paused" in paused.out
    assert resumed.code == 0
    assert "waits for a person" in resumed.err
    assert json.loads(cancelled.out)["status"] == "cancelled"


def test_what_a_person_writes_may_be_a_choice_its_number_or_a_text() -> None:
    assert [chosen(text, ("Yes", "No")) for text in ("yes", "2", "3", "maybe", "")] == ["Yes", "No", "3", "maybe", ""]
    assert chosen("2", ("1", "2", "3")) == "2"
    assert chosen("2", ()) == "2"
    assert chosen("²", ("a", "b")) == "²"
