from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.run import NodeOutput
from agent_lab.nodes.analyzer import task_type
from agent_lab.nodes.validator import SCORERS, score_answer, validator_kind, wait_before_retry_s
from support.turns import turn


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Write a Python function that sorts a list", "code"),
        ("Escribe una función que valide contraseñas", "code"),
        ("How many apples are left? 12 + 30", "math"),
        ("¿Cuántas manzanas quedan?", "math"),
        ("Summarise this text in a line", "summarization"),
        ("Translate this into French", "translation"),
        ("Write a haiku about the sea", "creative"),
        ("Explain quantum computing", "reasoning"),
        ("hello", "general"),
    ],
)
def test_the_analyzer_tells_what_kind_of_work_a_question_is(prompt: str, kind: str) -> None:
    assert task_type(prompt) == kind


def test_a_plain_answer_has_the_full_score_and_no_reasons() -> None:
    verdict = score_answer("Paris is the capital.", question="What is the capital?", cut=False)
    assert (verdict.score, verdict.reasons) == (1.0, ())


@pytest.mark.parametrize(
    ("text", "cut", "reason"),
    [
        ("", False, "empty"),
        (" \n.. ", False, "empty"),
        ("A long answer that was", True, "cut off"),
        ("What is it?", False, "repeats the question"),
        ("I'm sorry, I can not help.", False, "refuses"),
        ("Lo siento, no sé.", False, "refuses"),
        ("and so on it goes " * 20, False, "repeats itself"),
    ],
)
def test_each_fault_costs_score_and_is_named(text: str, cut: bool, reason: str) -> None:
    verdict = score_answer(text, question="What is it?", cut=cut)
    assert verdict.score < 0.6
    assert any(reason in one for one in verdict.reasons)


@given(st.text(), st.text(), st.booleans())
def test_a_score_is_a_share_and_less_than_one_exactly_where_there_is_a_reason(
    text: str, question: str, cut: bool
) -> None:
    verdict = score_answer(text, question=question, cut=cut)
    assert 0 <= verdict.score <= 1
    assert (verdict.score < 1) == bool(verdict.reasons)


@given(st.integers(1, 60), st.floats(0, 60), st.floats(0, 600))
def test_waits_double_up_to_the_longest(visit: int, first_s: float, longest_s: float) -> None:
    wait_s = wait_before_retry_s(visit, first_s=first_s, longest_s=longest_s)
    after_s = wait_before_retry_s(visit + 1, first_s=first_s, longest_s=longest_s)
    assert wait_s <= longest_s
    assert wait_s <= after_s <= max(2 * wait_s, wait_s)


def strict(text: str, *, question: str, cut: bool) -> tuple[float, Sequence[str]]:
    return (7.0, ()) if "because" in text else (float("nan"), ("no reason is given",))


async def test_a_validator_scores_by_the_rules_that_it_names() -> None:
    kinds = {"validator": validator_kind({**SCORERS, "strict": strict})}
    asking = {"kind": "validator", "scorer": "strict"}
    poor = await turn(asking, before={"a": "Yes."}, kinds=kinds)
    assert (poor.fields["score"], poor.fields["accepted"], poor.fields["reasons"]) == (
        0.0,
        False,
        ["no reason is given"],
    )
    good = await turn(asking, before={"a": "Yes, because."}, kinds=kinds)
    assert (good.fields["score"], good.fields["accepted"], good.output.text) == (1.0, True, "Yes, because.")
    assert (await turn({"kind": "validator"}, before={"a": "Yes."}, kinds=kinds)).fields["score"] == 1.0


async def test_a_validator_with_nothing_to_score_says_what_to_name() -> None:
    with pytest.raises(ValidationError, match="No node has answered before 'node'; name one that has"):
        await turn({"kind": "validator"})


async def test_a_summary_counts_every_sample() -> None:
    fields = {"model": "voice", "tokens": 9, "asked": 3}
    took = await turn({"kind": "summary"}, before={"a": NodeOutput(text="x", fields=fields)})
    assert (took.fields["voices"], took.fields["tokens"], took.fields["calls"]) == (1, 9, 3)


def test_a_scorer_that_is_not_there_is_told_with_the_nearest_one() -> None:
    kind = validator_kind({**SCORERS, "strict": strict})
    settings = kind.settings.model_validate({"scorer": "strikt", "of": "a"})
    assert list(kind.problems(settings)) == [("/scorer", "There is no scorer 'strikt'; did you mean 'strict'?")]
    assert [(one.pointer, one.name) for one in kind.nodes(settings)] == [("/of", "a")]
