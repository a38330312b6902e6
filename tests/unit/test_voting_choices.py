import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.nodes.voting.choices import LONGEST_CHARS, Normalize, normalized
from agent_lab.nodes.voting.figures import last_figure

WAYS: tuple[Normalize, ...] = ("number", "choice", "code", "text")


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("47+38=85\nAnswer: 85", "85"),
        ("It is 42.", "42"),
        ("**12**", "12"),
        ("1,234", "1234"),
        ("1,234,567.890", "1234567.89"),
        ("1.234,5", "1234.5"),
        ("1.000.000", "1000000"),
        ("3,5", "3.5"),
        ("0,500", "0.5"),
        ("1.234", "1.234"),
        ("1'000", "1000"),
        ("12\u202f345", "12345"),
        ("100 200", "200"),
        ("1,2,3", "3"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("+5", "5"),
        ("-$1,000", "-1000"),
        ("$-5", "-5"),
        ("8-3", "3"),
        ("(7)", "7"),
        ("50 %", "50"),
        ("5kg", "5"),
        (".5", "0.5"),
        ("1.50", "1.5"),
        ("007", "7"),
        ("2/4", "0.5"),
        ("1/3", "1/3"),
        ("-2/6", "-1/3"),
        ("1 3/4", "1.75"),
        ("1.5e3", "1500"),
        ("2e-2", "0.02"),
        ("24/11/2026", "2026"),
        ("1/0", "1/0"),
        ("gpt4 and x2", None),
        ("none at all", None),
        ("", None),
    ],
)
def test_the_last_figure_is_read_however_it_is_written(text: str, figure: str | None) -> None:
    assert last_figure(text) == figure


@given(st.fractions(max_denominator=50, min_value=-10_000, max_value=10_000))
def test_equal_figures_are_one_choice(value: Fraction) -> None:
    written = {
        last_figure(f"{value.numerator}/{value.denominator}"),
        last_figure(f"so {3 * value.numerator}/{3 * value.denominator}."),
    }
    assert len(written) == 1
    assert Fraction(str(written.pop())) == value


@given(st.integers(-(10**12), 10**12))
def test_thousands_do_not_matter(number: int) -> None:
    assert last_figure(f"It is {number:,}.") == last_figure(f"It is {number}") == str(number)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("B", "B"),
        ("**C**", "C"),
        ("(D) because", "D"),
        ("The answer is B. A reason is its age.", "B"),
        ("A good answer: C", "C"),
        ("I think B rather than C.", "C"),
        ("So \\boxed{D}", "D"),
        ("Option A is right", "A"),
        ("La respuesta es C porque A no vale", "C"),
        ("A reason is missing", None),
        ("b", None),
        ("F", None),
    ],
)
def test_a_letter_is_found_behind_the_word_answer_or_last(text: str, choice: str | None) -> None:
    assert normalized(text, "choice") == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("yes", "Yes"),
        ("I would say YES!", "Yes"),
        ("not sure, after all", "not sure"),
        ("Answer: no. One could say yes.", "No"),
        ("yes or no? no", "No"),
        ("nothing", None),
    ],
)
def test_a_choice_is_found_as_it_is_written_in_the_settings(text: str, choice: str | None) -> None:
    assert normalized(text, "choice", ("Yes", "No", "not sure")) == choice


def test_programs_that_differ_by_layout_and_comments_are_one_choice() -> None:
    one = "Here:\n```python\ndef f(a):  # adds\n    return a + '# 1'\n```\nDone."
    other = "```py\n# again\ndef f( a ):\n  return a+'# 1'\n```"
    assert normalized(one, "code") == normalized(other, "code") == "def f(a):return a+'# 1'"
    assert normalized("```python\nx = a // b\n```", "code") != normalized("```python\nx = a // c\n```", "code")
    assert normalized("```c\nx = 1; // one\n```", "code") == normalized("```c\nx=1; /* two */\n```", "code") == "x=1;"


def test_texts_that_differ_by_case_punctuation_and_spaces_are_one_choice() -> None:
    assert normalized("¡Hola,  Mundo!", "text") == normalized("hola mundo", "text") == "hola mundo"
    assert normalized("Sí", "text") != normalized("Si", "text")
    assert normalized(" ... ", "text") is None


@given(st.text(max_size=200), st.sampled_from(WAYS))
def test_a_choice_of_the_text_normaliser_is_its_own_choice(text: str, how: Normalize) -> None:
    choice = normalized(text, how)
    assert choice is None or 0 < len(choice) <= LONGEST_CHARS
    if how == "text" and choice is not None:
        assert normalized(choice, "text") == choice


def test_long_texts_that_differ_at_their_end_stay_apart_and_short_enough_for_a_table() -> None:
    one, other = normalized("word " * 500 + "a", "text"), normalized("word " * 500 + "b", "text")
    assert one != other
    assert len(str(one)) <= LONGEST_CHARS


LONG = ("9", "1,", "1/", "-", "'\\", "/* ", "```a\n", "A ", "answer ", " ", '"')


@pytest.mark.parametrize("text", [piece * (1_000_000 // len(piece)) for piece in LONG], ids=LONG)
@pytest.mark.parametrize("how", WAYS)
def test_no_text_takes_long(text: str, how: Normalize) -> None:
    began = time.process_time()
    normalized(text, how, ("yes", "no"))
    assert time.process_time() - began < 2
