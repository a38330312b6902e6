"""`agent-lab eval` in one process: run, report, compare, gate, datasets, on scripted models that cost nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Home, Said

Say = Callable[..., Said]
SURE = {
    "id": "sure",
    "name": "Sure",
    "nodes": [
        {"id": "creator", "kind": "generate", "prompt": "{user_input}"},
        {"id": "checker", "kind": "generate", "prompt": "Answer: 4. {creator_output?}"},
    ],
    "edges": [{"from": "creator", "to": "checker"}],
    "draft": "creator",
    "answer": "checker",
}


@pytest.fixture
def sums(home: Home) -> Path:
    """Forty sums, of which an echo of the question is right in thirty."""
    (home.path / "flows").mkdir()
    sure = {**SURE, "nodes": [SURE["nodes"][0], {**SURE["nodes"][1], "prompt": "{creator_output} No. Answer: 4"}]}
    (home.path / "flows" / "sure.json").write_text(json.dumps(sure))
    rows = [{"id": f"s{n}", "input": f"Sum {n}: 2 + 2 = {4 if n % 4 else 5}", "target": "4"} for n in range(40)]
    path = home.path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def begun(said: Say, sums: Path, *more: str) -> dict[str, Any]:
    """The report of an evaluation of an echo and a flow that is always right."""
    done = said("eval", "run", str(sums), "--arm", "sure model=echo", "--arm", "echo=single:echo", "--json", *more)
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report


def test_a_file_is_put_through_its_arms_and_reported(said: Say, sums: Path) -> None:
    done = said("eval", "run", str(sums), "--arm", "sure=sure model=echo", "--arm", "echo=single:echo")
    assert done.code == 0, done.err
    assert "40 items" in done.err
    assert "you can see" in done.err
    assert re.search(r"^sure +100\.0 %", done.out, re.MULTILINE)
    assert re.search(r"^echo +75\.0 %", done.out, re.MULTILINE)
    assert done.out.index("BETTER") < done.out.index("── Arms")


def test_the_same_command_again_asks_nothing_anew(said: Say, sums: Path) -> None:
    first, again = begun(said, sums), begun(said, sums)
    assert first["calls"] > 0
    assert again["calls"] == 0
    assert again["reused_calls"] > 0
    assert [arm["mean_score"] for arm in first["arms"]] == [arm["mean_score"] for arm in again["arms"]]
    assert first["evaluation"]["evaluation_id"] != again["evaluation"]["evaluation_id"]


def test_a_dry_run_says_what_it_takes_and_begins_nothing(said: Say, sums: Path) -> None:
    done = said("eval", "run", str(sums), "--arm", "single:echo", "--arm", "vote:3:echo", "--dry-run")
    assert done.code == 0
    assert "40 items, 80 answers" in done.out
    assert "$0.00" in done.out
    assert json.loads(said("eval", "list", "--json").out) == {"evaluations": []}
    told = json.loads(said("eval", "run", str(sums), "--arm", "single:echo", "--dry-run", "--json").out)
    assert told["items"] == 40


def test_what_may_cost_money_is_not_begun_unasked(said: Say, sums: Path) -> None:
    asked = ("eval", "run", str(sums), "--limit", "2", "--arm", "single:unpriced")
    refused = said(*asked)
    assert refused.code == 2
    assert "Nothing was begun: it may cost" in refused.err
    assert "--yes" in refused.err
    assert said(*asked, "--yes").code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "Give DATASET and at least one --arm"),
        (("demo",), "Give DATASET and at least one --arm"),
        (("demo", "--arm", "voet:3"), "did you mean 'vote'"),
        (("demo", "--arm", "chalenge"), "challenge"),
        (("demo", "--arm", "without:challenge/creatr"), "creator"),
        (("demo", "--arm", "single:ecko"), "echo"),
        (("nowhere", "--arm", "single:echo"), "nowhere"),
        (("nowhere.jsonl", "--arm", "single:echo"), "cannot be read"),
        (("demo", "--arm", "single:echo", "--baseline", "x"), "none of the arms"),
        (("--resume", "none"), "none"),
    ],
)
def test_wrong_use_is_one_sentence(said: Say, args: tuple[str, ...], words: str) -> None:
    done = said("eval", "run", *args)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--baseline", "other"), "Error: The baseline 'other' is none of the arms; take one of echo."),
        (("--scorer", "code"), "Error: The scorer 'code' runs what a model wrote; allow it with run_code"),
        (("--arm", "echo=single:echo"), "Error: Two arms are called 'echo'; give each a name of its own."),
    ],
)
def test_what_does_not_go_together_is_said_without_what_was_given(
    said: Say, sums: Path, args: tuple[str, ...], words: str
) -> None:
    done = said("eval", "run", str(sums), "--arm", "echo=single:echo", *args)
    assert done.code == 2
    assert done.err.startswith(words)


def test_a_report_is_written_in_every_form(said: Say, sums: Path, home: Home) -> None:
    id = begun(said, sums)["evaluation"]["evaluation_id"]
    assert "── Arms" in said("eval", "report", "last").out
    assert said("eval", "report", id, "--format", "md").out.startswith("# Evaluation on sums")
    page = home.path / "report.html"
    assert said("eval", "report", id, "--out", str(page)).code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(said("eval", "report", id, "--json").out)["evaluation"]["evaluation_id"] == id
    assert said("eval", "report", id, "--out", "report.txt").code == 2
    assert said("eval", "report", "none").code == 2


def test_any_two_arms_are_compared_and_two_evaluations(said: Say, sums: Path) -> None:
    first = begun(said, sums, "--arm", "vote:3:echo")["evaluation"]["evaluation_id"]
    told = json.loads(said("eval", "compare", first, "sure model=echo", "vote:3:echo", "--json").out)
    (one,) = told["differences"]
    assert one["difference"] == pytest.approx(0.25)
    second = begun(said, sums, "--limit", "20")["evaluation"]["evaluation_id"]
    (same,) = json.loads(said("eval", "compare", first, "echo", "--with", second, "--json").out)["differences"]
    assert (same["items"], same["difference"]) == (20, 0.0)
    shown = said("eval", "compare", first, "sure model=echo", "echo")
    assert "+25.0" in shown.out
    assert said("eval", "compare", first, "echo").code == 2


def test_the_gate_fails_only_on_a_significant_loss(said: Say, sums: Path) -> None:
    id = begun(said, sums)["evaluation"]["evaluation_id"]
    lost = said("eval", "gate", id, "--arm", "echo", "--against", "sure model=echo")
    assert lost.code == 1
    assert lost.out.startswith("FAILED: echo is significantly worse")
    won = said("eval", "gate", id, "--arm", "sure model=echo", "--against", "echo", "--json")
    assert won.code == 0
    assert json.loads(won.out)["passed"]
    small = begun(said, sums, "--limit", "4")["evaluation"]["evaluation_id"]
    unsure = said("eval", "gate", small, "--arm", "echo", "--against", "sure model=echo")
    assert unsure.code == 0
    assert "No significant loss" in unsure.out
    assert said("eval", "gate", id, "--arm", "nobody", "--against", "echo").code == 2


def test_evaluations_are_listed_shown_and_deleted(said: Say, sums: Path) -> None:
    id = begun(said, sums, "--name", "The sums")["evaluation"]["evaluation_id"]
    listed = said("eval", "list")
    assert id in listed.out
    assert "better" in listed.out
    shown = said("eval", "show", id)
    assert "The sums" in shown.out
    assert "agent-lab eval run sums --arm 'sure model=echo'" in shown.out
    assert said("eval", "delete", id).code == 2
    assert said("eval", "delete", id, "--yes").code == 0
    assert said("eval", "show", id).code == 2
    assert said("eval", "cancel", id).code == 2


def test_datasets_are_added_listed_shown_and_removed(said: Say, sums: Path) -> None:
    other = sums.with_name("odd.csv")
    other.write_text("what,gold\n2 + 2,4\n3 + 3,6\n")
    added = said("eval", "datasets", "add", str(other), "--column", "input=what", "--column", "target=gold")
    assert added.code == 0, added.err
    assert "odd: 2 items" in added.out
    names = [one["name"] for one in json.loads(said("eval", "datasets", "list", "--json").out)["datasets"]]
    assert "odd" in names
    assert "3 + 3" in said("eval", "datasets", "show", "odd").out
    assert (
        json.loads(said("eval", "datasets", "show", "odd", "--limit", "1", "--json").out)["first_items"][0]["target"]
        == "4"
    )
    assert said("eval", "datasets", "remove", "odd").code == 0
    assert said("eval", "datasets", "show", "odd").code == 2
    broken = sums.with_name("broken.jsonl")
    broken.write_text('{"target": "4"}\nnot json\n')
    refused = said("eval", "datasets", "add", str(broken))
    assert refused.code == 2
    assert "Traceback" not in refused.err


def test_answers_that_were_made_elsewhere_are_tested(said: Say, sums: Path) -> None:
    for name, wrong in (("good", 2), ("poor", 20)):
        rows = [{"id": f"s{n}", "answer": "It is 5." if n < wrong else "It is 4."} for n in range(40)]
        sums.with_name(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arms = [part for name in ("good", "poor") for part in ("--arm", f"{name}={sums.with_name(name)}.jsonl")]
    done = said("eval", "import", str(sums), *arms, "--baseline", "poor", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert {arm["arm"]: arm["mean_score"] for arm in report["arms"]} == {"good": 0.95, "poor": 0.5}
    (one,) = report["differences"]
    assert (one["only_arm"], one["only_against"], one["verdict"]) == (18, 0, "better")
    shown = said("eval", "report", "last").out
    assert "cost not known" in shown
    assert "0.0 tokens" not in shown


def test_a_wide_file_holds_questions_targets_and_arms(said: Say, sums: Path) -> None:
    wide = sums.with_name("wide.csv")
    wide.write_text(
        "id,input,target,left,right\n" + "".join(f"w{n},Q {n},4,4,{4 if n % 2 else 7}\n" for n in range(30))
    )
    done = said("eval", "import", "--file", str(wide), "--as", "left", "--as", "right", "--baseline", "right")
    assert done.code == 0, done.err
    assert re.search(r"^left +100\.0 %", done.out, re.MULTILINE)
    assert re.search(r"^right +50\.0 %", done.out, re.MULTILINE)
    assert said("eval", "import", str(sums)).code == 2
    assert said("eval", "import", str(sums), "--arm", "x=none.jsonl").code == 2


PRICED = """
[[model]]
key = "priced"
name = "Priced"
family = "scripted"
provider = "scripted"
model_id = "scripted:echo"
context_window = 100000
cost_profile = { input_usd_per_mtok = 100, output_usd_per_mtok = 100 }
"""


def test_a_budget_is_kept_and_more_of_it_goes_on_where_it_ended(said: Say, sums: Path) -> None:
    sums.with_name("priced.toml").write_text(PRICED)
    asked = ("eval", "run", str(sums), "--arm", "single:priced", "--concurrency", "1")
    ended = said(*asked, "--budget-usd", "0.13")  # it leaves room for the longest answer
    assert ended.code == 1
    info = json.loads(said("eval", "show", "last", "--json").out)
    assert info["status"] == "limit_exceeded"
    assert 0 < info["progress"]["paid_usd"] <= 0.13
    assert f"--resume {info['evaluation_id']} --budget-usd" in ended.err
    resumed = said("eval", "run", "--resume", "last", "--budget-usd", "1", "--json")
    assert resumed.code == 0, resumed.err
    report = json.loads(resumed.out)
    (arm,) = report["arms"]
    assert (arm["items"], report["unit"]) == (40, "usd")
    assert report["paid_usd"] == pytest.approx(40 * arm["cost_usd"])
    again = json.loads(said(*asked, "--yes", "--json").out)
    assert (again["calls"], again["paid_usd"]) == (0, 0)
