import random
import re
from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from training.columns import LARGEST, columns, result, worked
from training.dialogues import (
    compared,
    critique,
    flagged,
    refined,
    slipped,
    solved,
    solved_by_columns,
    values_of,
    with_slips,
)
from training.stories import normalised, plain_sums, split_of, stories

from agent_lab.demo.domain import refusal
from agent_lab.demo.problems import held_out

SUM = re.compile(r"(\d+(?:[+*-]\d+)+)=(\d+)")
numbers = st.integers(0, LARGEST)


def told(count: int, seed: int = 1):
    return list(islice(stories(seed, "train"), count))


def true_sums(text: str) -> bool:
    return all(eval(sum_, {}) == int(value) for sum_, value in SUM.findall(text))


def test_the_generators_answers_are_right_and_in_range():
    for story in told(500):
        value = story.start
        for op, operand in story.steps:
            value = eval(f"{value}{op}{operand}", {})
            assert 0 <= value <= LARGEST
        assert story.answer == value
        assert true_sums("\n".join(story.lines))


def test_a_story_tells_its_numbers_and_plain_sums_keep_to_the_order_of_operations():
    for story in told(300):
        asked = sorted(int(number) for number in re.findall(r"\d+", story.question))
        assert asked == sorted([story.start, *(operand for _, operand in story.steps)])
        symbols = re.search(r"\d[\d +*-]*\d", story.question)
        if symbols and set(symbols.group()) & set("+-*"):
            assert eval(symbols.group(), {}) == story.answer


def test_training_never_meets_a_held_out_problem():
    kept = {normalised(problem.input) for problem in held_out()}
    sums = {tuple(problem.steps) for problem in held_out()}
    for story in [*told(18_000, seed=2), *islice(plain_sums(2, "train"), 2_000)]:
        assert normalised(story.question) not in kept
        assert tuple(story.lines) not in sums
        assert split_of(story.start, story.steps) == "train"


def test_one_seed_gives_one_stream_and_every_question_is_in_the_domain():
    assert told(200) == told(200)
    assert [story.question for story in told(500, seed=3) if refusal(story.question)] == []


@given(numbers, st.sampled_from("+-*"), numbers)
def test_column_work_is_true(a: int, op: str, b: int):
    b = b % 10 if op == "*" else b
    assume(op != "-" or a >= b)
    assert true_sums("\n".join(columns(a, op, b)))
    assert worked(a, op, b).startswith(f"{a}{op}{b}: ")
    assert worked(a, op, b).endswith(f", so {result(a, op, b)}")
    digits = [column.rpartition("=")[2] for column in columns(a, op, b)]
    joined = digits[-1] + "".join(digit[-1] for digit in reversed(digits[:-1]))
    assert int(joined) == result(a, op, b) or op == "+"


@given(st.integers(0, 10_000))
def test_a_slipped_draft_is_flagged_at_its_first_wrong_line_and_repaired(seed: int):
    story = next(stories(seed, "train"))
    draft = with_slips(story, random.Random(seed))
    check = critique(story, draft)
    if check.wrong_line is None:  # a misread step can hit the right value by chance
        assert values_of(draft)[1] == str(story.answer)
        return
    assert flagged(check.text)
    assert true_sums(check.text)
    assert refined(story, check.wrong_line).endswith(f"Answer: {story.answer}")
    assert true_sums(refined(story, check.wrong_line))


def test_a_right_draft_passes_and_is_repeated():
    for story in told(100):
        check = critique(story, solved(story))
        assert not flagged(check.text)
        assert refined(story, check.wrong_line) == solved(story)
        assert true_sums(solved_by_columns(story))


def test_a_draft_with_missing_lines_or_a_stray_answer_is_flagged():
    story = next(story for story in told(50) if len(story.steps) == 3)
    assert flagged(critique(story, "\n".join([story.lines[0], f"Answer: {story.answer}"])).text)
    stray = critique(story, "\n".join([*story.lines, f"Answer: {story.answer + 1}"]))
    assert stray.text.endswith(f"Verdict: the answer is wrong, it is {story.answer}.")
    assert stray.wrong_line == 3


@pytest.mark.parametrize(
    ("right", "value", "said"),
    [
        ("302", "302", " 2/2, 0/0, 3/3 right"),
        ("302", "292", " 2/2, 0/9 wrong"),
        ("302", "2", " 2/2, 0/- wrong"),
        ("2", "302", " 2/2, -/0 wrong"),
        ("302", "none", " 2/- wrong"),
    ],
)
def test_digits_are_compared_up_to_the_first_that_differ(right: str, value: str, said: str):
    assert compared(right, value) == said


@pytest.mark.parametrize("value", [0, 7, 10, 99, 100, 555, 999])
def test_a_slip_is_another_number(value: int):
    slips = {slipped(random.Random(seed), value) for seed in range(300)}
    assert value not in slips
    assert min(slips) >= 0
