"""Flows kept from the command line: versions, publishing, comparing, taking away and bringing back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
PROMPT = "First read this closely.\nThen answer: {user_input}"


@pytest.fixture
def write(home: Any) -> Callable[..., str]:
    """Write a flow into a file outside of the flows folder; its name."""

    def write(flow_id: str = "mine", says: str = PROMPT, **more: Any) -> str:
        nodes = [{"id": "speaker", "kind": "generate", "prompt": says}]
        path: Path = home.path / f"{flow_id}-file.json"
        path.write_text(json.dumps({"id": flow_id, "name": "Mine", "nodes": nodes, **more}))
        return str(path)

    return write


def test_a_flow_is_saved_published_run_and_rolled_back(said: Run, write: Callable[..., str]) -> None:
    first = said("flows", "save", write(), "--note", "begun")
    assert (first.code, "version 1 is saved" in first.out) == (0, True)
    assert "nothing has changed since version 1" in said("flows", "save", write()).out
    assert "version 2 is saved and published" in said("flows", "save", write(says="B {user_input}"), "--publish").out
    assert said("run", "mine", "x", "--model", "echo", "-q").out.strip() == "B x"
    assert said("flows", "rollback", "mine", "1").out == "mine: version 3 has the content of version 1.\n"
    again = "mine: nothing has changed; version 3, the newest, has that content already.\n"
    assert said("flows", "rollback", "mine", "1").out == again
    assert said("run", "mine", "x", "--model", "echo", "-q").out.strip() == "B x"
    assert said("flows", "publish", "mine").out == "mine: version 3 is published.\n"
    assert said("run", "mine", "x", "--model", "echo", "-q").out.strip().endswith("Then answer: x")
    assert said("run", "mine@2", "x", "--model", "echo", "-q").out.strip() == "B x"


def test_the_list_says_what_is_published_and_what_is_to_be_mended(said: Run, write: Callable[..., str]) -> None:
    said("flows", "save", write(), "--publish")
    done = said("flows", "save", write(nodes=[{"id": "a", "kind": "nonsense"}]))
    assert (done.code, done.out, "/nodes/0/kind" in done.err) == (0, "mine: version 2 is saved.\n", True)
    listed = said("flows", "list")
    line = next(line for line in listed.out.splitlines() if line.startswith("mine"))
    assert "published 1, draft 2" in line
    assert "mine@draft has 1 to mend" in listed.err
    rows = {row["id"]: row for row in json.loads(said("flows", "list", "--json").out)["flows"]}
    assert (rows["mine"]["origin"], rows["mine"]["version"], len(rows["mine"]["problems"])) == ("stored", 1, 1)
    assert rows["challenge"]["origin"] == "library"
    checked = said("flows", "check", "mine@draft")
    assert (checked.code, checked.out.startswith("mine@draft#/nodes/0/kind")) == (2, True)
    refused = said("flows", "publish", "mine")
    assert (refused.code, "nonsense" in refused.err) == (2, True)


def test_a_flow_that_is_shown_takes_a_question_and_what_it_declares(said: Run, write: Callable[..., str]) -> None:
    said("flows", "save", write(inputs={"tone": {"default": "dry"}, "to": {}}), "--publish")
    assert "Takes a question, tone (optional), to; the answer is" in said("flows", "show", "mine").out


def test_versions_are_listed_shown_and_compared(said: Run, write: Callable[..., str]) -> None:
    said("flows", "save", write(), "--note", "begun", "--publish")
    said("flows", "save", write(says=PROMPT.replace("closely", "twice"), limits={"max_steps": 7}))
    table = said("flows", "versions", "mine").out.splitlines()
    assert [line.split()[0] for line in table] == ["VERSION", "2", "1"]
    assert table[2].endswith("(published) begun")
    found = json.loads(said("flows", "versions", "mine", "--json", "--before", "2").out)
    assert ([one["number"] for one in found["versions"]], found["published"]) == ([1], 1)
    told = said("flows", "diff", "mine").out
    assert "-First read this closely.\n" in told
    assert "+First read this twice.\n" in told
    assert 'limits: nothing → {"max_steps": 7}' in told
    assert said("flows", "diff", "mine", "1", "1").out == "Nothing changed.\n"
    data = json.loads(said("flows", "diff", "mine", "1", "2", "--json").out)
    assert data["nodes_changed"][0]["id"] == "speaker"
    assert "Version 1 of a stored flow" in said("flows", "show", "mine").out


def test_a_library_flow_is_changed_by_saving_one_of_its_id(said: Run, home: Any) -> None:
    document = json.loads(said("flows", "export", "challenge").out)
    assert document == json.loads(said("flows", "show", "challenge", "--json").out)
    (home.path / "ours.json").write_text(json.dumps(document | {"name": "Ours"}))
    said("flows", "save", str(home.path / "ours.json"))
    assert "stored beside it: draft 1" in said("flows", "show", "challenge").out
    assert "name" in said("flows", "diff", "challenge", "original", "draft").out
    said("flows", "publish", "challenge")
    assert said("flows", "show", "challenge").out.startswith("challenge: Ours")
    assert said("flows", "publish", "challenge", "--withdraw").code == 0
    assert not said("flows", "show", "challenge").out.startswith("challenge: Ours")


def test_a_deleted_flow_can_be_brought_back(said: Run, write: Callable[..., str]) -> None:
    said("flows", "save", write(), "--publish")
    run_id = json.loads(said("run", "mine", "x", "--model", "echo", "--json").out)["execution_id"]
    gone = said("flows", "delete", "mine")
    assert gone.code == 0
    assert said("flows", "show", "mine").code == 2
    assert "was deleted" in said("run", "mine@1", "x").err
    assert said("runs", "show", run_id).code == 0
    assert "deleted" in said("flows", "show", "mine@1").out
    command = gone.out.strip().rpartition("agent-lab ")[2].split()
    assert said(*command).out == "mine is kept: version 2.\n"
    assert said("run", "mine", "x", "--model", "echo", "-q").code == 0


def test_a_flow_moves_with_its_versions_through_pipes(home: Any, said: Run, write: Callable[..., str]) -> None:
    said("flows", "save", write(), "--publish")
    said("flows", "save", write(says="B {user_input}"))
    bundle = home.run("flows", "export", "mine", "--versions").stdout
    taken = home.run("flows", "import", "-", stdin=bundle.encode())
    assert (taken.returncode, "'mine' already" in taken.stderr) == (2, True)
    done = home.run("flows", "import", "-", "--as", "ours", stdin=bundle.encode())
    assert (done.returncode, done.stdout) == (0, "ours is kept: published 1, draft 2.\n")
    single = home.run("flows", "export", "mine@2").stdout
    saved = home.run("flows", "save", "-", "--json", stdin=single.replace('"mine"', '"theirs"').encode())
    assert json.loads(saved.stdout)["version"] == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["flows", "save", "absent.json"], "absent.json cannot be read"),
        (["flows", "import", "absent.json"], "absent.json cannot be read"),
        (["flows", "publish", "challenge"], "save a version of it"),
        (["flows", "publish", "chalenge"], "did you mean 'challenge'?"),
        (["flows", "publish", "challenge", "1", "--withdraw"], "either VERSION or --withdraw"),
        (["flows", "publish", "challenge", "0"], "VERSION"),
        (["flows", "rollback", "challenge", "1"], "save a version of it"),
        (["flows", "delete", "linear"], "save a version of it"),
        (["flows", "delete", "linnear"], "did you mean 'linear'?"),
        (["flows", "duplicate", "linear", "challenge"], "'challenge' already"),
        (["flows", "duplicate", "linear", "No Name"], "no flow id"),
        (["flows", "diff", "linear", "1", "2"], "no versions"),
        (["flows", "versions", "linnear"], "did you mean 'linear'?"),
        (["flows", "export", "linear", "--versions"], "save a version of it"),
        (["flows", "check", "linnear"], "did you mean 'linear'?"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(said: Run, args: list[str], told: str) -> None:
    done = said(*args)
    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err
    as_json = said(*args, "--json")
    assert (as_json.code, "error" in json.loads(as_json.out)) == (2, True)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[]", b"[" * 5000, b"", b'{"id": "x y"}', b'{"id": "x", "y": "\\ud800"}']
)
def test_a_file_that_holds_no_flow_is_told(said: Run, home: Any, content: bytes) -> None:
    path = home.path / "mine.json"
    path.write_bytes(content)
    for command in ("save", "import"):
        done = said("flows", command, str(path))
        assert done.code == 2
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command", ["save", "import", "export", "versions", "diff", "publish", "rollback", "duplicate", "delete", "check"]
)
def test_every_command_of_flows_explains_itself_on_eighty_columns(home: Any, command: str) -> None:
    done = home.run("flows", command, "--help")
    assert (done.returncode, done.stdout.startswith(f"Usage: agent-lab flows {command}")) == (0, True)
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_a_check_says_what_a_run_may_take_and_finds_stored_flows(
    said: Run, home: Any, write: Callable[..., str]
) -> None:
    said("flows", "save", write())
    inner = {"id": "inner", "kind": "subflow", "flow": "mine"}
    last = {"id": "last", "kind": "generate", "prompt": "{inner_output}"}
    edges = [{"from": "inner", "to": "last"}]
    path = home.path / "outer.json"
    path.write_text(json.dumps({"id": "outer", "name": "Outer", "nodes": [inner, last], "edges": edges}))
    done = said("flows", "check", str(path))
    assert (done.code, "At most 3 turns and 2 model calls." in done.out) == (0, True)
    assert json.loads(said("flows", "check", str(path), "--json").out)["most_calls"] == 2
    said("flows", "delete", "mine")
    assert said("flows", "check", str(path)).code == 2
