import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import NodeOutput
from agent_lab.nodes.judge import JUDGE
from agent_lab.nodes.judging import PAIR, SCORE, read_score, read_verdict
from agent_lab.providers.scripted import ScriptedProvider
from support.turns import Took, turn

DRAFTS = {"good": "the good draft", "bad": "the bad draft"}


async def judged(judge: Callable[[str, str], str], before: Any = DRAFTS, **settings: Any) -> Took:
    """`judge` is told the two texts in the order in which they are shown."""

    def reply(call: ModelCall) -> str:
        shown = call.request.prompt
        one = shown.split("Answer 1:\n", 1)[1].split("\n\nAnswer 2:\n", 1)[0]
        other = shown.split("\n\nAnswer 2:\n", 1)[1].split("\n\nYou compare", 1)[0]
        return judge(one, other)

    return await turn(
        {"kind": "judge", "of": list(before), **settings}, before=before, provider=ScriptedProvider(reply)
    )


def says(winner: object, why: str = "so") -> str:
    return json.dumps({"why": why, "winner": winner})


def prefers(*best: str) -> Callable[[str, str], str]:
    """The one whose text comes first in that list."""

    def judge(one: str, other: str) -> str:
        places = [next((n for n, word in enumerate(best) if word in text), 99) for text in (one, other)]
        return says("1" if places[0] < places[1] else "2" if places[1] < places[0] else "tie")

    return judge


@pytest.mark.parametrize("before", [dict(order) for order in permutations(DRAFTS.items())])
async def test_who_wins_in_both_orders_has_won_wherever_it_stood(before: dict[str, str]) -> None:
    took = await judged(prefers("good"), before)
    assert (took.output.text, took.fields["winner"]) == ("the good draft", "good")
    assert (took.fields["tied"], took.fields["flipped"], took.fields["unread"]) == (False, 0, 0)
    assert {row["candidate"]: row["score"] for row in took.fields["scores"]} == {"good": 1, "bad": 0}
    assert set(took.fields) == set(JUDGE.fields)
    assert [choice for _, choice, _ in took.step.votes] == ["good", "good"]


@pytest.mark.parametrize("always", ["1", "2"])
async def test_a_verdict_that_flips_with_the_order_is_a_tie_and_the_first_goes_on(always: str) -> None:
    took = await judged(lambda one, other: says(always))
    assert (took.fields["tied"], took.fields["flipped"]) == (True, 1)
    assert (took.fields["winner"], took.output.text) == ("good", "the good draft")


async def test_a_win_in_one_order_alone_is_no_win() -> None:
    took = await judged(lambda one, other: says("1" if "good" in one else "tie"))
    assert (took.fields["tied"], took.fields["flipped"]) == (True, 0)


async def test_the_judge_is_shown_the_question_and_texts_and_no_names() -> None:
    before = {"alpha_writer": NodeOutput(text="A {user_input} }}", fields={"model": "voice"}), "beta_writer": "B"}
    took = await turn(
        {"kind": "judge", "of": list(before), "criteria": "{user_input} matters"}, before=before, question="Why?"
    )
    prompts = [request.prompt for _, request in took.step.asked]
    assert prompts[0].startswith("The question:\nWhy?\n\nAnswer 1:\nA {user_input} }}\n\nAnswer 2:\nB\n\n")
    assert prompts[1].startswith("The question:\nWhy?\n\nAnswer 1:\nB\n\nAnswer 2:\nA {user_input} }}\n\n")
    assert "better by this: Why? matters\n" in prompts[0]
    assert not any(name in prompt for prompt in prompts for name in ("alpha", "beta", "voice"))
    schema: Any = took.step.asked[0][1].response_schema
    assert (list(schema["properties"]), took.step.asked[0][1].temperature) == (["why", "winner"], 0.0)
    assert [sample for sample, _ in took.step.asked] == [0, 1]


async def test_a_spanish_run_is_judged_in_spanish() -> None:
    took = await turn({"kind": "judge", "of": list(DRAFTS)}, before=DRAFTS, language="es")
    assert "Comparas dos respuestas" in took.step.asked[0][1].prompt
    assert "es correcta" in took.step.asked[0][1].prompt


async def test_of_several_the_one_that_beats_all_wins_over_all_pairs_in_both_orders() -> None:
    before = {name: f"draft {name}" for name in ("c", "a", "d", "b")}
    took = await judged(prefers("draft a", "draft b", "draft c"), before)
    assert (took.fields["winner"], took.fields["tied"], len(took.step.asked)) == ("a", False, 12)
    assert {row["candidate"]: row["score"] for row in took.fields["scores"]} == {"a": 3, "b": 2, "c": 1, "d": 0}


async def test_a_circle_is_a_tie() -> None:
    beats = {("x", "y"), ("y", "z"), ("z", "x")}
    took = await judged(lambda one, other: says("1" if (one, other) in beats else "2"), {n: n for n in "xyz"})
    assert (took.fields["tied"], took.fields["winner"], took.fields["flipped"]) == (True, "x", 0)


async def test_the_same_text_twice_is_one_candidate_and_alone_it_needs_no_judge() -> None:
    before = {"a": "same", "b": " same\n", "c": ""}
    took = await judged(prefers(), before)
    assert (took.fields["winner"], took.fields["tied"], took.step.asked) == ("a", False, [])
    assert took.output.text == "same"


async def test_samples_are_candidates_and_those_beyond_the_bound_are_told() -> None:
    sampled = NodeOutput(text="s1", fields={"samples": ["s1", "s2", "s3", "s1"]})
    took = await judged(prefers("s2"), {"a": sampled}, most=2)
    assert (took.fields["winner"], took.output.text, took.fields["left_out"]) == ("a#2", "s2", 1)
    assert [row["candidate"] for row in took.fields["scores"]] == ["a#1", "a#2"]
    assert len(took.step.asked) == 2


async def test_a_judge_that_cannot_be_read_decides_nothing() -> None:
    took = await judged(lambda one, other: "I cannot say which of 1 and 2.")
    assert (took.fields["tied"], took.fields["unread"], took.step.votes) == (True, 2, [])


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (says("1"), "1"),
        (says(2), "2"),
        (says("Tie"), "tie"),
        (says("empate"), "tie"),
        (says("3"), None),
        (f"```json\n{says('2')}\n```", "2"),
        ("The winner is 2.", "2"),
        ("tie", "tie"),
        ("1", "1"),
        ("1 or 2", None),
        ("2.5 stars", None),
        ("Answer: 12", None),
        ("10-5=5, 11-5-1=5, 1-0-1=0, so 55", None),
        ("2 is better in all 3 points", None),
        ("2, I say: 2", "2"),
        (f"The answer says {says('1')} but I say {says('2')}", None),
        ("", None),
    ],
)
def test_a_verdict_is_read_from_json_or_from_a_lone_word(text: str, verdict: str | None) -> None:
    assert read_verdict(text).verdict == verdict


# --- scores -------------------------------------------------------------------------------------------------------
def scoring(**scores: object) -> ScriptedProvider:
    def reply(call: ModelCall) -> str:
        text = call.request.prompt.split("The answer:\n", 1)[1].split("\n\nYou score", 1)[0]
        return json.dumps({"why": f"about {text}", "score": scores[text]})

    return ScriptedProvider(reply)


async def test_each_is_scored_by_itself_and_the_highest_wins() -> None:
    before = {"a": "x", "b": "y", "c": "z"}
    asking = {"kind": "judge", "mode": "score", "of": ["a", "b", "c"]}
    took = await turn(asking, before=before, provider=scoring(x=4, y=8.5, z=99))
    assert (took.fields["winner"], took.output.text, took.fields["tied"]) == ("b", "y", False)
    assert took.fields["scores"] == [
        {"candidate": "a", "score": 4, "why": "about x"},
        {"candidate": "b", "score": 8.5, "why": "about y"},
        {"candidate": "c", "score": None, "why": "about z"},
    ]
    assert (took.fields["unread"], took.fields["reasons"][0], len(took.step.asked)) == (1, "a: about x", 3)
    level = await turn(asking, before=before, provider=scoring(x=8, y=8, z=1))
    assert (level.fields["tied"], level.fields["winner"]) == (True, "a")


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("8/10", 8),
        ("Score: 7.5", 7.5),
        ("3 of 10", None),
        ("110-55=55", None),
        ("11", None),
        ("none", None),
        ('{"score": "9"}', 9),
        ("-1", None),
    ],
)
def test_a_score_is_read_from_json_or_from_a_lone_figure(text: str, score: float | None) -> None:
    assert read_score(text)[0] == score


@given(st.text())
def test_whatever_a_judge_says_is_read_without_an_error(text: str) -> None:
    assert read_verdict(text).verdict in {"1", "2", "tie", None}
    score, _ = read_score(text)
    assert score is None or 0 <= score <= 10


def test_the_most_calls_are_known_before() -> None:
    pair, score = (JUDGE.settings.model_validate({"most": 5, "mode": mode}) for mode in ("pair", "score"))
    assert (JUDGE.most_calls(pair), JUDGE.most_calls(score)) == (20, 5)
    many = JUDGE.settings.model_validate({"of": list("abcde")})
    assert [path for path, _ in JUDGE.problems(many)] == ["/most"]
    assert list(JUDGE.problems(pair)) == []


@pytest.mark.parametrize("prompt", [PAIR, SCORE])
def test_criteria_that_ask_for_the_shorter_answer_are_not_contradicted(prompt: dict[str, str]) -> None:
    assert "unless it is asked for above" in " ".join(prompt["en"].split())
    assert "si no se pide arriba" in " ".join(prompt["es"].split())
