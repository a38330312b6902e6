"""The commands do what they say, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_lab.demo import problems
from agent_lab.lab import places
from agent_lab.registries.models import load_models
from agent_lab.settings import read_settings

Run = Callable[..., Any]


def test_run_shows_each_role_and_the_answer_and_where_it_is_stored(said: Run) -> None:
    done = said("run", "challenge", "What is two plus two?", "--model", "echo")
    assert done.code == 0
    for part in ("── Creator · echo ", "── Challenger · echo ", "── Refiner · echo ", "── Answer ", "3 calls · "):
        assert part in done.out
    assert "── From draft to answer ─" in done.out
    assert "$0.00, on this machine" in done.out
    assert "cache HIT" in done.out
    stored = next(line for line in done.out.splitlines() if line.startswith("Stored in "))
    assert json.loads(Path(stored.removeprefix("Stored in ")).read_text())["status"] == "completed"
    assert "\x1b" not in done.out


def test_run_takes_a_model_for_each_role(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "echo", "--role", "refiner=unpriced", "--json")
    document = json.loads(done.out)
    assert [node["model"] for node in document["flow"]["nodes"]] == ["echo", "echo", "unpriced"]
    assert document["metrics"]["cost_usd"] is None
    assert Path(document["outputs_file"]).is_file()


def test_an_unknown_price_is_called_unknown(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "unpriced")
    assert "cost unknown" in done.out
    assert "$0.00" not in done.out


def test_quiet_prints_the_answer_alone(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "echo", "--quiet")
    assert done.code == 0
    assert done.out.startswith("The question:\nx\n")
    assert "──" not in done.out


def test_the_language_of_the_prompts_can_be_chosen(said: Run) -> None:
    done = said("run", "challenge", "x", "--model", "echo", "--language", "es", "--quiet")
    assert done.out.startswith("La pregunta:")


def test_a_declined_question_prints_its_sentence_and_ends_with_1(said: Run) -> None:
    for command in (["run", "challenge", "x"], ["ask", "x"]):
        done = said(*command, "--model", "nay")
        assert done.code == 1
        assert "This model answers nothing; name another one." in done.out
    assert json.loads(said("ask", "x", "--model", "nay", "--json").out)["finish_reason"] == "declined"


def test_ask_prints_the_answer_and_nothing_else_on_standard_output(said: Run) -> None:
    done = said("ask", "Hello there", "--model", "echo")
    assert (done.code, done.out) == (0, "Hello there\n")
    assert "2 tokens" in done.err


def test_the_prompt_may_come_from_standard_input(home: Any) -> None:
    done = home.run("ask", "-", "--model", "echo", stdin="¿Qué es?\n".encode())
    assert (done.returncode, done.stdout) == (0, "¿Qué es?\n")


def test_a_flow_dropped_into_the_folder_runs_without_python(said: Run, home: Any) -> None:
    assert said("flows", "new", "mine").code == 0
    path = home.path / "flows" / "mine.json"
    assert said("flows", "check", str(path)).code == 0
    document = json.loads(path.read_text())
    document["id"] = "dropped"
    (home.path / "flows" / "dropped.json").write_text(json.dumps(document))
    assert said("run", "dropped", "x", "--model", "echo", "-q").code == 0
    listed = json.loads(said("flows", "list", "--json").out)["flows"]
    assert {flow["id"]: flow["origin"] for flow in listed}["dropped"].endswith("dropped.json")
    assert "already" in said("flows", "new", "mine").err


def test_flows_show_and_schema_print_documents(said: Run, home: Any) -> None:
    document = json.loads(said("flows", "show", "challenge", "--json").out)
    path = home.path / "copy.json"
    path.write_text(json.dumps(document))
    assert said("flows", "check", str(path)).code == 0
    assert "creator → challenger" in said("flows", "show", "challenge").out
    assert "when validator.accepted" in said("flows", "show", "linear").out
    assert "$defs" in json.loads(said("flows", "schema").out)


def test_a_broken_flow_in_the_folder_is_told_beside_the_list(said: Run, home: Any) -> None:
    (home.path / "flows").mkdir()
    (home.path / "flows" / "bad.json").write_text("{")
    done = said("flows", "list")
    assert done.code == 0
    assert "challenge" in done.out
    assert "bad.json" in done.err


def test_models_list_says_where_each_model_is(said: Run) -> None:
    rows = {model["key"]: model for model in json.loads(said("models", "list", "--json").out)["models"]}
    assert rows["demo"]["where"] == places.BUILT_IN
    assert rows["mistral7b"]["where"] == places.ABSENT
    assert "built in, demonstration" in said("models", "list").out


def test_a_model_in_the_hubs_cache_is_on_this_machine(home: Any, tmp_path: Path) -> None:
    settings = read_settings({"MODEL_CACHE_DIR": str(tmp_path / "hub"), "HOME": str(tmp_path)}).settings
    snapshot = tmp_path / "hub" / "models--mistralai--Mistral-7B-Instruct-v0.3" / "snapshots" / "abc"
    model = load_models(tmp_path / "none").get_model("mistral7b")
    assert places.place_of(model, settings, callable_now=True) == places.ABSENT
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    assert places.place_of(model, settings, callable_now=True) == places.HERE


def test_a_hosted_model_is_listed_with_the_key_that_it_needs(said: Run, home: Any) -> None:
    (home.path / ".env").write_text("OPENAI_API_KEY=sk-secret\n")
    listed = {model["key"]: model["where"] for model in json.loads(said("models", "list", "--json").out)["models"]}
    assert listed["gpt-5"] == places.HOSTED
    assert listed["claude-haiku-4.5"] == "needs ANTHROPIC_API_KEY"
    assert said("models", "why", "claude-haiku-4.5").out.startswith("left: 'claude-haiku-4.5' needs ANTHROPIC_API_KEY")


def test_models_why_names_the_one_taken_first(said: Run) -> None:
    candidates = json.loads(said("models", "why", "--json").out)["candidates"]
    assert (candidates[0]["key"], candidates[0]["taken"]) == ("demo", True)
    assert sum(one["taken"] for one in candidates) == 1
    done = said("models", "why", "mistral7b")
    assert done.out.startswith("taken: ")
    assert len(done.out.splitlines()) == 1


def test_stored_runs_are_listed_and_shown_as_they_were(said: Run) -> None:
    live = said("run", "challenge", "x", "--model", "echo")
    run_id = json.loads(said("runs", "list", "--json").out)["runs"][0]["run_id"]
    assert run_id in said("runs", "list").out
    assert said("runs", "show", run_id).out == live.out
    assert said("runs", "watch", run_id).out == live.out
    assert json.loads(said("runs", "show", run_id, "--json").out)["execution_id"] == run_id
    assert json.loads(said("runs", "watch", run_id, "--json").out)["status"] == "completed"
    for command in ("cancel", "resume"):
        refused = said("runs", command, run_id)
        assert refused.code == 2
        assert "has ended" in refused.err


def test_an_empty_list_of_runs_says_how_to_start_one(said: Run) -> None:
    done = said("runs", "list")
    assert (done.code, done.out) == (0, "")
    assert "agent-lab run challenge" in done.err


def test_an_example_is_a_held_out_problem_with_its_right_answer(said: Run) -> None:
    held_out = {problem.input: problem.target for problem in problems.held_out()}
    document = json.loads(said("run", "challenge", "--example", "--seed", "3", "--model", "echo", "--json").out)
    again = said("run", "challenge", "--example", "--seed", "3", "--model", "echo")
    question = next(line for line in again.out.splitlines() if line.startswith("Question: ")).removeprefix("Question: ")
    assert held_out[question] == document["expected"]
    assert document["right"] is (problems.extract_answer(document["answer"]) == document["expected"])
    assert f"Expected {document['expected']}: " in again.out


def test_retries_and_routes_are_shown(said: Run) -> None:
    done = said("run", "linear", "What is two?", "--model", "echo")
    assert "→ Output validator sends it on to Execution" in done.out
    assert "── Execution, round 2 · echo " in done.out


def test_doctor_says_where_each_setting_is_from_and_shows_no_secret(
    said: Run, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    (home.path / ".env").write_text("DEFAULT_STRATEGY=long\n")
    done = said("doctor", "--json")
    document = json.loads(done.out)
    settings = {row["name"]: row for row in document["settings"]}
    assert settings["OPENAI_API_KEY"] == {"name": "OPENAI_API_KEY", "value": "set", "from": "environment"}
    assert settings["DEFAULT_STRATEGY"]["from"] == ".env"
    assert "sk-very-secret" not in done.out
    assert done.code == (0 if document["usable"] else 1)
    what = {finding["what"]: finding["state"] for finding in document["findings"]}
    assert what["database"] == what["data folder"] == what["Python"] == "ok"
    assert "Hugging Face hub" not in what


def test_doctor_with_settings_that_cannot_be_read_still_tells_the_rest(
    said: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "http")
    done = said("doctor", "--json")
    findings = {one["what"]: one for one in json.loads(done.out)["findings"]}
    assert done.code == 1
    assert findings["settings"]["state"] == "bad"
    assert "PORT" in findings["settings"]["says"]
    assert findings["Python"]["state"] == "ok"


def test_doctor_finds_a_data_folder_that_cannot_be_written(
    said: Run, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.path / "taken").write_text("")
    monkeypatch.setenv("AGENT_LAB_HOME", str(home.path / "taken"))
    done = said("doctor")
    assert done.code == 1
    assert "cannot be written" in done.out
    assert "Not usable" in done.out


def test_the_built_in_model_answers_within_its_domain_and_says_what_it_is(said: Run) -> None:
    done = said("ask", "What is 47 + 85 - 20?", "--seed", "1", "--temperature", "0")
    assert done.code == 0
    assert problems.extract_answer(done.out) is not None
    assert "demo · demonstration model · " in done.err


def test_the_built_in_model_declines_the_rest_and_names_what_to_connect(said: Run) -> None:
    done = said("run", "challenge", "Who wrote Hamlet?")
    assert done.code == 1
    assert "models list" in done.out
    assert "Challenger ·" not in done.out
    assert json.loads(said("runs", "list", "--json").out)["runs"][0]["status"] == "declined"
