"""Both protocols through every fault of a vendor: the real libraries, over real sockets."""

import asyncio
import json
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from agent_lab.contracts.errors import (
    AgentLabError,
    BusyError,
    EnvironmentFaultError,
    ProviderError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.openai import OpenAIDialect
from agent_lab.providers.hosted.provider import HostedProvider
from support.hosted import CANARY, Kind, hosted_call, hosted_provider, hosted_spec
from support.vendor_server import VendorServer, vendor_server

JSON = {"content-type": "application/json"}


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@asynccontextmanager
async def vendor(kind: Kind, **server: Any) -> AsyncIterator[tuple[VendorServer, HostedProvider]]:
    async with vendor_server(**server) as serving:
        provider = hosted_provider(kind, serving)
        yield serving, provider
        await provider.close()


async def pieces_of(provider: HostedProvider, call: ModelCall | None = None) -> list[TextDelta | ModelAnswer]:
    async with aclosing(provider.stream(call or hosted_call())) as stream:
        return [piece async for piece in stream]


async def answer_of(kind: Kind, **server: Any) -> ModelAnswer:
    async with vendor(kind, **server) as (_, provider):
        return (await pieces_of(provider))[-1]


async def error_of(kind: Kind, **server: Any) -> AgentLabError:
    async with vendor(kind, **server) as (_, provider):
        with pytest.raises(AgentLabError) as caught:
            await pieces_of(provider)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def sent(kind: Kind, **call: Any) -> tuple[dict[str, Any], ModelAnswer]:
    async with vendor(kind, text="one two") as (server, provider):
        answer = (await pieces_of(provider, hosted_call(**call)))[-1]
    return server.received[0].body, answer


def fault(message: str, **words: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"message": message, **words}}


async def test_tokens_are_counted_and_cached_ones_apart(kind: Kind) -> None:
    answer = await answer_of(kind, text="one two three")
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (40, 30, 3)
    assert (answer.usage_known, answer.notes) == (True, ())


async def test_an_answer_that_nobody_counted_says_so(kind: Kind) -> None:
    answer = await answer_of(kind, text="one two three", counts=False)
    assert answer.text == "one two three"
    assert answer.usage_known is False
    assert "did not say how many tokens" in answer.notes[0]


async def test_text_is_whole_however_its_bytes_are_cut(kind: Kind) -> None:
    text = "naïve → 東京 🙂 and\r\nlines\n\ntoo"
    for size in (1, 2, 3, 7):
        assert (await answer_of(kind, text=text, piece_bytes=size)).text == text


@pytest.mark.parametrize(("end", "finish"), [("stop", "stop"), ("length", "length")])
async def test_the_end_is_told_as_the_vendor_said_it(kind: Kind, end: str, finish: str) -> None:
    assert (await answer_of(kind, end=end)).finish_reason == finish


async def test_an_answer_that_the_vendor_withholds_is_declined_and_says_so(kind: Kind) -> None:
    end = "content_filter" if kind == "openai" else "refusal"
    answer = await answer_of(kind, end=end, text="")
    assert answer.finish_reason == "declined"
    assert answer.text.startswith("'vendor' withheld the rest of this answer; ask in other words")


async def test_an_unknown_end_is_no_success(kind: Kind) -> None:
    error = await error_of(kind, end="gone_fishing")
    assert isinstance(error, UnusableError)
    assert "gone_fishing" in error.message


@pytest.mark.parametrize("left_out", [1, 2, 3])
async def test_a_stream_without_its_end_broke_off(kind: Kind, left_out: int) -> None:
    error = await error_of(kind, drop_last=left_out)
    assert isinstance(error, UnusableError)
    assert error.message == ("'vendor' broke off the answer of 'big' (it has no end); ask again or use another model.")


async def test_a_connection_cut_at_any_byte_is_an_error_and_never_an_answer(kind: Kind) -> None:
    async with vendor(kind, text="one two") as (server, provider):
        whole = (await pieces_of(provider))[-1]
        wire = len(server.wire)
        end = server.wire.rindex(b"[DONE]" if kind == "openai" else b"message_stop")
        for byte in range(wire):
            server.cut_at = byte
            try:
                answer = (await pieces_of(provider))[-1]
            except ProviderError:
                assert byte <= end + 40
            else:
                assert byte > end
                assert answer == whole or answer.text == whole.text


@pytest.mark.parametrize("nonsense", ["{", "[]", "3", '{"choices": 7, "type": 7}', '{"choices": [4]}', "[" * 5000])
async def test_a_malformed_event_is_an_error(kind: Kind, nonsense: str) -> None:
    if kind == "anthropic" and nonsense.startswith('{"'):
        nonsense = '{"no": "type"}'
    error = await error_of(kind, insert=nonsense)
    assert isinstance(error, UnusableError)
    assert "a piece of it cannot be read" in error.message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"type": "overloaded_error"}, BusyError),
        ({"type": "server_error", "code": "rate_limit_exceeded"}, BusyError),
        ({"type": "invalid_request_error"}, ValidationError),
        ({"type": "api_error"}, UnusableError),
        ({"code": 500}, UnusableError),
        ({"type": "authentication_error"}, UnusableError),
    ],
)
async def test_an_error_inside_a_good_response_is_told_by_its_own_words(
    kind: Kind, words: dict[str, Any], expected: type[AgentLabError]
) -> None:
    body = fault("Something is wrong", **words)
    streamed = await error_of(kind, insert=json.dumps(body))
    at_once = await error_of(kind, status="200 OK", headers=JSON, body=body)
    assert type(streamed) is type(at_once) is expected
    assert streamed.message == at_once.message


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        ("500 Oops", fault("boom", type="api_error"), UnusableError, r"failed \(status 500\) \(boom\)"),
        ("502 Bad", "<html>bad gateway</html>", UnusableError, r"failed \(status 502\); use another model"),
        ("503 No", "", BusyError, "takes no more requests for 'big' now"),
        ("529 Full", fault("Overloaded", type="overloaded_error"), BusyError, "takes no more requests"),
        ("401 No", fault(f"Incorrect API key: {CANARY}"), UnusableError, "does not accept the key in VENDOR_KEY"),
        ("403 No", fault("no"), UnusableError, "put one that it takes into .env"),
        ("404 No", fault("gone", type="not_found_error"), UnusableError, "has no model 'big-1'"),
        ("400 No", fault(f"bad\n\x07 value {CANARY}"), ValidationError, r"\(bad value \[hidden\]\); change it"),
        ("400 No", fault("x", code="context_length_exceeded"), TooLargeError, "too long for 'big'"),
        ("400 No", fault("prompt is too long: 9 > 8"), TooLargeError, "shorten it"),
        ("413 No", fault("x", type="request_too_large"), TooLargeError, "shorten it"),
        ("400 No", fault("flagged", code="content_filter"), ValidationError, r"\(flagged\)"),
        ("429 No", fault("pay", code="insufficient_quota"), UnusableError, "has no credit left"),
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
async def test_a_busy_vendor_says_how_long(kind: Kind, headers: dict[str, str], wait_s: float | None) -> None:
    error = await error_of(kind, status="429 Busy", headers=headers, body=fault("slow down"))
    assert isinstance(error, BusyError)
    assert error.retry_after_s == wait_s


async def test_a_refused_call_is_sent_once(kind: Kind) -> None:
    async with vendor(kind, status="500 Oops", body="") as (server, provider):
        with pytest.raises(UnusableError):
            await pieces_of(provider)
    assert len(server.received) == 1


async def test_silence_is_busy_and_a_closed_port_is_unreachable(kind: Kind) -> None:
    async with vendor(kind, delay_s=5) as (_, provider):
        call = hosted_call()
        object.__setattr__(call, "timeout_s", 0.2)
        with pytest.raises(BusyError, match="did not answer in time"):
            await pieces_of(provider, call)
    with pytest.raises(UnusableError, match=r"cannot be reached at 127\.0\.0\.1:1;"):
        await pieces_of(hosted_provider(kind, VendorServer(port=1)))


async def test_a_page_in_place_of_an_answer_points_to_the_address(kind: Kind) -> None:
    error = await error_of(kind, status="200 OK", headers={"content-type": "text/html"}, body="<html></html>")
    assert "did not answer with a stream of events; correct its base_url" in error.message


async def test_a_compressed_answer_is_refused_unread(kind: Kind) -> None:
    error = await error_of(kind, headers={"content-encoding": "gzip"})
    assert isinstance(error, UnusableError)


async def test_an_endless_answer_is_cut_off(kind: Kind) -> None:
    error = await error_of(kind, insert=f'"{"a" * 17_000_000}', piece_bytes=1_000_000)
    assert isinstance(error, UnusableError)
    assert "the connection was lost" in error.message


async def test_a_redirect_takes_no_key_along(kind: Kind) -> None:
    async with vendor_server() as other:
        await error_of(kind, status="307 Moved", headers={"location": f"{other.url}/v1/messages"}, body="")
    assert other.received == []


async def test_a_key_and_nothing_else_of_the_environment_reaches_the_vendor(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "foreign")
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "x-mine: foreign")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with vendor_server() as server:
        for key, key_env in ((CANARY, "VENDOR_KEY"), (None, None)):
            provider = hosted_provider(kind, server, key=key, key_env=key_env)
            await pieces_of(provider)
            await provider.close()
    with_key, without = (json.dumps(request.headers) for request in server.received)
    assert CANARY in with_key
    assert "foreign" not in with_key + without
    assert "authorization" not in without
    assert "x-api-key" not in without


async def test_what_is_no_key_is_not_sent_and_not_shown(kind: Kind) -> None:
    async with vendor_server() as server:
        provider = hosted_provider(kind, server, key="kéy\nwith lines")
        with pytest.raises(UnusableError, match="VENDOR_KEY holds something that is no key") as caught:
            await pieces_of(provider)
    assert "lines" not in "".join(traceback.format_exception(caught.value))
    assert server.received == []


async def test_a_library_that_is_not_installed_is_named(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, kind, None)
    async with vendor(kind) as (_, provider):
        with pytest.raises(EnvironmentFaultError, match=rf"'{kind}'; install it: pip install 'agent-lab\[hosted\]'"):
            await pieces_of(provider)


async def test_cancelling_closes_the_connection(kind: Kind) -> None:
    async with vendor(kind, delay_s=0.05) as (server, provider):
        task = asyncio.create_task(pieces_of(provider))
        await asyncio.wait_for(server.arrived.wait(), 10)
        assert server.at_work == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.idle.wait(), 2)
        assert server.at_work == 0


class Counting(OpenAIDialect):
    """Counts the clients that are opened, and whether they are closed again."""

    def __init__(self) -> None:
        self.clients: list[Any] = []

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        self.clients.append(super().open(spec, secret, http))
        return self.clients[-1]


async def test_calls_at_once_share_one_client_that_is_closed_with_the_provider() -> None:
    dialect = Counting()
    async with vendor_server(text="one") as server:
        provider = HostedProvider(hosted_spec("openai", server.url), SecretStr(CANARY), dialect)
        await asyncio.gather(*(pieces_of(provider) for _ in range(8)))
        (client,) = dialect.clients
        assert not client.is_closed()
        await provider.close()
    assert client.is_closed()


async def test_system_history_and_schema_are_sent(kind: Kind) -> None:
    history = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "critic", "content": "c"},
    ]
    schema = {"type": "object", "properties": {}}
    context = {"system": "Be brief.", "history": history}
    body, answer = await sent(kind, context=context, response_schema=schema, stop=("X",), temperature=0.25)
    turns = [*history[:2], {"role": "user", "content": "critic: c"}, {"role": "user", "content": "How many?"}]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("big-1", 1000, 0.25)
    if kind == "openai":
        assert body["messages"] == [{"role": "system", "content": "Be brief."}, *turns]
        assert body["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": schema}
        assert body["stop"] == ["X"]
        assert body["stream_options"] == {"include_usage": True}
    else:
        assert (body["system"], body["messages"]) == ("Be brief.", turns)
        assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
        assert body["stop_sequences"] == ["X"]
    assert answer.notes == ()


async def test_what_the_model_does_not_take_is_left_out_with_a_note(kind: Kind) -> None:
    wishes = {"temperature": 0.2, "seed": 4, "stop": ("X",), "response_schema": {"type": "object"}}
    body, answer = await sent(kind, ignores=["temperature", "seed", "stop", "response_schema"], **wishes)
    assert not {"temperature", "seed", "stop", "stop_sequences", "response_format", "output_config"} & set(body)
    assert sorted(answer.notes) == [
        f"'big' does not take {name}; it was left out." for name in ("response_schema", "seed", "stop", "temperature")
    ]


async def test_the_plain_temperature_is_left_out_without_a_word(kind: Kind) -> None:
    body, answer = await sent(kind, ignores=["temperature"], temperature=0.7)
    assert "temperature" not in body
    assert answer.notes == ()


async def test_a_seed_reaches_those_who_take_one() -> None:
    body, answer = await sent("openai", seed=4)
    assert (body["seed"], answer.notes) == (4, ())
    body, answer = await sent("anthropic", seed=4)
    assert ("seed" in body, answer.notes) == (False, ("'big' does not take seed; it was left out.",))


async def test_a_temperature_over_one_is_lowered_for_anthropic_and_said() -> None:
    assert (await sent("openai", temperature=1.5))[0]["temperature"] == 1.5
    body, answer = await sent("anthropic", temperature=1.5)
    assert body["temperature"] == 1.0
    assert answer.notes == ("'big' takes a temperature up to 1; it was lowered to that.",)
