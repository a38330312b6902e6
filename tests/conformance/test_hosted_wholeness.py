"""Half an answer is never told as a whole, whatever stands in place of the other half."""

import json
from collections.abc import Sequence

import pytest

from agent_lab.contracts.errors import AgentLabError, BrokenOffError, RateLimitedError, UnusableError
from agent_lab.contracts.ports import ModelAnswer
from support.hosted import Kind, answer_of, error_of
from support.vendor_faults import JSON, Behaviour
from support.vendor_protocols import events_of, reply_to

pytest_plugins = ("support.hosted_fixtures",)

PATHS = {"openai": "/chat/completions", "anthropic": "/messages", "responses": "/responses"}
EVENTS = {"content-type": "text/event-stream"}
PING = '{"type": "ping", "choices": []}'
WORD = "response.output_text.delta"


def told(kind: Kind, text: str = "one two three") -> list[str]:
    return events_of(PATHS[kind], reply_to(Behaviour(text=text), {}))


async def answer_to(kind: Kind, events: Sequence[str], **more: object) -> ModelAnswer:
    return await answer_of(kind, **{"status": "200 OK", "headers": EVENTS, "body": "".join(events), **more})


@pytest.mark.parametrize("line", ["upstream connect error", '{"error": "timeout"}', "dat", "<html>"])
async def test_a_line_that_is_no_event_breaks_the_answer_off(kind: Kind, line: str) -> None:
    error = await error_of(kind, insert=f"{PING}\n{line}")
    assert isinstance(error, BrokenOffError)
    assert "a piece of it cannot be read" in error.message


async def test_such_a_line_after_the_last_word_costs_nothing(kind: Kind) -> None:
    for size in (1, 10**6):
        answer = await answer_to(kind, [*told(kind), "bye\n\n"], piece_bytes=size)
        assert (answer.text, answer.usage_known) == ("one two three", True)


@pytest.mark.parametrize("declared", ["text/event-stream", "text/plain"])
async def test_a_stream_may_begin_with_the_mark_of_utf8(kind: Kind, declared: str) -> None:
    for size in (1, 10**6):
        headers = {"content-type": declared}
        answer = await answer_to(kind, ["\ufeff", *told(kind)], headers=headers, piece_bytes=size)
        assert answer.text == "one two three"


@pytest.mark.parametrize("chunk", ["{}", '{"choices": null}', '{"id": "x", "object": "chat.completion.chunk"}'])
async def test_a_chunk_that_tells_nothing_breaks_the_answer_off(streamed: bool, chunk: str) -> None:
    error = await error_of("openai", streamed=streamed, insert=chunk)
    assert isinstance(error, BrokenOffError)
    assert "a piece of it cannot be read" in error.message


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        ('{"object": "error", "message": "Slow down", "code": 429}', RateLimitedError),
        ('{"message": "Slow down", "code": "rate_limit_exceeded"}', RateLimitedError),
        ('{"message": "Slow down", "type": "rate_limit_error", "code": null}', RateLimitedError),
        ('{"code": "429"}', RateLimitedError),
        ('{"object": "error", "code": "insufficient_quota"}', UnusableError),
        ('{"message": "Boom"}', BrokenOffError),
    ],
)
async def test_an_error_without_an_envelope_is_told_by_its_own_words(
    streamed: bool, chunk: str, expected: type[AgentLabError]
) -> None:
    error = await error_of("openai", streamed=streamed, insert=chunk)
    assert type(error) is expected
    assert "cannot be read" not in error.message


@pytest.mark.parametrize("chunk", ['{"choices": [], "prompt_filter_results": []}', '{"prompt_filter_results": []}'])
async def test_what_a_filter_found_in_the_prompt_is_no_error(chunk: str) -> None:
    assert (await answer_of("openai", text="one two", insert=chunk)).text == "one two"


async def test_what_comes_after_the_end_of_the_protocol_is_not_heard() -> None:
    answer = await answer_to("openai", [*told("openai"), 'data: {"bye": 1}\n\n'], piece_bytes=10**6)
    assert (answer.text, answer.usage_known) == ("one two three", True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"code": "rate_limit_exceeded"}, RateLimitedError),
        ({"code": 429}, RateLimitedError),
        ({"code": "429"}, RateLimitedError),
        ({"type": "rate_limit_error", "message": "Slow down"}, RateLimitedError),
        ("Something is wrong", BrokenOffError),
    ],
)
async def test_an_error_that_has_no_type_is_told_by_its_own_words(
    kind: Kind, streamed: bool, words: object, expected: type[AgentLabError]
) -> None:
    error = await error_of(kind, streamed=streamed, insert=json.dumps({"error": words}))
    in_place = await error_of(kind, streamed=streamed, status="200 OK", headers=JSON, body={"error": words})
    assert type(error) is type(in_place) is expected
    assert error.message == in_place.message
    assert "cannot be read" not in error.message


@pytest.mark.parametrize("heard", [0, 1, 2, 3])
async def test_words_that_were_lost_at_the_end_are_taken_from_the_whole_response(heard: int) -> None:
    events = told("responses")
    words = [event for event in events if WORD in event]
    answer = await answer_to("responses", [event for event in events if event not in words[heard:]])
    assert (answer.text, answer.finish_reason) == ("one two three", "stop")


@pytest.mark.parametrize("lost", [0, 1])
async def test_words_that_were_lost_in_the_middle_break_the_answer_off(lost: int) -> None:
    events = told("responses")
    words = [event for event in events if WORD in event]
    body = "".join(event for event in events if event is not words[lost])
    error = await error_of("responses", status="200 OK", headers=EVENTS, body=body)
    assert isinstance(error, BrokenOffError)


async def test_a_response_whose_end_leaves_its_text_out_is_what_was_heard() -> None:
    *events, _ = told("responses")
    for output in ("", ', "output": []'):
        end = f'data: {{"type": "response.completed", "response": {{"status": "completed"{output}}}}}\n\n'
        assert (await answer_to("responses", [*events, end])).text == "one two three"


async def test_two_halves_of_a_surrogate_pair_are_the_pair_of_the_whole_response() -> None:
    events = told("responses", "one \U0001f642 two")
    at = next(place for place, event in enumerate(events) if "\\ud83d" in event)
    halves = [events[at].replace("\\ude42", ""), events[at].replace(" \\ud83d", "")]
    answer = await answer_to("responses", [*events[:at], *halves, *events[at + 1 :]])
    assert answer.text.encode("utf-16-le", "surrogatepass") == "one \U0001f642 two".encode("utf-16-le")
