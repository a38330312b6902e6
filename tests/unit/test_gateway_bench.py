"""The bench's own instruments: a soak that could not see a cut answer would praise any gateway."""

import asyncio
import json

import pytest
from benchmarks.gateway.loopback import Caller, Reply, chat_request
from benchmarks.gateway.table import AGAIN, Bound, noise
from benchmarks.gateway_soak.reading import outcome
from benchmarks.gateway_soak.upstream import FAULTS, Asked, Upstream, answer_to, listening

RIGHT = answer_to(7)
WHOLE_ANSWERS = {"no-done"}
"""Faults after which the text is whole all the same."""


def _reply(body: bytes, *, status: int = 200, whole: bool = True) -> Reply:
    return Reply(status=status, body=body, whole=whole, first_word_s=None, total_s=0.1)


def _sse(*events: object) -> bytes:
    return b"".join(f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n".encode() for one in events)


def _words(text: str) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


async def _asked_directly(upstream: Upstream, *, stream: bool, patience_s: float = 30.0) -> Reply:
    async with listening(upstream):
        caller = Caller(upstream.port)
        body = {"model": "m", "messages": [{"role": "user", "content": "Call 7."}], "stream": stream}
        async with asyncio.timeout(patience_s):
            return await caller.ask(chat_request("/v1/chat/completions", body))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_right_answer_is_seen_as_answered(stream: bool) -> None:
    reply = await _asked_directly(Upstream(seed="a"), stream=stream)
    assert outcome(reply, RIGHT, stream=stream) == ("answered", "")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [one for one in FAULTS if one not in {"silent", "stalled", *WHOLE_ANSWERS}])
async def test_no_fault_of_a_provider_passes_for_an_answer(fault: str, stream: bool) -> None:
    reply = await _asked_directly(Upstream(seed="a", always=fault), stream=stream)
    assert outcome(reply, RIGHT, stream=stream)[0] in {"refused", "unclear"}


@pytest.mark.parametrize("fault", ["silent", "stalled"])
async def test_a_silent_provider_is_silent_until_its_caller_leaves(fault: str) -> None:
    with pytest.raises(TimeoutError):
        await _asked_directly(Upstream(seed="a", always=fault), stream=True, patience_s=1.0)


async def test_a_provider_goes_on_from_the_beginning_it_is_given() -> None:
    prefix = RIGHT[:30]
    asked = {"messages": [{"role": "user", "content": "Call 7."}, {"role": "assistant", "content": prefix}]}
    assert prefix + Asked.read(json.dumps(asked).encode()).text() == RIGHT


@pytest.mark.parametrize("text", [RIGHT[:-1], RIGHT + RIGHT, RIGHT[:40] + RIGHT, answer_to(8), ""])
def test_a_success_with_another_text_is_seen_as_truncated(text: str) -> None:
    assert outcome(_reply(_sse(_words(text), "[DONE]")), RIGHT, stream=True)[0] == "truncated"


def test_an_error_within_a_stream_is_a_refusal_whatever_came_before() -> None:
    body = _sse(_words(RIGHT), {"error": {"message": "broken off", "code": "broken-off"}})
    assert outcome(_reply(body), RIGHT, stream=True) == ("refused", "in band: broken-off")


def test_a_stream_that_just_ends_is_neither_answer_nor_error() -> None:
    assert outcome(_reply(_sse(_words(RIGHT))), RIGHT, stream=True)[0] == "unclear"
    assert outcome(_reply(_sse(_words(RIGHT), "[DONE]"), whole=False), RIGHT, stream=True)[0] == "unclear"


def test_chance_strikes_the_same_tries_whoever_comes_first() -> None:
    calls = range(200)
    one, other = Upstream(seed="1/4", share=0.5), Upstream(seed="1/4", share=0.5)
    forwards = {call: one.fault(call) for call in calls}
    assert {call: other.fault(call) for call in reversed(calls)} == forwards
    assert 60 < sum(fault is not None for fault in forwards.values()) < 140


@pytest.mark.parametrize(("value", "again", "word"), [(10.0, 10.4, "pass"), (16.0, 16.1, "FAIL"), (10.0, 10.6, "void")])
def test_a_figure_that_differs_from_itself_is_void(value: float, again: float, word: str) -> None:
    bound = Bound(what="CPU", value=value, at_most=15.0, unit="us", rests_on=("call_us",))
    assert bound.word(noise({"call_us": {"agent-lab": value, AGAIN: again}})) == word
