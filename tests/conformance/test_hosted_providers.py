"""Each protocol through every fault of a vendor, streamed and whole: the real libraries, over real sockets."""

import json
import time

import pytest

from agent_lab.contracts.errors import (
    BrokenOffError,
    SilentError,
    UnusableError,
)
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer
from support.hosted import Kind, answer_of, error_of, hosted_call, hosted_provider, pieces_of, vendor
from support.vendor_faults import JSON, LONG, Behaviour, bomb
from support.vendor_protocols import events_of, reply_to
from support.vendor_server import VendorServer

pytest_plugins = ("support.hosted_fixtures",)

# Events at the end of a stream after which the answer is whole all the same: the usage and the protocol's own end.
SPARE_EVENTS = {"openai": 2, "anthropic": 1, "responses": 0}


async def test_tokens_are_counted_and_cached_ones_apart(kind: Kind, streamed: bool) -> None:
    answer = await answer_of(kind, streamed=streamed, text="one two three")
    assert (answer.text, answer.finish_reason) == ("one two three", "stop")
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (40, 30, 3)
    assert (answer.usage_known, answer.notes) == (True, ())


async def test_an_answer_that_nobody_counted_says_so(kind: Kind, streamed: bool) -> None:
    answer = await answer_of(kind, streamed=streamed, text="one two three", counts=False)
    assert answer.text == "one two three"
    assert answer.usage_known is False
    assert "did not say how many tokens" in answer.notes[0]


async def test_text_is_whole_however_its_bytes_are_cut(kind: Kind, streamed: bool) -> None:
    text = "naïve → 東京 🙂 and\r\nlines\n\ntoo"
    for size in (1, 2, 3, 7):
        assert (await answer_of(kind, streamed=streamed, text=text, piece_bytes=size)).text == text


async def test_half_of_a_surrogate_pair_does_not_end_the_answer(kind: Kind, streamed: bool) -> None:
    answer = await answer_of(kind, streamed=streamed, text="one \ud83d two")
    assert answer.text == "one \ud83d two"


async def test_the_words_of_one_arrival_come_as_one_piece(kind: Kind) -> None:
    path = {"openai": "/chat/completions", "anthropic": "/messages", "responses": "/responses"}[kind]
    events = "".join(events_of(path, reply_to(Behaviour(), {})))
    at_once = {"status": "200 OK", "headers": {"content-type": "text/event-stream"}, "piece_bytes": 10**6}
    async with vendor(kind, body=events, **at_once) as (_, provider):
        pieces = await pieces_of(provider, hosted_call(kind))
    assert pieces[-1].text == LONG  # type: ignore[union-attr]
    assert len(pieces) < 10


@pytest.mark.parametrize(("end", "finish"), [("stop", "stop"), ("length", "length")])
async def test_the_end_is_told_as_the_vendor_said_it(kind: Kind, streamed: bool, end: str, finish: str) -> None:
    assert (await answer_of(kind, streamed=streamed, end=end)).finish_reason == finish


@pytest.mark.parametrize("text", ["", "half of it"])
async def test_an_answer_that_the_vendor_withholds_says_so_and_keeps_its_text(
    kind: Kind, streamed: bool, text: str
) -> None:
    end, finish = ("refusal", "declined") if kind == "anthropic" else ("content_filter", "filtered")
    answer = await answer_of(kind, streamed=streamed, end=end, text=text)
    assert answer.finish_reason == finish
    assert answer.text == (
        text or "'vendor' withheld the rest of this answer; ask in other words or use another model."
    )


@pytest.mark.parametrize("kind", ["openai", "responses"])
async def test_a_refusal_is_declined(kind: Kind, streamed: bool) -> None:
    answer = await answer_of(kind, streamed=streamed, text="I will not.", refuses=True)
    assert (answer.text, answer.finish_reason) == ("I will not.", "declined")


async def test_thinking_and_text_may_come_as_parts_of_one_content() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "one"}]
    said = json.dumps({"choices": [{"index": 0, "delta": {"content": parts}}]})
    assert (await answer_of("openai", text="", insert=said, end="stop", thinks=2)).text == "one"


async def test_thinking_is_a_sign_of_life_and_no_text(kind: Kind) -> None:
    async with vendor(kind, text="one", thinks=3, delay_s=0.02) as (_, provider):
        *pieces, answer = await pieces_of(provider, hosted_call(kind))
    assert pieces == [TextDelta(""), TextDelta(""), TextDelta(""), TextDelta("one")]
    assert isinstance(answer, ModelAnswer)
    assert answer.text == "one"


async def test_an_unknown_end_is_no_success(kind: Kind, streamed: bool) -> None:
    error = await error_of(kind, streamed=streamed, end="gone_fishing")
    assert isinstance(error, BrokenOffError)
    assert "gone_fishing" in error.message


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("left_out", [1, 2, 3])
async def test_an_answer_is_whole_once_it_said_why_it_ends(kind: Kind, left_out: int, hangs: bool) -> None:
    lost = {"text": "one two", "drop_last": left_out, "hangs": hangs}
    if left_out <= SPARE_EVENTS[kind]:
        begun = time.monotonic()
        answer = await answer_of(kind, **lost)
        assert (answer.text, answer.usage_known) == ("one two", left_out == 1)
        assert time.monotonic() - begun < 20  # its last words are waited for 2 s
    elif hangs:
        async with vendor(kind, **lost) as (_, provider):
            with pytest.raises(SilentError):
                await pieces_of(provider, hosted_call(kind, timeout_s=0.3))
    else:
        error = await error_of(kind, **lost)
        assert isinstance(error, BrokenOffError)
        assert error.message == (
            "'vendor' broke off the answer of 'big' (it has no end); ask again or use another model."
        )


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
async def test_a_connection_cut_at_any_byte_is_an_error_or_the_whole_answer(
    kind: Kind, streamed: bool, resets: bool
) -> None:
    call, whole_ones = hosted_call(kind, streamed=streamed), 0
    async with vendor(kind, text="one two", resets=False) as (server, provider):
        whole = (await pieces_of(provider, call))[-1]
        wire = server.wire
        server.resets = resets
        for byte in range(1 if resets else 0, len(wire)):
            server.cut_at = byte
            try:
                answer = (await pieces_of(provider, call))[-1]
            except BrokenOffError:
                continue
            assert isinstance(answer, ModelAnswer)
            assert (answer.text, answer.finish_reason) == ("one two", "stop")
            assert answer.prompt_tokens in {0, 40}
            whole_ones += 1
        server.cut_at, server.resets = None, False
        assert (await pieces_of(provider, call))[-1].text == whole.text  # type: ignore[union-attr]
    # Whole only ever after the finish reason, which stands near the end.
    assert whole_ones < (len(wire) / 2 if streamed else 1)


@pytest.mark.parametrize("nonsense", ["{", "[]", "3", '{"choices": 7, "type": 7}', '{"choices": [4]}', "[" * 5000])
async def test_what_cannot_be_read_breaks_the_answer_off(kind: Kind, streamed: bool, nonsense: str) -> None:
    if kind != "openai" and nonsense.startswith('{"'):
        nonsense = '{"no": "type"}'
    error = await error_of(kind, streamed=streamed, insert=nonsense)
    # A whole answer that is no object is no answer of a model at all.
    expected = BrokenOffError if streamed or nonsense.startswith("{") else UnusableError
    assert type(error) is expected
    if expected is BrokenOffError:
        assert "a piece of it cannot be read" in error.message


async def test_a_failed_call_is_sent_once(kind: Kind, streamed: bool) -> None:
    for behaviour in (Behaviour(status="500 Oops", body=""), Behaviour(resets=True)):
        async with vendor(kind, plans={"big-1": [behaviour]}) as (server, provider):
            with pytest.raises(BrokenOffError):
                await pieces_of(provider, hosted_call(kind, streamed=streamed))
        assert len(server.received) == 1


async def test_silence_ends_with_the_time_for_the_headers_or_the_answer(kind: Kind, streamed: bool) -> None:
    for bound in ({"header_s": 0.2}, {"timeout_s": 0.2}):
        async with vendor(kind, silent=True) as (_, provider):
            with pytest.raises(SilentError, match="did not answer in time"):
                await pieces_of(provider, hosted_call(kind, streamed=streamed, **bound))


async def test_headers_alone_are_a_beginning_of_a_stream_but_not_of_a_whole_answer(kind: Kind) -> None:
    async with vendor(kind, text="one") as (server, provider):
        await pieces_of(provider, hosted_call(kind))
        server.first_token_s = 1.5
        assert (await pieces_of(provider, hosted_call(kind, header_s=1.0)))[-1].text == "one"  # type: ignore[union-attr]
        with pytest.raises(SilentError):
            await pieces_of(provider, hosted_call(kind, header_s=1.0, streamed=False))


async def test_a_stalled_answer_ends_with_its_time(kind: Kind) -> None:
    async with vendor(kind, stall_after=6) as (_, provider):
        with pytest.raises(SilentError):
            await pieces_of(provider, hosted_call(kind, timeout_s=0.3))


async def test_an_answer_in_one_piece_may_not_stop_in_its_middle(kind: Kind) -> None:
    async with vendor(kind, stall_after=0) as (_, provider):
        with pytest.raises(SilentError):
            await pieces_of(provider, hosted_call(kind, idle_s=0.2, streamed=False))


async def test_a_closed_port_is_unreachable(kind: Kind, streamed: bool) -> None:
    with pytest.raises(UnusableError, match=r"cannot be reached at 127\.0\.0\.1:1;"):
        await pieces_of(hosted_provider(kind, VendorServer(port=1)), hosted_call(kind, streamed=streamed))


async def test_a_page_in_place_of_an_answer_points_to_the_address(kind: Kind, streamed: bool) -> None:
    page = {"status": "200 OK", "headers": {"content-type": "text/html"}, "body": "<html></html>"}
    error = await error_of(kind, streamed=streamed, **page)
    assert type(error) is UnusableError
    assert "did not answer as a model does; correct its base_url" in error.message


async def test_an_empty_response_broke_off(kind: Kind, streamed: bool) -> None:
    error = await error_of(kind, streamed=streamed, status="200 OK", body="")
    assert isinstance(error, BrokenOffError)


@pytest.mark.parametrize("declared", ["text/plain", "application/json", "text/event-stream; charset=utf-8"])
async def test_an_answer_is_known_by_its_first_bytes_and_not_by_what_is_declared(kind: Kind, declared: str) -> None:
    assert (await answer_of(kind, text="one", headers={"content-type": declared})).text == "one"


async def test_a_stream_may_be_answered_whole(kind: Kind) -> None:
    async with vendor(kind, text="one two") as (server, provider):
        await pieces_of(provider, hosted_call(kind, streamed=False))
        body = server.wire.partition(b"\r\n\r\n")[2].decode()
        server.status, server.headers, server.body = "200 OK", JSON, body
        assert (await pieces_of(provider, hosted_call(kind)))[-1].text == "one two"  # type: ignore[union-attr]


async def test_a_compressed_answer_is_refused_unread(kind: Kind, streamed: bool) -> None:
    async with vendor(kind, plans={"big-1": [bomb()]}) as (_, provider):
        with pytest.raises(UnusableError, match="sent a compressed answer"):
            await pieces_of(provider, hosted_call(kind, streamed=streamed))


async def test_an_endless_answer_is_cut_off(kind: Kind, streamed: bool) -> None:
    error = await error_of(kind, streamed=streamed, insert=f'{{"{"a" * 17_000_000}', piece_bytes=1_000_000)
    assert type(error) is UnusableError
    assert "sent more than an answer may have" in error.message
