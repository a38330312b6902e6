import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.nodes.human import HUMAN, chosen_index
from support.steps import lone_step, problems, said, turn

SHIP = {
    "kind": "human",
    "question": {"en": "Ship {draft_output}?", "es": "¿Publicar {draft_output}?"},
    "choices": [{"en": "Yes", "es": "Sí"}, "No"],
    "default": "No",
}


async def test_a_person_is_asked_in_the_language_of_the_run_and_the_choice_is_a_number_in_any_language() -> None:
    step = lone_step(SHIP, "draft", person="sí")
    output = await turn(HUMAN, step, {"draft": said("it")}, language="es")
    assert step.asked == [("¿Publicar it?", ("Sí", "No"), "No")]
    assert (output.text, output.fields) == ("Sí", {"answer": "Sí", "choice": 0})


async def test_without_choices_any_text_is_the_answer() -> None:
    step = lone_step({"kind": "human", "question": "What?"}, person=" As I said: {user_input} ")
    output = await turn(HUMAN, step)
    assert (output.text, output.fields["choice"]) == (" As I said: {user_input} ", None)


async def test_an_answer_that_is_none_of_the_choices_has_no_number() -> None:
    output = await turn(HUMAN, lone_step(SHIP, "draft", person="perhaps"), {"draft": said("it")})
    assert output.fields == {"answer": "perhaps", "choice": None}


async def test_a_name_without_a_value_is_told_with_a_way_out() -> None:
    step = lone_step({"kind": "human", "question": "{draft.issues}?"}, "draft")
    with pytest.raises(ValidationError, match=r"\{draft.issues\} has no value in node 'it'; write \{\?draft.issues\}"):
        await turn(HUMAN, step, {"draft": said("it")})


def test_choices_that_cannot_be_told_apart_and_a_default_that_is_none_are_problems() -> None:
    assert problems(HUMAN, **{name: value for name, value in SHIP.items() if name != "kind"}) == []
    told = problems(HUMAN, question="?", choices=["Yes", "yes ", " "], default="maybe")
    assert [place for place, _ in told] == ["/choices/1", "/choices/2", "/default"]


@given(st.lists(st.text(min_size=1), max_size=5), st.text())
def test_a_choice_is_found_exactly_where_its_letters_are_the_same(choices: list[str], answer: str) -> None:
    index = chosen_index(answer, choices)
    same = [number for number, one in enumerate(choices) if one.strip().casefold() == answer.strip().casefold()]
    assert index == (same[0] if same else None)
