"""The best of several first answers is told by the run's own judge or validator, else by agreement, or not at all."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from agent_lab.contracts.flow import FlowConfig
from agent_lab.runs.alternatives import alternatives
from agent_lab.runs.best_draft import BestDraft
from support.flows import KINDS
from support.library import CATALOG
from support.random_flows import checked_flows
from unit.test_evaluation_trace import Answers, asking, events_of, flow


async def best(own: FlowConfig, answers: Answers) -> BestDraft | None:
    return alternatives(await events_of(own, answers), KINDS).best


def judged(mode: str) -> FlowConfig:
    judge = {"id": "best", "kind": "judge", "mode": mode}
    edges = [("a", "best"), ("b", "best"), ("best", "last")]
    nodes = (asking("a", samples=2), asking("b"), judge, asking("last", "{user_input} {best_output}"))
    return flow(*nodes, edges=edges, answer="last")


def score(value: int) -> str:
    return f'{{"score": {value}, "reason": "x"}}'


async def test_the_judges_highest_score_is_the_best_though_others_agree() -> None:
    answers = {"a": ("Answer: 75", "Answer: 85"), "b": "Answer: 75", "best": "no", "last": "Answer: 85"}
    # The same answer twice is one candidate: only two are judged, whose order is that of their samples.
    found = await best(judged("score"), {**answers, "best": (score(3), score(9))})
    assert found is not None
    assert (found.choice, found.by, found.agrees) == ("85", "judge", True)
    assert found.score == 9
    assert found.voter == "a#2"


async def test_of_equal_scores_the_first_is_the_best_and_an_unread_one_is_none() -> None:
    answers: dict[str, Any] = {"a": ("Answer: 1", "Answer: 2"), "b": "Answer: 3", "last": "Answer: 1"}
    found = await best(judged("score"), {**answers, "best": (score(5), "?", score(5))})
    assert found is not None
    assert (found.voter, found.by) == ("a#1", "judge")


async def test_validators_are_heard_where_nobody_judges() -> None:
    nodes = (
        asking("a"),
        asking("b"),
        {"id": "of_a", "kind": "validator", "of": "a", "min_score": 0},
        {"id": "of_b", "kind": "validator", "of": "b", "min_score": 0},
        asking("last", "{of_a_output} {of_b_output}"),
    )
    edges = [("a", "of_a"), ("b", "of_b"), ("of_a", "last"), ("of_b", "last")]
    found = await best(flow(*nodes, edges=edges, answer="last"), {"a": "I cannot say.", "b": "It is 85.", "last": "85"})
    assert found is not None
    assert (found.voter, found.by, found.score) == ("b", "validator", 1.0)


async def test_else_it_is_the_one_that_most_others_agree_with_and_of_nobody_none() -> None:
    answers = {"voices": ("Answer: 75", "Answer: 85", "Answer: 85", "Answer: 60", "Answer: 70")}
    found = await best(CATALOG.get("consensus"), answers)
    assert found is not None
    assert (found.voter, found.by, found.score, found.agrees) == ("voices#2", "agreement", 1.0, True)
    apart = {"voices": tuple(f"Answer: {n}" for n in range(5))}
    assert await best(CATALOG.get("consensus"), apart) is None


async def test_of_a_single_first_answer_there_is_no_best_one() -> None:
    assert await best(CATALOG.get("challenge"), {"*": "Answer: 85"}) is None


@settings(max_examples=30, deadline=None)
@given(checked_flows())
async def test_of_any_flow_the_best_is_one_of_the_voices(document: dict[str, Any]) -> None:
    found = alternatives(await events_of(FlowConfig.model_validate(document), {"*": "Answer: 85"}), KINDS)
    if found.best is not None:
        assert found.vote is not None
        assert found.best.voter in {voice.voter for voice in found.vote.voices}
