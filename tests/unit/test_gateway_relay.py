"""From model to model: fallbacks, answers that broke off, silence, and what the reader hears of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    CapacityError,
    ContentRefusedError,
    RateLimitedError,
    SilentError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.generation import (
    AnswerBegun,
    AnswerRestarted,
    GenerationRequest,
    GenerationResult,
    Piece,
    TextDelta,
    ToolDelta,
)
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece
from agent_lab.contracts.registry import ModelSpec, Timeouts
from agent_lab.gateway.breaker import BreakerRules
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.patience import FIRST_TOKEN_S, patience
from agent_lab.gateway.splice import Splice
from agent_lab.registries.models import ModelRegistry
from support.runs import STRATEGIES
from support.skipped_time import loop_time, skipping_time

CUT = BrokenOffError("It was cut; ask again.")
WHOLE = ["one ", "two ", "three ", "four"]


class Stage:
    """A provider whose models do in each call what their next script says: say words, wait, fail, or answer."""

    def __init__(self, **scripts: list[list[Any]]) -> None:
        self.scripts = scripts
        self.calls: list[ModelCall] = []

    async def stream(self, call: ModelCall) -> AsyncIterator[ProviderPiece]:
        self.calls.append(call)
        script = self.scripts[call.model.key]
        said = []
        for act in script.pop(0) if len(script) > 1 else script[0]:
            if isinstance(act, Exception):
                raise act
            if isinstance(act, float):
                await asyncio.sleep(act)
                continue
            piece = TextDelta(act) if isinstance(act, str) else act
            said.append(piece.text if isinstance(piece, TextDelta) else "")
            yield piece
        yield ModelAnswer(text="".join(said), finish_reason="stop", prompt_tokens=5, completion_tokens=len(said))

    async def close(self) -> None:
        """Nothing is held."""

    def asked(self) -> list[str]:
        return [call.model.key for call in self.calls]


def lab(stage: Stage, *, breaker: BreakerRules | None = None, **rows: dict[str, Any]) -> ProviderGateway:
    """A gateway whose `first` falls back on `second`, then on `third`, as far as they have a script."""
    keys = [key for key in ("first", "second", "third") if key in stage.scripts]
    own: dict[str, dict[str, Any]] = {"first": {"fallbacks": keys[1:]}}
    specs = [ModelSpec(key=key, provider="stage", **{**own.get(key, {}), **rows.get(key, {})}) for key in keys]

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    return ProviderGateway(
        models=ModelRegistry(specs),
        strategies=STRATEGIES,
        providers={"stage": stage},
        defaults=GatewayDefaults(provider="stage"),
        breaker=breaker or BreakerRules(max_failures=100),
        clock=loop_time,
        sleep=at_once,
    )


ASK = GenerationRequest(prompt="Count.", model_key="first")


async def heard(gateway: ProviderGateway, request: GenerationRequest = ASK, **more: Any) -> list[Piece]:
    return [piece async for piece in gateway.stream(request, **more)]


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


def result_of(pieces: list[Piece]) -> GenerationResult:
    assert isinstance(pieces[-1], GenerationResult)
    return pieces[-1]


# --- before the first word ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (UnusableError("x"), ["first", "second"]),
        (SilentError("x"), ["first", "second"]),
        (CapacityError("x"), ["first", "second"]),
        (TooLargeError("x"), ["first", "second"]),
        (BrokenOffError("x"), ["first"] * 3 + ["second"]),
        (BusyError("x"), ["first"] * 3 + ["second"]),
        (BusyError("x", retry_after_s=60), ["first", "second"]),
    ],
)
async def test_what_one_model_cannot_do_another_does(error: Exception, asked: list[str]) -> None:
    stage = Stage(first=[[error]], second=[WHOLE])
    result = await lab(stage).generate(ASK)
    assert (result.text, result.model_key, result.asked_key) == ("one two three four", "second", "first")
    assert stage.asked() == asked
    assert [attempt.model_key for attempt in result.attempts] == asked
    assert result.attempts[-1].outcome == "ok"


@pytest.mark.parametrize("error", [ValidationError("Mend it."), ContentRefusedError("Not that.")])
async def test_a_rejected_request_goes_nowhere_else(error: Exception) -> None:
    stage = Stage(first=[[error]], second=[WHOLE])
    with pytest.raises(type(error)):
        await lab(stage).generate(ASK)
    assert stage.asked() == ["first"]


async def test_what_a_fallback_rejects_does_not_hide_why_the_model_asked_for_failed() -> None:
    stage = Stage(first=[[UnusableError("The first is away.")]], second=[[ValidationError("No such parameter.")]])
    with pytest.raises(UnusableError, match="The first is away"):
        await lab(stage).generate(ASK)


async def test_a_breaker_that_is_open_is_passed_by_without_a_wait() -> None:
    stage = Stage(first=[[UnusableError("x")]], second=[WHOLE])
    gateway = lab(stage, breaker=BreakerRules(max_failures=1, timeout_s=60))
    await gateway.generate(ASK)
    result = await gateway.generate(ASK)
    assert stage.asked() == ["first", "second", "second"]
    assert [(one.model_key, one.outcome) for one in result.attempts] == [("first", "held-back"), ("second", "ok")]


async def test_a_429_with_a_short_wait_is_waited_for_although_there_is_a_fallback() -> None:
    stage = Stage(first=[[RateLimitedError("x", retry_after_s=0.05)], WHOLE], second=[WHOLE])
    gateway = lab(stage)
    gateway._sleep = asyncio.sleep
    assert (await gateway.generate(ASK)).model_key == "first"
    assert stage.asked() == ["first", "first"]


# --- after the first word -----------------------------------------------------------------------------------------
async def test_a_flow_forgets_what_broke_off_and_hears_the_whole_answer_of_another() -> None:
    pieces = await heard(lab(Stage(first=[["eins ", "zwei ", CUT]], second=[WHOLE])))
    assert pieces[0] == AnswerBegun("first", "first", "stage")
    restart = pieces.index(AnswerRestarted("It was cut; ask again."))
    assert text_of(pieces[:restart]) == "eins zwei "
    assert pieces[restart + 1] == AnswerBegun("second", "second", "stage")
    assert text_of(pieces[restart:]) == result_of(pieces).text == "one two three four"


async def test_without_a_fallback_the_same_model_is_asked_for_a_new_answer() -> None:
    pieces = await heard(lab(Stage(first=[["one ", CUT], WHOLE])))
    assert result_of(pieces).text == "one two three four"
    assert [attempt.outcome for attempt in result_of(pieces).attempts] == ["broken-off", "ok"]


async def test_a_reader_that_cannot_forget_hears_the_rest_of_an_answer_that_begins_alike() -> None:
    stage = Stage(first=[["one ", "tw", CUT]], second=[["o", "ne two", " three ", "four"]])
    pieces = await heard(lab(stage), on_cut="continue")
    assert text_of(pieces) == result_of(pieces).text == "one two three four"
    assert not any(isinstance(piece, AnswerRestarted) for piece in pieces)
    assert result_of(pieces).model_key == "second"
    assert stage.asked() == ["first", "second"]


async def test_an_answer_in_other_words_is_never_glued_on() -> None:
    stage = Stage(first=[["one ", CUT]], second=[["uno ", "due"]], third=[["one more"]])
    pieces = await heard(lab(stage), on_cut="continue")
    assert text_of(pieces) == "one more"
    assert [attempt.outcome for attempt in result_of(pieces).attempts] == ["broken-off", "broken-off", "ok"]
    stage = Stage(first=[["one ", CUT]], second=[["uno ", "due"]])
    with pytest.raises(BrokenOffError, match="It was cut"):
        await heard(lab(stage), on_cut="continue")


async def test_other_words_are_no_sickness_of_the_model_that_says_them() -> None:
    stage = Stage(first=[["one ", CUT]], second=[["uno ", "due"]])
    gateway = lab(stage, breaker=BreakerRules(max_failures=2))
    for _ in range(2):
        with pytest.raises(BrokenOffError):
            await heard(gateway, on_cut="continue")
    assert gateway.breakers() == {"first": "open", "second": "closed"}


async def test_an_answer_shorter_than_what_was_heard_is_another_one() -> None:
    stage = Stage(first=[["one two ", CUT]], second=[["one"]])
    with pytest.raises(BrokenOffError):
        await heard(lab(stage), on_cut="continue")


async def test_a_model_that_continues_is_given_the_beginning_and_repeats_nothing() -> None:
    stage = Stage(first=[["one two ", CUT]], second=[["three ", "four"]])
    pieces = await heard(lab(stage, second={"continues": True}), on_cut="continue")
    assert text_of(pieces) == result_of(pieces).text == "one two three four"
    assert stage.calls[1].prefix == "one two "


async def test_a_flow_never_continues_from_a_beginning_that_it_has_forgotten() -> None:
    stage = Stage(first=[["eins ", CUT]], second=[WHOLE])
    pieces = await heard(lab(stage, second={"continues": True}))
    assert stage.calls[1].prefix == ""
    assert result_of(pieces).text == "one two three four"


async def test_calls_of_tools_that_broke_off_are_an_error_and_not_joined() -> None:
    stage = Stage(first=[[ToolDelta(0, "id", "look"), CUT]], second=[WHOLE])
    with pytest.raises(BrokenOffError):
        await heard(lab(stage), on_cut="continue")
    assert stage.asked() == ["first"]
    stage = Stage(first=[[ToolDelta(0, "id", "look"), CUT]], second=[WHOLE])
    assert result_of(await heard(lab(stage))).text == "one two three four"


# --- silence ------------------------------------------------------------------------------------------------------
@skipping_time
async def test_a_slow_first_token_and_a_stall_send_the_request_elsewhere() -> None:
    times = Timeouts(first_token_s=0.05, idle_s=0.05)
    slow = Stage(first=[[5.0, *WHOLE]], second=[WHOLE])
    result = await lab(slow, first={"timeouts": times}).generate(ASK.model_copy())
    assert result.model_key == "first"  # nobody reads along: the answer comes whole, and there is no first token
    result = result_of(await heard(lab(slow, first={"timeouts": times})))
    assert [one.outcome for one in result.attempts] == ["silent", "ok"]
    stalled = Stage(first=[["one ", 5.0, "two "]], second=[WHOLE])
    pieces = await heard(lab(stalled, first={"timeouts": times}), on_cut="continue")
    assert text_of(pieces) == "one two three four"


@skipping_time
async def test_thinking_is_no_silence() -> None:
    thinking = [0.04, TextDelta(""), 0.04, TextDelta(""), 0.04, "done"]
    times = Timeouts(first_token_s=0.08, idle_s=0.08)
    pieces = await heard(lab(Stage(first=[thinking], second=[WHOLE]), first={"timeouts": times}))
    assert result_of(pieces).model_key == "first"
    assert [piece.text for piece in pieces if isinstance(piece, TextDelta)] == ["done"]


@skipping_time
async def test_one_deadline_is_over_all_tries_and_all_models() -> None:
    stage = Stage(first=[[0.08, CUT]], second=[[0.08, CUT]], third=[[0.08, CUT]])
    request = ASK.model_copy(update={"constraints": ASK.constraints.model_copy(update={"latency_budget_s": 0.2})})
    began = loop_time()
    with pytest.raises(AgentLabError):
        await lab(stage).generate(request)
    assert loop_time() - began == pytest.approx(0.2)
    assert len(stage.calls) == 3


def test_who_has_nobody_else_is_waited_for() -> None:
    hosted = ModelSpec(key="h", provider="far")
    alone = patience(hosted, elsewhere=False, streamed=True, max_tokens=100)
    assert (alone.header_s, alone.first_token_s) == (None, None)
    assert patience(hosted, elsewhere=True, streamed=True, max_tokens=100).first_token_s == FIRST_TOKEN_S
    own = hosted.model_copy(update={"timeouts": Timeouts(first_token_s=90)})
    assert patience(own, elsewhere=True, streamed=True, max_tokens=100).first_token_s == 90
    local = ModelSpec(key="l", provider="local", context_window=10)
    assert patience(local, elsewhere=True, streamed=True, max_tokens=100).first_token_s is None  # it may be loading


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_a_longer_answer_in_one_piece_is_waited_for_longer(fewer: int, more: int) -> None:
    hosted = ModelSpec(key="h", provider="far")
    waits = [
        patience(hosted, elsewhere=True, streamed=False, max_tokens=tokens).header_s or 0.0
        for tokens in sorted((fewer, more))
    ]
    assert 30 <= waits[0] <= waits[1]


# --- joining ------------------------------------------------------------------------------------------------------
@given(st.text("ab ", max_size=8), st.lists(st.text("ab ", max_size=4), max_size=8))
def test_a_join_is_exact_or_refused(said: str, pieces: list[str]) -> None:
    splice, new, whole = Splice(said), [], "".join(pieces)
    for piece in pieces:
        text = splice.feed(piece)
        if text is None:
            assert not said.startswith(whole)
            assert not whole.startswith(said)
            return
        new.append(text)
    assert splice.is_complete == whole.startswith(said)
    if splice.is_complete:
        assert said + "".join(new) == whole
    else:
        assert "".join(new) == ""
