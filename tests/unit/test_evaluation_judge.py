import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import SilentError
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, OnCut, Piece, Usage
from agent_lab.evaluation.scorers.families import family_of, same_family
from agent_lab.evaluation.scorers.judge import PairJudge
from support.steps import answered

QUESTION = Item(id="q1", input="What is the tallest tree?", target="a redwood")
Verdict = Callable[[str, str], str]


class Bench:
    """Answers as a judge would, by the two texts in the order in which they are shown."""

    def __init__(self, verdict: Verdict, usage: Usage | None = None) -> None:
        self._verdict = verdict
        self._usage = usage or Usage(prompt_tokens=10, completion_tokens=3)
        self.asked: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        self.asked.append(request)
        one = request.prompt.split("1:\n", 1)[1].split("\n\n", 1)[0]
        other = request.prompt.split("2:\n", 1)[1].split("\n\n", 1)[0]
        return answered(self._verdict(one, other)).model_copy(update={"usage": self._usage})

    def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncIterator[Piece]:
        raise NotImplementedError

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        return None


def prefers(best: str) -> Verdict:
    return lambda one, other: json.dumps({"why": "so", "winner": "1" if best in one else "2"})


def judge(verdict: Verdict, language: str = "en", **spec: object) -> tuple[PairJudge, Bench]:
    bench = Bench(verdict)
    return PairJudge(ScorerSpec.model_validate({"name": "judge", **spec}), bench, language=language), bench


@pytest.mark.parametrize(("best", "score"), [("redwood", 1.0), ("oak", 0.0)])
@pytest.mark.parametrize("language", ["en", "es"])
async def test_who_is_preferred_in_both_orders_wins(best: str, score: float, language: str):
    one, bench = judge(prefers(best), language, model="referee")
    told = await one.compare(QUESTION, "A redwood.", "An oak.")
    assert (told.score, told.note) == (score, None)
    shown = [request.prompt.index("A redwood.") < request.prompt.index("An oak.") for request in bench.asked]
    assert sorted(shown) == [False, True]
    assert {request.model_key for request in bench.asked} == {"referee"}


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ('{"why": "first", "winner": "1"}', "the verdict changed with the order"),
        ('{"why": "none", "winner": "tie"}', None),
        ("I like both of them.", "a verdict could not be read"),
        ("", "a verdict could not be read"),
    ],
)
async def test_a_flip_a_tie_and_what_cannot_be_read_are_ties(said: str, note: str | None):
    one, _ = judge(lambda *_: said)
    told = await one.compare(QUESTION, "A redwood.", "An oak.")
    assert (told.score, told.note) == (0.5, note)


async def test_one_unreadable_verdict_of_two_is_a_tie():
    one, _ = judge(lambda first, _: '{"why": "", "winner": "1"}' if "redwood" in first else "hm")
    assert (await one.compare(QUESTION, "A redwood.", "An oak.")).note == "a verdict could not be read"


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [("same", " same\n", 0.5), (None, None, 0.5), ("", "an oak", 0.0), ("a redwood", None, 1.0)],
)
async def test_nobody_is_asked_where_nothing_is_to_be_judged(answer: str | None, reference: str | None, score: float):
    one, bench = judge(prefers("x"))
    assert (await one.compare(QUESTION, answer, reference)).score == score
    assert bench.asked == []


async def test_names_of_arms_are_never_told_and_the_criterion_is():
    one, bench = judge(prefers("redwood"), question="it names {target}.")
    await one.compare(QUESTION, "A redwood.", "An oak.")
    prompt = bench.asked[0].prompt
    assert "it names a redwood." in prompt
    assert not any(word in prompt.casefold() for word in ("baseline", "reference", "arm ", "flow"))


async def test_what_stands_in_an_answer_is_no_template():
    one, bench = judge(prefers("redwood"))
    await one.compare(QUESTION, "A redwood {candidate_2} {user_input} {{x}}", "An oak.")
    assert all("A redwood {candidate_2} {user_input} {{x}}" in request.prompt for request in bench.asked)


async def test_the_same_comparison_is_the_same_requests():
    one, bench = judge(prefers("redwood"))
    for _ in range(2):
        await one.compare(QUESTION, "A redwood.", "An oak.")
    assert bench.asked[:2] == bench.asked[2:]


async def test_what_the_judge_takes_is_summed_apart():
    usage = Usage(prompt_tokens=9, completion_tokens=2, cost_usd=Decimal("0.01"))
    one = PairJudge(ScorerSpec(name="judge"), Bench(prefers("redwood"), usage))
    await one.compare(QUESTION, "A redwood.", "An oak.")
    assert (one.spent.calls, one.spent.prompt_tokens, one.spent.completion_tokens) == (2, 18, 4)
    assert one.spent.cost_usd == Decimal("0.02")
    unpriced, _ = judge(prefers("redwood"))
    await unpriced.compare(QUESTION, "A redwood.", "An oak.")
    assert unpriced.spent.cost_usd is None


async def test_a_judge_that_cannot_be_asked_is_no_tie():
    def broken(*_: str) -> str:
        raise SilentError("The judge says nothing.")

    one, _ = judge(broken)
    with pytest.raises(SilentError):
        await one.compare(QUESTION, "A redwood.", "An oak.")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
@settings(deadline=None)
async def test_no_text_makes_it_fail(answer: str, reference: str, verdict: str):
    one, _ = judge(lambda *_: verdict)
    assert (await one.compare(QUESTION, answer, reference)).score in {0.0, 0.5, 1.0}


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini", "gpt"), ("openai/o3", "gpt"), ("o4-mini", "gpt"), ("claude-sonnet-4", "claude"),
        ("anthropic/claude-3.5-haiku", "claude"), ("meta-llama/Llama-3.2-1B-Instruct", "llama"),
        ("llama3.1-8b", "llama"),
        ("Qwen/Qwen3-8B", "qwen"), ("qwen2.5-coder-7b", "qwen"), ("mistralai/Mixtral-8x7B", "mistral"),
        ("mistral7b", "mistral"), ("deepseek-r1-distill-qwen-7b", "deepseek"), ("builtin:demo", "demo"),
        ("google/gemma-3-4b", "gemini"), ("microsoft/phi-4", "phi"), ("acme/wonder-1", "wonder"), ("7b", "b"), ("", ""),
    ],
)  # fmt: skip
def test_the_family_of_a_model(model: str, family: str):
    assert family_of(model) == family


def test_a_judge_of_a_contestants_family_is_told_of():
    assert same_family("gpt-4o", ["Qwen/Qwen3-8B", "demo"]) is None
    told = same_family("Qwen/Qwen3-14B", ["qwen3-0.6b", "llama3-8b"])
    assert told is not None
    assert "same family (qwen) as qwen3-0.6b" in told
