"""Wrong input at every door of the command line ends in one sentence and an exit code, never in a traceback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from support.cli_processes import free_port

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["rum"], "Did you mean 'run'"),
        (["flows", "chek"], "'check'"),
        (["run", "challenge", "x", "--modle", "echo"], "'--model'"),
        (["run", "challnge", "x"], "did you mean 'challenge'?"),
        (["run", "challenge", "x", "--model", "ecko"], "did you mean 'echo'"),
        (["run", "challenge", "x", "--role", "creater=echo"], "'creator'"),
        (["run", "challenge", "x", "--role", "creator"], "--role takes ROLE=KEY"),
        (["run", "challenge", "x", "--role", "creator=echo", "--role", "creator=nay"], "names 'creator' twice"),
        (["run", "challenge", "x", "--role", "NO=echo"], "not usable"),
        (["run", "challenge", "x", "--strategy", "lung"], "did you mean 'long'"),
        (["run", "challenge", "x", "--input", "colour=red"], "'colour'"),
        (["run", "challenge", "x", "--temperature", "3"], "--temperature"),
        (["run", "challenge", "x", "--max-tokens", "0"], "--max-tokens"),
        (["run", "challenge", "x", "--seed", str(2**64)], "seed"),
        (["run", "challenge", "x", "--language", "fr"], "--language"),
        (["run", "challenge", ""], "The prompt is empty"),
        (["run", "challenge", " \n "], "The prompt is empty"),
        (["run", "challenge"], "Give either PROMPT or --example"),
        (["run", "challenge", "x", "--example"], "Give either PROMPT or --example"),
        (["ask", ""], "The prompt is empty"),
        (["ask", "x", "--model", "ecko"], "did you mean 'echo'"),
        (["ask", "caf\udce9"], "not UTF-8"),
        (["models", "why", "ecko"], "did you mean 'echo'"),
        (["models", "load", "demo", "--url", "ftp://x"], "no server address"),
        (["flows", "show", "linnear"], "did you mean 'linear'?"),
        (["flows", "new", "Not A Name"], "no flow name"),
        (["flows", "new", "../../etc"], "no flow name"),
        (["flows", "check", "absent.json"], "absent.json cannot be read"),
        (["runs", "show", "nothing"], "no run 'nothing'"),
        (["runs", "watch", "nothing"], "no run 'nothing'"),
        (["runs", "cancel", "nothing"], "no run 'nothing'"),
        (["runs", "resume", "nothing"], "no run 'nothing'"),
        (["runs", "list", "--status", "done"], "--status"),
        (["up", "--port", "99999"], "--port"),
        (["up", "--host", "0.0.0.0"], "AGENT_LAB_TOKEN"),
        (["up", "--host", "no.such.host.invalid"], "no.such.host.invalid"),
    ],
)
def test_wrong_use_is_told_in_a_sentence_and_ends_with_2(said: Run, args: list[str], told: str) -> None:
    done = said(*args)
    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_refusal_under_json_is_one_json_document(said: Run) -> None:
    done = said("run", "challnge", "x", "--json")
    document = json.loads(done.out)
    assert done.code == 2
    assert document["error"]["type"] == "not-found"
    assert "challenge" in document["error"]["message"]


def test_wrong_use_under_json_is_one_json_document(said: Run) -> None:
    done = said("runs", "list", "--json", "--limit", "none")
    assert done.code == 2
    assert json.loads(done.out)["error"]["type"] == "wrong-use"


def test_a_prompt_of_10_mb_is_refused(home: Any) -> None:
    done = home.run("ask", "-", "--model", "echo", stdin=b"a" * 10_000_000)
    assert done.returncode == 2
    assert f"{MAX_PROMPT_CHARS:,}" in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input_that_is_no_text_is_refused(home: Any) -> None:
    done = home.run("ask", "-", "--model", "echo", stdin=b"\xff\xfe\x00")
    assert done.returncode == 2
    assert "not UTF-8 text" in done.stderr


def test_a_bad_variable_is_named_with_its_source(home: Any) -> None:
    done = home.run("runs", "list", environ={"PORT": "http"})
    assert done.returncode == 2
    assert "PORT 'http' (from environment) is not usable" in done.stderr


def test_a_dotenv_file_that_is_no_text_is_named(home: Any) -> None:
    (home.path / ".env").write_bytes(b"PORT=\xff\xfe")
    done = home.run("runs", "list")
    assert done.returncode == 2
    assert ".env cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_variable_is_noted_and_no_more(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_LAB_TOKN", "x")
    done = said("runs", "list")
    assert done.code == 0
    assert "did you mean AGENT_LAB_TOKEN?" in done.err


def test_an_output_folder_that_cannot_be_written_stops_a_run_before_it_costs(said: Run, home: Any) -> None:
    (home.path / "outputs").write_text("a file where a folder should be")
    done = said("run", "challenge", "x", "--model", "echo")
    assert done.code == 2
    assert "Results cannot be saved" in done.err
    assert done.out == ""


def test_a_data_folder_that_cannot_be_made_is_told(home: Any) -> None:
    (home.path / "taken").write_text("")
    done = home.run("runs", "list", environ={"AGENT_LAB_HOME": str(home.path / "taken" / "below")})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "taken" in done.stderr


def test_corrupt_weights_are_told_in_a_sentence(said: Run, home: Any) -> None:
    folder = home.path / "broken"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"no weights at all")
    (home.path / "broken.toml").write_text(
        f'[[model]]\nkey = "broken"\nname = "B"\nfamily = "b"\nprovider = "local"\nmodel_id = "{folder}"\n'
        "context_window = 512\n"
    )
    for command in (["ask", "1+1?"], ["run", "challenge", "1+1?"], ["run", "challenge", "1+1?", "--json"]):
        done = said(*command, "--model", "broken")
        assert done.code == 2
        assert done.err.startswith("Error: ")
        assert "model.safetensors" in done.err
    assert said("ask", "1+1?", "--model", "broken").out == ""
    run_id = json.loads(said("runs", "list", "--json").out)["runs"][0]["run_id"]
    assert said("runs", "watch", run_id).code == 2


def test_a_run_whose_model_cannot_answer_fails_with_1_and_keeps_its_transcript(said: Run, home: Any) -> None:
    (home.path / "away.toml").write_text(
        '[[model]]\nkey = "away"\nname = "A"\nfamily = "a"\nprovider = "local"\nmodel_id = "/no/such/folder"\n'
        "context_window = 512\n"
    )
    done = said("run", "challenge", "x", "--model", "away")
    assert done.code == 1
    assert "/no/such/folder" in done.err
    assert "Challenge: Creator" in done.out
    listed = json.loads(said("runs", "list", "--json").out)["runs"]
    assert [run["status"] for run in listed] == ["failed"]


def test_a_port_in_use_is_told_with_the_option_that_changes_it(said: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in ("up", "lab"):
            done = said(command, "--port", str(port))
            assert done.code == 2
            assert f"Port {port} is in use" in done.err
            assert "--port" in done.err


def test_no_server_is_a_sentence(said: Run, home: Any) -> None:
    assert "no server was started" in said("models", "load", "demo").err
    (home.path / "token").write_text("a-token-that-is-long-enough\n")
    done = said("models", "unload", "demo", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.code == 2
    assert "agent-lab up" in done.err


def test_an_unexpected_failure_is_a_sentence_and_its_traceback_is_in_the_log(
    said: Run, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("agent_lab.cli.question.read_question", broken)
    done = said("ask", "x", "--model", "echo")
    log = home.path / "logs" / "agent-lab.log"
    assert done.code == 1
    assert str(log) in done.err
    assert "by chance" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in log.read_text()


def test_a_broken_flow_is_told_problem_by_problem(said: Run, home: Any) -> None:
    document = {"id": "mine", "name": "Mine", "nodes": [{"id": "a", "kind": "generat", "prompt": "{nothing}"}]}
    path = home.path / "mine.json"
    path.write_text(json.dumps(document))
    done = said("flows", "check", str(path))
    assert done.code == 2
    assert "/nodes/0/kind" in done.out
    assert "generate" in done.out
    told = json.loads(said("flows", "check", str(path), "--json").out)
    assert told["ok"] is False
    assert told["problems"][0]["path"] == "/nodes/0/kind"


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"id": NaN}', b"[" * 5000, b""])
def test_a_flow_file_that_is_no_json_is_told(said: Run, home: Any, content: bytes) -> None:
    path = home.path / "mine.json"
    path.write_bytes(content)
    done = said("flows", "check", str(path))
    assert done.code == 2
    assert str(path) in done.err
    assert "Traceback" not in done.err


def test_a_broken_registry_file_is_named(said: Run, home: Any) -> None:
    (home.path / "bad.toml").write_text("[[model]]\nkey = 5\n")
    done = said("models", "list")
    assert done.code == 2
    assert "bad.toml" in done.err
