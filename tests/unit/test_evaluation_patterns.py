import signal
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.evaluation.scorers.patterns import LONGEST_S, TOO_LONG, WAIT_S, PatternScorer
from agent_lab.gateway.text import clean


def regex(pattern: str | None, **more: object) -> PatternScorer:
    return PatternScorer(ScorerSpec.model_validate({"name": "regex", "pattern": pattern, **more}))


def item(target: str | None) -> Item:
    return Item(id="i", input="?", target=target)


@pytest.mark.parametrize(
    ("pattern", "text", "target", "choice", "right"),
    [
        (r"colou?r is (\w+)", "Its colour is Red.", "red", "Red", True),
        (r"\d+", "12 or 13", "12", "12", True),
        (r"(a)|(b)", "b", "b", "b", True),
        (r"\d+", "none", "12", None, False),
        (r"^answer:\s*{target}\b", "answer: 5 (ok)", "5", "answer: 5 (ok)", True),
        (r"{target}", "x.y", "x.y", "x.y", True),
        (r"{target}", "xzy", "x.y", "xzy", False),
    ],
)
async def test_a_pattern_finds_the_answer_or_holds_the_target(
    pattern: str, text: str, target: str, choice: str | None, right: bool
):
    scorer = regex(pattern)
    told = await scorer.score(text, item(target))
    assert (told.choice, told.score) == (choice, float(right))
    assert scorer.read(text) == choice
    scorer.close()


async def test_case_counts_where_it_is_asked_for():
    assert (await regex(r"(\w+)", ignore_case=False).score("Red", item("red"))).score == 0.0


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (None, "needs a pattern"),
        ("(a", "no regular expression"),
        (r"(a+)+$", "within a repeat"),
        (r"(\s*)*x", "a repeat"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str | None, said: str):
    with pytest.raises(ValidationError, match=said):
        regex(pattern)


async def test_a_pattern_that_takes_too_long_on_an_answer_is_ended_and_the_next_answer_is_read():
    scorer = regex(r"(z+)+$")  # no text that is tried beforehand shows it
    assert (await scorer.score("z", item("z"))).score == 1.0
    begun = time.perf_counter()
    told = await scorer.score("z" * 40 + "!", item("z"))
    took = time.perf_counter() - begun
    assert (told.score, told.note) == (0.0, TOO_LONG)
    assert took < WAIT_S + 20  # it would go on for years
    assert (await scorer.score("z", item("z"))).score == 1.0
    assert scorer.read("z" * 40 + "!") is None


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_an_answer_that_waits_for_the_processor_is_not_wrong_for_that():
    scorer = regex(r"is (\d+)")
    (process,) = scorer._child._running
    process.send_signal(signal.SIGSTOP)
    goes_on = threading.Timer(LONGEST_S + 0.5, process.send_signal, [signal.SIGCONT])
    goes_on.start()
    assert (await scorer.score("it is 4", item("4"))).score == 1.0
    goes_on.join()


async def test_thousands_of_answers_are_scored_by_one_process():
    scorer = regex(r"is (\d+)")
    await scorer.score("it is 4", item("4"))
    begun = time.process_time()
    for number in range(1000):
        assert (await scorer.score(f"it is {number}", item(str(number)))).score == 1.0
    assert time.process_time() - begun < 2


SCORER = regex(r"x?(\w+)")


@given(st.text(max_size=100), st.text(max_size=100).map(clean))
@settings(max_examples=50, deadline=None)
async def test_no_text_and_no_target_makes_it_fail(text: str, target: str):
    assert (await SCORER.score(text, item(target))).score in {0.0, 1.0}
