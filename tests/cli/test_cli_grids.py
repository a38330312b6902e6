"""The tables of a transcript, on hand-made events."""

from typing import Any

import pytest
from rich.cells import cell_len

from agent_lab.cli.grids import MOST_ROWS, grid_of
from agent_lab.contracts.events import NodeStarted, VoteCast
from cli.test_cli_render import AT, Sheet, answered, asked, ended, started

ISSUES = [
    {
        "where": "line 2",
        "severity": 3,
        "why": "The carry is lost: 7 + 8 is 15, and the one must be added.",
        "fix": "85",
    },
    {
        "where": "the whole answer, from its first line on",
        "severity": 1,
        "why": "Nothing says which unit is meant." * 3,
    },
]


def vote(voter: str, choice: str, weight: float = 1.0) -> VoteCast:
    return VoteCast(at=AT, node="vote", visit=1, voter=voter, choice=choice, weight=weight)


def counting() -> NodeStarted:
    return NodeStarted(at=AT, node="vote", visit=1, kind="vote", label="Vote", role="vote")


@pytest.mark.parametrize("live", [True, False])
def test_issues_are_a_table_that_fits_the_page(live: bool) -> None:
    sheet = Sheet(live=live)
    said = sheet.feed(started(), asked(), answered("{...}"), ended(issues=ISSUES, parsed=True, issues_count=2))
    assert all(cell_len(line) <= 80 for line in said.splitlines())
    heading = next(line for line in said.splitlines() if line.startswith("severity"))
    assert heading.split() == ["severity", "where", "why", "fix"]
    assert "   parsed: yes, issues_count: 2" in said
    for word in ("carry", "Nothing", "unit", "first"):
        assert word in said


def test_a_tally_tells_who_voted_for_what() -> None:
    tally = [
        {"choice": "85", "votes": 2.0, "voters": ["a#1", "a#3"]},
        {"choice": "84", "votes": 1.0, "voters": ["a#2"]},
    ]
    said = Sheet().feed(
        counting(), vote("a#1", "85"), vote("a#2", "84"), vote("a#3", "85"), ended("vote", winner="85", tally=tally)
    )
    lines = [line.split() for line in said.strip().splitlines()]
    assert lines[-3:] == [["choice", "votes", "voters"], ["85", "2", "a#1,", "a#3"], ["84", "1", "a#2"]]
    assert "winner: 85" in said
    assert "voter " not in said, "the tally has told the votes"


def test_weights_and_rankings_are_shown_vote_by_vote() -> None:
    tally = [{"choice": "x", "votes": 3.0, "voters": ["a"]}]
    weighted = Sheet().feed(counting(), vote("a", "x", 3.0), vote("b", "y"), ended("vote", tally=tally))
    assert [line.split() for line in weighted.splitlines() if "weight" in line or line.startswith("b ")] == [
        ["voter", "vote", "weight"],
        ["b", "y", "1"],
    ]
    ranked = Sheet().feed(counting(), vote("a", "x > y"), ended("vote", tally=tally))
    assert "a      x > y" in ranked


def test_a_judges_verdicts_scores_and_reasons_are_tables() -> None:
    reasons = ["good or bad: the first one shows how it came to its sum", "bad or good: the second one"]
    scores = [{"candidate": "good", "score": 1}, {"candidate": "bad", "score": 0}]
    said = Sheet().feed(
        started("judge"), asked("judge"), answered("{}", "judge"), answered("{}", "judge", sample=1),
        VoteCast(at=AT, node="judge", visit=1, voter="good, bad", choice="good"),
        ended("judge", winner="good", scores=scores, reasons=reasons),
    )  # fmt: skip
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines[-8:] == [
        "voter      vote",
        "good, bad  good",
        "candidate  score",
        "good       1",
        "bad        0",
        "reasons",
        *reasons,
    ]


def test_samples_are_told_by_their_voices_alone() -> None:
    said = Sheet().feed(
        started(),
        asked(),
        answered("one"),
        ended(samples=["one " * 30, "two " * 30], values=[{"n": 1}], models=["a", "b"], asked=2, stopped_early=False),
    )
    assert said.splitlines()[-1] == "   asked: 2, stopped_early: no"


@pytest.mark.parametrize("value", ["text", 3, None, [], ["a", "b"], [{"a": 1}, "b"], {"a": 1}])
def test_what_fits_on_a_line_is_no_table(value: Any) -> None:
    assert grid_of("x", value) is None


def test_a_long_list_says_how_much_of_it_is_left_out() -> None:
    said = Sheet().feed(started("n"), ended("n", rows=[{"n": number} for number in range(MOST_ROWS + 5)]))
    assert said.splitlines()[-1] == "... and 5 more"
    many = grid_of("x", [{f"k{number}": number for number in range(50)}])
    assert many is not None
    assert len(many.headings) == 6


def test_nothing_in_a_cell_moves_the_cursor() -> None:
    said = Sheet(live=True).feed(started("n"), ended("n", rows=[{"a\x1b[2J": "b\x1b]0;x\x07\r\n[bold]c"}]))
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "[bold]c" in said
