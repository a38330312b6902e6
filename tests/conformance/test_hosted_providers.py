"""Each protocol through every fault of a vendor, streamed and whole: the real libraries, over real sockets."""

import asyncio
import json
import time
from typing import Any

import pytest

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    ContentRefusedError,
    ProviderError,
    RateLimitedError,
    SilentError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer
from agent_lab.providers.hosted.provider import HostedProvider
from support.hosted import CANARY, Kind, answer_of, error_of, hosted_call, hosted_provider, pieces_of, vendor
from support.vendor_faults import FAULTS, JSON, LONG, Behaviour, bomb
from support.vendor_protocols import events_of, reply_to
from support.vendor_server import VendorServer

pytest_plugins = ("support.hosted_fixtures",)

# Events at the end of a stream after which the answer is whole all the same: the usage and the protocol's own end.
SPARE_EVENTS = {"openai": 2, "anthropic": 1, "responses": 0}


def fault(message: str, **words: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"message": message, **words}}


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
        assert time.monotonic() - begun < 3
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"type": "overloaded_error"}, BusyError),
        ({"type": "server_error", "code": "rate_limit_exceeded"}, RateLimitedError),
        ({"type": "invalid_request_error"}, ValidationError),
        ({"type": "api_error"}, BrokenOffError),
        ({"code": 500}, BrokenOffError),
        ({"code": 429}, RateLimitedError),
        ({"type": "authentication_error"}, UnusableError),
        ({"code": "content_filter"}, ContentRefusedError),
        ({}, BrokenOffError),
    ],
)
async def test_an_error_inside_a_good_response_is_told_by_its_own_words(
    kind: Kind, streamed: bool, words: dict[str, Any], expected: type[AgentLabError]
) -> None:
    body = fault("Something is wrong", **words)
    inside = await error_of(kind, streamed=streamed, insert=json.dumps(body))
    in_place = await error_of(kind, streamed=streamed, status="200 OK", headers=JSON, body=body)
    assert type(inside) is type(in_place) is expected
    assert inside.message == in_place.message


async def test_a_response_that_failed_is_told_by_its_error() -> None:
    failed = {"status": "failed", "error": {"code": "server_error", "message": "boom"}, "output": []}
    error = await error_of("responses", insert=json.dumps({"type": "response.failed", "response": failed}))
    assert isinstance(error, BrokenOffError)
    assert "(boom)" in error.message


AZURE = {"code": "content_policy", "innererror": {"code": "ResponsibleAIPolicyViolation"}}


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        ("500 Oops", fault("boom", type="api_error"), BrokenOffError, r"failed \(status 500\) \(boom\)"),
        ("502 Bad", "<html>bad gateway</html>", BrokenOffError, r"failed \(status 502\); ask again"),
        ("504 Late", "", BrokenOffError, "ask again or use another model"),
        ("408 Late", "", BrokenOffError, "ask again or use another model"),
        ("409 Conflict", fault("x"), BrokenOffError, "ask again or use another model"),
        ("503 No", "", BusyError, "has too much to do to answer for 'big'"),
        ("503 No", fault("x", type="server_error"), BusyError, "has too much to do"),
        ("529 Full", fault("Overloaded", type="overloaded_error"), BusyError, "has too much to do"),
        ("429 No", fault("slow down"), RateLimitedError, "takes no more requests for 'big' now"),
        ("401 No", fault(f"Incorrect API key: {CANARY}"), UnusableError, "does not accept the key in VENDOR_KEY"),
        ("403 No", fault("no"), UnusableError, "put one that it takes into .env"),
        ("404 No", fault("gone", type="not_found_error"), UnusableError, "has no model 'big-1'"),
        ("405 No", fault("no"), UnusableError, "correct its base_url"),
        ("400 No", fault(f"bad\n\x07 value {CANARY}"), ValidationError, r"\(bad value \[hidden\]\); change it"),
        ("400 No", fault("x", code="context_length_exceeded"), TooLargeError, "too long for 'big'"),
        ("400 No", fault("prompt is too long: 9 > 8"), TooLargeError, "shorten it"),
        ("413 No", fault("x", type="request_too_large"), TooLargeError, "shorten it"),
        ("400 No", fault("flagged", code="content_filter"), ContentRefusedError, r"request through \(flagged\)"),
        ("400 No", fault("flagged", code="content_policy_violation"), ContentRefusedError, "say it in other words"),
        ("400 No", fault("flagged", **AZURE), ContentRefusedError, "say it in other words"),
        ("422 No", {"detail": "no such field"}, ValidationError, r"\(no such field\)"),
        ("429 No", fault("pay", code="insufficient_quota"), UnusableError, "has no credit left"),
        ("402 No", fault("pay"), UnusableError, "has no credit left"),
        ("302 Moved", "", UnusableError, "points to another address"),
    ],
)
async def test_a_refusal_says_what_to_do_next(
    kind: Kind, status: str, body: object, expected: type[AgentLabError], said: str
) -> None:
    error = await error_of(kind, status=status, body=body, headers=JSON)
    assert type(error) is expected
    with pytest.raises(expected, match=said):
        raise error


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", ["429 Slow down", "503 No"])
async def test_a_busy_vendor_says_how_long(
    kind: Kind, status: str, headers: dict[str, str], wait_s: float | None
) -> None:
    error = await error_of(kind, status=status, headers=headers, body=fault("slow down"))
    assert isinstance(error, BusyError)
    assert error.retry_after_s == wait_s


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
    async with vendor(kind, text="one", first_token_s=0.5) as (_, provider):
        await pieces_of(provider, hosted_call(kind))
        assert (await pieces_of(provider, hosted_call(kind, header_s=0.25)))[-1].text == "one"  # type: ignore[union-attr]
        with pytest.raises(SilentError):
            await pieces_of(provider, hosted_call(kind, header_s=0.25, streamed=False))


async def test_a_stalled_answer_ends_with_its_time(kind: Kind) -> None:
    async with vendor(kind, stall_after=6) as (_, provider):
        with pytest.raises(SilentError):
            await pieces_of(provider, hosted_call(kind, timeout_s=0.3))


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


async def outcome_of(kind: Kind, provider: HostedProvider, model: str, *, streamed: bool) -> str:
    call = hosted_call(kind, streamed=streamed, model_id=model, timeout_s=1.0, header_s=0.5)
    try:
        return (await asyncio.wait_for(pieces_of(provider, call), 5))[-1].text  # type: ignore[union-attr]
    except (ProviderError, ValidationError) as error:
        return error.slug


RECOVERING = sorted(name for name, plan in FAULTS.items() if len(plan) > 1)


@pytest.mark.parametrize("model", RECOVERING)
async def test_a_model_that_recovers_fails_first_and_answers_then(kind: Kind, streamed: bool, model: str) -> None:
    if not streamed and model.startswith("cut"):
        pytest.skip("it is cut at a byte that an answer in one piece has not")
    async with vendor(kind) as (_, provider):
        assert await outcome_of(kind, provider, model, streamed=streamed) in {"rate-limited", "busy", "broken-off"}
        if model == "down-for-1s":
            assert await outcome_of(kind, provider, model, streamed=streamed) == "busy"
            await asyncio.sleep(1.0)
        assert await outcome_of(kind, provider, model, streamed=streamed) == "one two three"


STEADY = {
    "well": "one two three",
    "429": "rate-limited",
    "500": "broken-off",
    "503": "busy",
    "401": "unusable",
    "reset": "broken-off",
    "silent": "silent",
    "slow-first-token": "silent",
    "cut": "broken-off",
    "cut-by-reset": "broken-off",
    "stall": "silent",
    "malformed": "broken-off",
    "no-end": "one two three",
    "no-end-hangs": "one two three",
    "too-long": "too-large",
    "filter": "content-refused",
    "in-band": "busy",
    "gzip-bomb": "unusable",
    "page": "unusable",
    "wrong-type": "one two three",
}
# What these do to a stream has no counterpart in an answer that comes in one piece.
STREAMED_ONLY = {"cut", "cut-by-reset", "stall", "no-end", "no-end-hangs"}


@pytest.mark.parametrize("model", sorted(STEADY))
async def test_a_model_named_after_a_fault_leads_to_the_error_that_says_what_to_do(
    kind: Kind, streamed: bool, model: str
) -> None:
    if not streamed and model in STREAMED_ONLY:
        pytest.skip("only a stream can do this")
    expected = "broken-off" if kind == "responses" and model.startswith("no-end") else STEADY[model]
    if (kind, model) == ("responses", "no-end-hangs"):
        expected = "silent"
    async with vendor(kind) as (_, provider):
        assert await outcome_of(kind, provider, model, streamed=streamed) == expected


def test_each_fault_has_its_test() -> None:
    assert set(STEADY) | set(RECOVERING) == set(FAULTS)
