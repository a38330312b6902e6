"""What the evaluation commands read and say: options, files and names, estimates, progress, ends."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.cli.eval_following import Told, bar_line, ending, progress_line
from agent_lab.cli.eval_options import is_file, read_file, spec_of
from agent_lab.cli.eval_run import estimate_lines, run_evaluation, with_money
from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.evaluation import (
    DatasetInfo,
    EvaluationEstimate,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    Progress,
    ScorerSpec,
    VoteArm,
)
from agent_lab.contracts.run import Fault
from agent_lab.evaluation.arms.text import parse_arm
from agent_lab.evaluation.render.command import command_of

ARMS = (FlowArm(name="challenge", flow="challenge"), VoteArm(name="vote:5", k=5))


def info(**more: object) -> EvaluationInfo:
    return EvaluationInfo.model_validate(
        {
            "evaluation_id": "e1",
            "spec": EvaluationSpec(dataset="demo", arms=ARMS),
            "dataset": DatasetInfo(name="demo", content_hash="0" * 64, items=10),
            "created_at": datetime(2026, 11, 22, tzinfo=UTC),
            **more,
        }
    )


def test_what_is_not_given_is_as_it_is_by_itself() -> None:
    options = dict.fromkeys(("scorer", "judge", "limit", "alpha", "pattern", "tolerance"))
    assert spec_of("demo", ARMS, {**options, "choices": (), "match_case": False}) == EvaluationSpec(
        dataset="demo", arms=ARMS
    )


def test_a_judge_is_the_scorer_that_it_is_asked_to_be() -> None:
    spec = spec_of("demo", ARMS, {"judge": "m1", "criterion": "Which is kinder?", "match_case": True})
    assert (spec.scorer.name, spec.scorer.model, spec.scorer.question) == ("judge", "m1", "Which is kinder?")
    assert not spec.scorer.ignore_case


@pytest.mark.parametrize(
    ("given", "said"),
    [({"scorer": "code"}, "--run-code"), ({"baseline": "nobody"}, "is none of the arms")],
)
def test_what_does_not_go_together_is_told_in_a_sentence(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        spec_of("demo", ARMS, given)


def test_the_command_of_a_specification_makes_the_same_specification() -> None:
    spec = spec_of(
        "my data",
        (parse_arm("A B=vote~challenge:3 temperature=0.5"), parse_arm("challenge")),
        {"scorer": "choice", "choices": ("yes", "no"), "margin": 0.05, "limit": 7, "budget_usd": Decimal("1.5")},
    )
    command = command_of(spec)
    assert command == (
        "agent-lab eval run 'my data' --arm 'A B=vote~challenge:3 temperature=0.5' --arm challenge --limit 7 "
        "--margin 0.05 --budget-usd 1.5 --scorer choice --choice yes --choice no"
    )


def test_names_of_datasets_are_told_from_files(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("{}")
    assert is_file("-")
    assert is_file("data.jsonl")
    assert is_file("folder/data")
    assert is_file(str(tmp_path / "plain"))
    assert not is_file("demo")


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        read_file(str(tmp_path / "none.jsonl"))
    large = tmp_path / "large.jsonl"
    large.write_bytes(b"x" * 11)
    with pytest.raises(TooLargeError, match="larger than"):
        read_file(str(large), max_bytes=10)
    assert read_file(str(large), max_bytes=11) == b"x" * 11


def test_an_estimate_says_what_it_may_cost_and_what_could_be_seen() -> None:
    lines = estimate_lines(
        EvaluationEstimate(
            items=200,
            cells=600,
            calls=1600,
            calls_at_most=2400,
            tokens=120_000,
            cost_usd=Decimal("0.42"),
            cost_at_most_usd=None,
            seconds=95.0,
            smallest_difference=0.08,
            sentence="with 200 items you can see 8 points",
            warnings=("the price of m2 is not known",),
        )
    )
    assert lines == [
        "200 items, 600 answers: typically 1,600 calls, 120,000 tokens, $0.42, about 1 min 35 s; at most 2,400 calls, "
        "cost unknown.",
        "With 200 items you can see 8 points.",
        "Note: the price of m2 is not known",
    ]


def test_progress_says_what_is_done_left_and_paid() -> None:
    progress = Progress(cells=774, of=1800, paid_usd=Decimal("0.12"), calls=512, reused_calls=120, seconds_left=180.0)
    assert progress_line(progress) == (
        "774 of 1,800 answers · about 3 min 00 s left · paid $0.12 · 512 calls, 120 from the cache"
    )
    assert bar_line(progress) == " 43 % · 774 of 1,800 · about 3 min 00 s left · $0.12 · 512 calls"
    assert progress_line(Progress(cells=2, of=2, calls=2)) == "2 of 2 answers · 2 calls"


def test_away_from_a_terminal_the_progress_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(quiet=False)
    for cells in range(101):
        told.tell(info(progress=Progress(cells=cells, of=100)))
    told.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("100 of 100 answers")


def test_what_is_quiet_tells_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    Told(quiet=True).tell(info(progress=Progress(cells=1, of=2)))
    assert capsys.readouterr().err == ""


def test_every_end_but_the_good_one_says_how_it_goes_on() -> None:
    assert ending(info(status="completed")) is None
    assert "--resume e1 --budget-usd" in str(ending(info(status="limit_exceeded")))
    assert "--resume e1" in str(ending(info(status="cancelled")))
    fault = Fault(type="provider-error", message="The provider is away.")
    assert "The provider is away." in str(ending(info(status="failed", fault=fault)))


def read_back(command: str) -> EvaluationSpec:
    """The specification that a command asks for, by the real options."""
    words = shlex.split(command)
    assert words[:3] == ["agent-lab", "eval", "run"]
    given = dict(run_evaluation.make_context("run", words[3:]).params)
    for name in ("resumed", "dry_run", "yes", "columns", "quiet", "as_json"):
        given.pop(name)
    dataset, arms = given.pop("dataset"), given.pop("arms")
    return spec_of(dataset, tuple(parse_arm(arm) for arm in arms), with_money(given))


@given(
    spec=st.builds(
        EvaluationSpec,
        name=st.just("") | st.from_regex(r"[a-z' $\"]{1,20}", fullmatch=True).map(lambda text: " ".join(text.split())),
        dataset=st.sampled_from(["demo", "my data", "it's"]),
        split=st.sampled_from([None, "tune", "test"]),
        limit=st.none() | st.integers(1, 1000),
        arms=st.just(ARMS) | st.just((*ARMS, parse_arm("A B=single~challenge temperature=0"))),
        baseline=st.sampled_from(["auto", "vote:5"]),
        scorer=st.builds(
            ScorerSpec,
            name=st.sampled_from(["number", "exact", "choice", "regex", "judge"]),
            pattern=st.none() | st.just("(\\d+)$"),
            choices=st.sampled_from([(), ("yes", "no")]),
            tolerance=st.sampled_from([0.0, 0.5]),
            ignore_case=st.booleans(),
            model=st.none() | st.just("m1"),
        ),
        samples=st.integers(1, 5),
        seed=st.integers(0, 9),
        order=st.sampled_from(["given", "shuffled"]),
        language=st.sampled_from(["en", "es"]),
        margin=st.sampled_from([0.02, 0.1]),
        cost_unit=st.sampled_from([None, "tokens"]),
        budget_usd=st.none() | st.just(Decimal("2.5")),
    )
)
@settings(deadline=None)
def test_the_command_in_a_report_asks_for_the_same_evaluation(spec: EvaluationSpec) -> None:
    assert read_back(str(command_of(spec))) == spec
