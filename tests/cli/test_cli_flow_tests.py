"""`agent-lab flows test` says of each case how it came out, and its exit code whether all came out as they should."""

import json
from collections.abc import Callable
from typing import Any

from cli.conftest import Home, Said

Run = Callable[..., Said]


def write_flow(home: Home, *, expected: str, **more: Any) -> str:
    document = {
        "id": "mine",
        "name": "Mine",
        "nodes": [{"id": "only", "kind": "generate", "prompt": "{user_input}", "model": "echo"}],
        "tests": [
            {
                "name": "it answers",
                "prompt": "What?",
                "answers": {"only": "\x1b[31msaid\x1b[0m"},
                "expect": [{"value": "answer", "op": "contains", "than": expected}],
                **more,
            },
            {"name": "it ends", "prompt": "What?", "expect": [{"value": "status", "op": "==", "than": "completed"}]},
        ],
    }
    path = home.path / "mine.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_the_cases_of_a_library_flow_pass(said: Run) -> None:
    told = said("flows", "test", "challenge")
    assert told.code == 0
    assert told.out.splitlines()[0].startswith("passed  the refiner has the last word")
    assert told.out.splitlines()[-1] == "challenge: 2 of 2 cases came out as expected."


def test_a_file_is_tested_without_being_stored_on_its_script_and_on_the_models_that_it_names(
    said: Run, home: Home
) -> None:
    told = said("flows", "test", write_flow(home, expected="said"))
    assert told.code == 0, told
    passed, real, _ = told.out.splitlines()
    assert "run" not in passed
    run_id = real.rpartition("run ")[2]
    assert said("runs", "show", run_id).code == 0
    assert len(json.loads(said("runs", "list", "--json").out)["runs"]) == 1


def test_a_case_that_fails_is_told_and_makes_the_exit_code_1(said: Run, home: Home) -> None:
    told = said("flows", "test", write_flow(home, expected="something else"))
    assert told.code == 1
    assert told.out.splitlines()[0].startswith("FAILED  it answers")
    assert 'answer contains "something else" was expected' in told.out
    assert "\x1b" not in told.out
    assert "mine: 1 of 2 cases came out as expected." in told.out


def test_one_case_alone_and_as_json(said: Run, home: Home) -> None:
    told = said("flows", "test", write_flow(home, expected="nothing"), "--case", "it answers", "--json")
    document = json.loads(told.out)
    assert told.code == 1
    assert document["passed"] is False
    (result,) = document["results"]
    assert result["differences"][0]["found"] == "\x1b[31msaid\x1b[0m"
    assert "\x1b" not in told.out


def test_what_cannot_be_tested_is_one_sentence_and_exit_code_2(said: Run, home: Home) -> None:
    path = write_flow(home, expected="said")
    for args, sentence in (
        (("challange",), "did you mean 'challenge'"),
        ((path, "--case", "it answrs"), "did you mean 'it answers'"),
        ((str(home.path / "none.json"),), "cannot be read"),
    ):
        told = said("flows", "test", *args)
        assert told.code == 2, args
        assert sentence in told.err
        assert told.out == ""


def test_a_flow_may_run_one_that_is_stored(said: Run, home: Home) -> None:
    inner = {"id": "inner", "name": "I", "nodes": [{"id": "a", "kind": "generate", "prompt": "In: {user_input}"}]}
    outer = {
        "id": "outer",
        "name": "Outer",
        "nodes": [{"id": "sub", "kind": "subflow", "flow": "inner"}],
        "tests": [
            {
                "name": "through",
                "prompt": "Hi",
                "answers": {"sub/a": "from within"},
                "expect": [{"value": "answer", "op": "==", "than": "from within"}],
            }
        ],
    }
    for name, document in (("inner", inner), ("outer", outer)):
        (home.path / f"{name}.json").write_text(json.dumps(document))
    assert said("flows", "import", str(home.path / "inner.json")).code == 0
    told = said("flows", "test", str(home.path / "outer.json"))
    assert told.code == 0, told
