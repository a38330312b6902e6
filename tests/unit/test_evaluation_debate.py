"""What the debate did: held against figures worked out by hand, and against what must hold of any cells."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.evaluation import Cell, NodeCost, Statement
from agent_lab.contracts.evaluation_report import DebateFigures, Flips, Interval, PairedDifference
from agent_lab.evaluation.debate.figures import debate_figures

TARGET = "85"


def said(speaker: str, choice: str | None, part: str = "voice", round_: int = 1, *, scored: bool = True) -> Statement:
    return Statement.model_validate(
        {
            "node": speaker.split("#")[0],
            "visit": round_,
            "speaker": speaker,
            "round": round_,
            "part": part,
            "choice": choice,
            "score": float(choice == TARGET) if scored else None,
        }
    )


def cell(item: str, answer: str | None, *statements: Statement, nodes: Sequence[NodeCost] = ()) -> Cell:
    right = float(answer == TARGET)
    return Cell(
        arm="debate",
        item=item,
        status="failed" if answer is None else "completed",
        choice=answer,
        score=right,
        statements=statements,
        nodes=tuple(nodes),
    )


def debated(item: str, first: Sequence[str | None], second: Sequence[str | None], answer: str | None) -> Cell:
    """Three agents in two rounds, where there was a second one, and the vote that closes."""
    parts = ("draft", "voice", "voice")
    statements = [
        said(f"agent_{n}", choice, part) for n, (choice, part) in enumerate(zip(first, parts, strict=True), 1)
    ]
    statements += [said(f"agent_{n}", choice, "step", 2) for n, choice in enumerate(second, 1)]
    return cell(item, answer, *statements, said("vote", answer, "answer"))


def flip(figures: DebateFigures, before: str, after: str) -> tuple[int, int, int, int, int]:
    one = next(one for one in figures.flips if (one.before, one.after) == (before, after))
    return one.right_right, one.right_wrong, one.wrong_right, one.wrong_wrong, one.changed


# By hand, 85 is right:
#   item  first round   majority of others against            second round   answer
#   1     85 85 85      nobody stands against anybody          -              85
#   2     75 85 85      agent_1 against 85 (right)             85 85 85       85    agent_1 comes over
#   3     85 75 75      agent_1 against 75 (wrong)             75 75 75       75    agent_1 comes over, to what is wrong
#   4     85 75 75      agent_1 against 75 (wrong)             85 75 85       85    agent_1 stays
#   5     60 70 85      no majority                            60 60 85       60
#   6     nothing, the run failed
CELLS = (
    debated("1", ("85", "85", "85"), (), "85"),
    debated("2", ("75", "85", "85"), ("85", "85", "85"), "85"),
    debated("3", ("85", "75", "75"), ("75", "75", "75"), "75"),
    debated("4", ("85", "75", "75"), ("85", "75", "85"), "85"),
    debated("5", ("60", "70", "85"), ("60", "60", "85"), "60"),
    cell("6", None),
)


def test_the_figures_of_a_debate_are_those_worked_out_by_hand() -> None:
    figures = debate_figures("debate", CELLS, "tokens")
    assert figures.answers == 6
    assert figures.draft_accuracy == pytest.approx(3 / 6)  # agent_1 in 1, 3 and 4
    # Votes of the drafts: 85, 85, 75, 75, a tie of three that the first one wins (60), nothing.
    assert figures.vote_accuracy == pytest.approx(2 / 6)
    assert figures.answer_accuracy == pytest.approx(3 / 6)
    assert figures.oracle_accuracy == pytest.approx(5 / 6)
    assert figures.oracle_gap == pytest.approx(2 / 6)  # 3 and 5 had it
    # Against a majority: agent_1 in 2, 3, 4. It came over in 2 and 3; the majority was wrong in 3 and 4.
    assert figures.conformity == pytest.approx(2 / 3)
    assert figures.conformity_to_wrong == pytest.approx(1 / 2)
    assert [(one.round, one.statements) for one in figures.rounds] == [(1, 15), (2, 12)]
    # Of 16 that stand by something: three an item, and the run that failed. In 1 nobody was asked again.
    assert figures.rounds[0].accuracy == pytest.approx((3 + 2 + 1 + 1 + 1) / 16)
    assert figures.rounds[1].accuracy == pytest.approx((3 + 3 + 0 + 2 + 1) / 16)


def test_the_flips_of_a_debate_are_those_worked_out_by_hand() -> None:
    figures = debate_figures("debate", CELLS, "tokens")
    assert flip(figures, "draft", "answer") == (2, 1, 1, 2, 2)
    assert flip(figures, "vote of the drafts", "answer") == (2, 0, 1, 3, 1)
    # agent_1: 85=85, 75>85, 85>75, 85=85, 60=60, nothing. Not asked again in 1: it stands by its word.
    assert flip(figures, "agent_1, round 1", "agent_1, round 2") == (2, 1, 1, 2, 2)
    assert flip(figures, "agent_2, round 1", "agent_2, round 2") == (2, 0, 0, 4, 1)
    assert flip(figures, "agent_3, round 1", "agent_3, round 2") == (3, 0, 1, 2, 1)
    assert flip(figures, "vote of round 2", "answer") == (3, 0, 0, 3, 0)
    assert len(figures.flips) == 6


def test_who_mends_a_draft_is_told_from_the_draft_and_to_the_answer() -> None:
    accepted = cell("1", "85", said("creator", "85", "draft"), said("solution", "85", "answer"))
    mended = cell(
        "2",
        "85",
        said("creator", "75", "draft"),
        said("refiner", "80", "step"),
        said("refiner", "85", "step", 2),
        said("solution", "85", "answer"),
    )
    spoilt = cell(
        "3", "75", said("creator", "85", "draft"), said("refiner", "75", "step"), said("solution", "75", "answer")
    )
    figures = debate_figures("debate", [accepted, mended, spoilt], "tokens")
    assert flip(figures, "draft", "answer") == (1, 1, 1, 0, 2)
    assert flip(figures, "draft", "refiner, round 1") == (1, 1, 0, 1, 2)
    assert flip(figures, "refiner, round 1", "refiner, round 2") == (1, 0, 1, 1, 1)
    assert flip(figures, "refiner, round 2", "answer") == (2, 0, 0, 1, 0)
    assert (figures.vote_accuracy, figures.conformity) == (None, None)
    assert [(one.round, one.statements) for one in figures.rounds] == [(1, 3), (2, 2), (3, 1)]
    assert [one.accuracy for one in figures.rounds] == pytest.approx([2 / 3, 1 / 3, 2 / 3])


def test_a_scorer_that_compares_answers_alone_leaves_what_it_cannot_say_untold() -> None:
    first = [said(f"agent_{n}", "75" if n else "85", "voice" if n else "draft", scored=False) for n in range(3)]
    again = [said(f"agent_{n}", "75", "step", 2, scored=False) for n in range(3)]
    figures = debate_figures("debate", [cell("1", "75", *first, *again)], "tokens")
    assert (figures.draft_accuracy, figures.vote_accuracy, figures.oracle_accuracy) == (None, None, None)
    assert (figures.flips, figures.rounds, figures.conformity_to_wrong) == ((), (), None)
    assert figures.conformity == 1.0


def test_no_cells_make_no_figures_and_no_error() -> None:
    figures = debate_figures("debate", [], "usd")
    assert (figures.answers, figures.answer_accuracy, figures.draft_accuracy) == (0, 0.0, None)


def cost(node: str, tokens: int, usd: str | None = "0.001") -> NodeCost:
    price = None if usd is None else Decimal(usd)
    return NodeCost(node=node, calls=1, prompt_tokens=tokens, completion_tokens=10, cost_usd=price)


def difference(points: float, saved: float, *, low: float, high: float) -> PairedDifference:
    return PairedDifference(
        arm="debate",
        against="without",
        items=2,
        difference=points / 100,
        interval=Interval(low=low / 100, high=high / 100),
        both=0,
        only_arm=0,
        only_against=0,
        neither=0,
        binary=True,
        p_value=1.0,
        p_adjusted=1.0,
        method="m",
        smallest_difference=0.1,
        cost_difference=saved,
        cost_interval=Interval(low=saved, high=saved),
        verdict="better",
        sentence="",
    )


def test_a_nodes_worth_is_what_the_flow_loses_without_it_for_what_that_saves() -> None:
    nodes = (cost("creator", 90), cost("challenger", 190))
    cells = [cell("1", "85", nodes=nodes), cell("2", "85", nodes=nodes[:1])]
    worth = {"challenger": difference(5.0, 100.0, low=1.0, high=9.0)}
    figures = debate_figures("debate", cells, "tokens", worth)
    found = {one.node: one for one in figures.nodes}
    assert (found["creator"].calls, found["creator"].cost, found["creator"].cost_usd) == (1.0, 100.0, 0.001)
    assert (found["challenger"].calls, found["challenger"].cost) == (0.5, 100.0)
    assert found["challenger"].per_cost == pytest.approx(50.0)  # 5 points for a tenth of a thousand tokens
    assert found["challenger"].sentence == "'challenger' brings +5.0 points (1.0 to 9.0): 50 points a thousand tokens."
    assert (found["creator"].difference, found["creator"].sentence) == (None, "")


@pytest.mark.parametrize(
    ("points", "saved", "low", "high", "words"),
    [
        (5.0, 100.0, -1.0, 9.0, "cannot be told from these items"),
        (-5.0, 100.0, -9.0, -1.0, "does better without it"),
        (5.0, 0.0, 1.0, 9.0, "leaving it out saves nothing"),
        (5.0, -3.0, 1.0, 9.0, "leaving it out saves nothing"),
    ],
)
def test_a_worth_is_told_for_what_it_is(points: float, saved: float, low: float, high: float, words: str) -> None:
    worth = {"challenger": difference(points, saved, low=low, high=high)}
    (one,) = debate_figures("debate", CELLS, "tokens", worth).nodes
    assert words in one.sentence
    assert (one.per_cost is None) == (saved <= 0)


def test_a_price_that_is_not_known_leaves_the_dollars_untold() -> None:
    cells = [cell("1", "85", nodes=[cost("creator", 90, None)])]
    (one,) = debate_figures("debate", cells, "tokens").nodes
    assert (one.cost, one.cost_usd) == (100.0, None)


CHOICES = st.sampled_from(["85", "75", "60", None])


@st.composite
def any_cells(draw: st.DrawFn) -> list[Cell]:
    agents = draw(st.integers(1, 4))
    cells = []
    for number in range(draw(st.integers(1, 8))):
        statements = []
        for round_ in range(1, draw(st.integers(0, 3)) + 1):
            for agent in range(agents):
                part = "step" if round_ > 1 else "voice" if agent else "draft"
                statements.append(said(f"agent_{agent}", draw(CHOICES), part, round_))
        answer = draw(CHOICES)
        if statements and answer is not None:
            statements.append(said("vote", answer, "answer"))
        costs = [cost(f"agent_{n}", draw(st.integers(0, 999))) for n in range(agents)]
        cells.append(cell(str(number), answer, *statements, nodes=costs))
    return cells


def counts(one: Flips) -> int:
    return one.right_right + one.right_wrong + one.wrong_right + one.wrong_wrong


@given(any_cells())
def test_every_step_counts_every_answer_once_and_the_shares_agree(cells: list[Cell]) -> None:
    figures = debate_figures("debate", cells, "tokens")
    for one in figures.flips:
        assert counts(one) == len(cells)
        assert one.right_wrong + one.wrong_right <= one.changed <= len(cells)
        if one.after == "answer":
            assert (one.right_right + one.wrong_right) / len(cells) == pytest.approx(figures.answer_accuracy)
    if figures.draft_accuracy is not None:
        first = figures.flips[0]
        assert (first.right_right + first.right_wrong) / len(cells) == pytest.approx(figures.draft_accuracy)
        assert figures.oracle_accuracy is not None
        assert figures.oracle_accuracy >= max(
            figures.draft_accuracy, figures.answer_accuracy, figures.vote_accuracy or 0
        )


@given(any_cells(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_changes_nothing(cells: list[Cell], chance: random.Random) -> None:
    other = cells.copy()
    chance.shuffle(other)
    beside = [one.model_copy(update={"arm": "another"}) for one in cells]
    assert debate_figures("debate", cells, "usd") == debate_figures("debate", [*other, *beside], "usd")
