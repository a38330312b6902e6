"""A flow whose critic speaks of something else cannot help: simulated again and again, it gets no good badge."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from agent_lab.contracts.evaluation import Cell, Statement
from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.report.build import build_report
from support.cells import EQUAL, EQUAL_ORIGIN, FLOW, cells, info, items

ITEMS = 150
EVALUATIONS = 120


def choice(is_right: bool, chance: np.random.Generator) -> str:
    return "right" if is_right else f"wrong {chance.integers(3)}"


def stated(node: str, part: str, said: str) -> Statement:
    return Statement.model_validate(
        {"node": node, "speaker": node, "part": part, "choice": said, "score": float(said == "right")}
    )


def noisy(draft: bool, chance: np.random.Generator, *, heeds: float) -> tuple[float, list[Statement]]:
    """A draft, and what becomes of it when somebody heeds a criticism of another question so often."""
    first = choice(draft, chance)
    last = choice(bool(chance.random() < 0.4), chance) if chance.random() < heeds else first
    return float(last == "right"), [stated("creator", "draft", first), stated("refiner", "answer", last)]


def evaluation(chance: np.random.Generator, *, heeds: float, votes: int) -> Report:
    """Items of all difficulties: the flow has one draft and noise, the baseline as many drafts and a vote."""
    ability = chance.beta(3.0, 1.5, ITEMS)
    mine = [noisy(bool(draft), chance, heeds=heeds) for draft in chance.random(ITEMS) < ability]
    drawn = (chance.random((votes, ITEMS)) < ability).sum(axis=0)
    theirs = (drawn > votes / 2).astype(float).tolist()
    flow = [
        Cell.model_validate({**dict(cell), "choice": said[-1].choice, "statements": tuple(said)})
        for cell, (_, said) in zip(cells(FLOW.name, [score for score, _ in mine]), mine, strict=True)
    ]
    told = info([FLOW, EQUAL], ITEMS)
    made = [*flow, *cells(EQUAL.name, theirs)]
    return build_report(told, items(ITEMS), made, [EQUAL_ORIGIN], scorer_version="number@1", binary=True)


@pytest.mark.parametrize(("heeds", "votes"), [(0.5, 3), (0.0, 1)])
def test_a_flow_with_a_critic_of_noise_is_not_called_worth_it(heeds: float, votes: int) -> None:
    chance = np.random.default_rng(7)
    reports = [evaluation(chance, heeds=heeds, votes=votes) for _ in range(EVALUATIONS)]
    verdicts = Counter(badge.verdict for report in reports for badge in report.badges)
    assert verdicts.total() == EVALUATIONS
    # Where the noise is not even heeded, flow and baseline are one draft each: then chance alone, at most in 2.5 %.
    allowed = 0 if heeds else EVALUATIONS * 0.025 + 3 * (EVALUATIONS * 0.025 * 0.975) ** 0.5
    assert verdicts["better"] <= allowed
    good = [badge for report in reports for badge in report.badges if badge.sentence.startswith("worth it")]
    assert len(good) == verdicts["better"]
    if heeds:
        assert verdicts["worse"] > EVALUATIONS * 0.8


def test_the_flips_show_that_noise_spoils_more_than_it_mends() -> None:
    report = evaluation(np.random.default_rng(3), heeds=0.5, votes=3)
    flips = report.debates[0].flips[0]
    assert (flips.before, flips.after) == ("draft", "answer")
    assert flips.right_wrong > flips.wrong_right
    assert report.debates[0].oracle_gap == pytest.approx(flips.right_wrong / ITEMS)
