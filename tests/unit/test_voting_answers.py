"""Long answers vote by what stands behind their last "Answer:", however it is written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.nodes.voting.choices import final_answer, normalized


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("47+38: 7+8=15\nAnswer: 85", "85"),
        ("answer: 85.", "85"),
        ("**Answer:** 85 apples", "85"),
        ("**Final answer**: 85.0", "85"),
        ("- The final answer: $1,250.50", "1250.5"),
        ("Respuesta: París.", "parís"),
        ("La respuesta final: parís", "parís"),
        ("Answer: 4\nNo, wait.\nAnswer: 5", "5"),
        ("Answer: 3 dogs and 2 cats", "3 dogs and 2 cats"),
        ("Answer: -1/2", "-0.5"),
        ("Answer:\nIt is Paris.", "it is paris"),
        ("I think that\nit is Paris!", "it is paris"),
        ("My answer: none of these", "my answer none of these"),
        ("The answer is 12, for 3 times 4 is 12.\nAnswer: 12", "12"),
        ("Answer: yes", "yes"),
        ("Answer: **", "answer"),
        ("", None),
        (" \n ", None),
        ("...", None),
    ],
)
def test_an_answer_votes_by_its_last_word_on_the_matter(text: str, choice: str | None) -> None:
    assert normalized(text, "answer") == choice


@given(st.text(), st.sampled_from(["85", "parís", "yes", "no way"]))
def test_what_comes_before_the_answer_does_not_change_the_vote(before: str, said: str) -> None:
    assert final_answer(f"{before}\nAnswer: {said}") == said


def test_a_megabyte_of_anything_is_read_at_once() -> None:
    for piece in ("9", "Answer:", "\n", "* ", "Answer: 9 ", "a\n"):
        began = time.process_time()
        final_answer(piece * (1_000_000 // len(piece)))
        assert time.process_time() - began < 1.0, piece
