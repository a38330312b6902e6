import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.nodes.analyzer import task_type
from agent_lab.nodes.validator import score_answer, wait_before_retry_s


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
