"""The doors of the other protocols say what is wrong with a body, in the protocol's own form."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from agent_lab.compat import answering
from agent_lab.compat.faults import fault_of
from agent_lab.contracts import errors
from agent_lab.lab.problems import RunFailedError
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, TOKEN, Door, open_door, serve

ASKING: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "voice", "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/messages": {"model": "voice", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/responses": {"model": "voice", "input": "Hello"},
}
EVERY_DOOR = pytest.mark.parametrize("path", list(ASKING))
JSON = {"Content-Type": "application/json"}


def refusal(response: httpx.Response, path: str, status: int) -> str:
    """The sentence of a refusal, whose form is checked."""
    said = response.json()
    assert response.status_code == status, said
    assert response.headers["content-type"] == "application/json"
    if path == "/v1/messages":
        assert said["type"] == "error"
        assert said["request_id"] == response.headers["x-request-id"]
    else:
        assert said["error"].keys() == {"message", "type", "param", "code"}
    message: str = said["error"]["message"]
    assert len(message) > 15
    return message


@EVERY_DOOR
async def test_a_good_body_is_answered(door: Door, path: str) -> None:
    async with door.owner() as owner:
        assert (await owner.post(path, json=ASKING[path])).status_code == 200


@EVERY_DOOR
async def test_what_is_not_plain_json_is_refused(door: Door, path: str) -> None:
    start = json.dumps(ASKING[path])[:-1].encode()
    async with door.owner() as owner:
        for rest in (b"", b', "x": NaN}', b', "x": 1e999}', b', "x": "\\ud800"}', b', "x": "\xff"}', b"} {}"):
            refusal(await owner.post(path, content=start + rest, headers=JSON), path, 400)
        for body in (b"", b"[]", b"null", b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
            refusal(await owner.post(path, content=body, headers=JSON), path, 400)
        refusal(await owner.post(path, content=start + b"}", headers={"Content-Type": "text/plain"}), path, 415)
    assert door.provider.calls == []


@EVERY_DOOR
async def test_a_body_over_its_bound_is_refused(door: Door, path: str) -> None:
    async with door.owner() as owner:
        response = await owner.post(path, content=b'{"x":"' + b"x" * 33_000_000 + b'"}', headers=JSON)
    assert "32 MB" in refusal(response, path, 413)


@EVERY_DOOR
@pytest.mark.parametrize(
    ("wrong", "name"),
    [({"temperature": "hot"}, "temperature"), ({"top_p": 7}, "top_p"), ({"stream": "yes"}, "stream"),
     ({"agent_lab": {"langage": "es"}}, "agent_lab.langage"), ({"model": 7}, "model")],
)  # fmt: skip
async def test_a_wrong_field_is_named(door: Door, path: str, wrong: dict[str, Any], name: str) -> None:
    async with door.owner() as owner:
        response = await owner.post(path, json=ASKING[path] | wrong)
    assert f"`{name}`" in refusal(response, path, 400)
    if path != "/v1/messages":
        assert response.json()["error"]["param"] == name


WRONG_TURNS: list[tuple[str, Any, str]] = [
    ("/v1/chat/completions", [], "`messages`"),
    ("/v1/chat/completions", [{"role": "wizard", "content": "x"}], "`messages[0].role`"),
    ("/v1/chat/completions", [{"role": "user", "content": 7}], "`messages[0].content`"),
    ("/v1/chat/completions", [{"role": "user", "content": [{"type": "input_audio"}]}], "`messages[0].content[0]`"),
    ("/v1/chat/completions", [{"role": "tool", "content": "x"}], "`messages[0].tool_call_id`"),
    ("/v1/messages", [{"role": "system", "content": "x"}], "`messages[0].role`"),
    ("/v1/messages", [{"role": "user", "content": [{"type": "document"}]}], "`messages[0].content[0]`"),
    ("/v1/messages", [{"role": "user", "content": [{"type": "tool_result"}]}], "tool_use_id"),
    ("/v1/responses", [{"type": "function_call_output", "output": "x"}], "`input[0]`"),
    ("/v1/responses", [{"role": "user", "content": [{"type": "input_file"}]}], "`input[0].content[0]`"),
    ("/v1/responses", [], "`input`"),
]


@pytest.mark.parametrize(("path", "turns", "told"), WRONG_TURNS)
async def test_a_wrong_turn_is_told_with_its_place(door: Door, path: str, turns: Any, told: str) -> None:
    field = "input" if path == "/v1/responses" else "messages"
    async with door.owner() as owner:
        assert told in refusal(await owner.post(path, json=ASKING[path] | {field: turns}), path, 400)
    assert door.provider.calls == []


@pytest.mark.parametrize(
    ("path", "more", "told"),
    [
        ("/v1/chat/completions", {"n": 2}, "ask several times"),
        ("/v1/chat/completions", {"functions": []}, "out of date"),
        ("/v1/chat/completions", {"response_format": {"type": "json_schema"}}, "json_schema"),
        ("/v1/responses", {"tools": [{"type": "web_search"}]}, "/v1/chat/completions"),
        ("/v1/responses", {"previous_response_id": "resp_1"}, "`input`"),
        ("/v1/responses", {"background": True}, "`background`"),
        ("/v1/messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
        ("/v1/messages", {"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ],
)
async def test_what_cannot_be_had_here_is_refused_with_what_to_do(
    door: Door, path: str, more: dict[str, Any], told: str
) -> None:
    async with door.owner() as owner:
        assert told in refusal(await owner.post(path, json=ASKING[path] | more), path, 400)


async def test_the_key_of_anthropics_sdk_is_the_token(door: Door) -> None:
    async with door.client(**{"x-api-key": TOKEN}) as owner, door.client(**{"x-api-key": TOKEN + "x"}) as stranger:
        assert (await owner.get("/v1/models")).status_code == 200
        assert (await stranger.get("/v1/models", headers={"anthropic-version": "x"})).json()["type"] == "error"
        assert "Sign in" in refusal(await stranger.get("/v1/models"), "/v1/models", 401)


@EVERY_DOOR
async def test_a_slow_first_word_is_waited_for_with_signs_of_life(
    tmp_path: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PING_S", 0.05)
    gate = asyncio.Event()
    said = ""
    async with (
        open_door(tmp_path / "home", ScriptedProvider(gate=gate)) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner,
        owner.stream("POST", path, json=ASKING[path] | {"stream": True}) as answer,
    ):
        async for piece in answer.aiter_text():
            said += piece
            if "ping" in said:  # only now may the model say its first word
                gate.set()
    assert said.index("ping") < said.index("Hello")


def test_every_error_has_a_status_that_the_protocols_know() -> None:
    expected = {
        errors.ValidationError: (400, "invalid-request"),
        errors.NotFoundError: (404, "model_not_found"),
        errors.TooLargeError: (400, "context_length_exceeded"),
        errors.ContentRefusedError: (400, "content_policy_violation"),
        errors.RateLimitedError: (429, "rate_limit_exceeded"),
        errors.LimitExceededError: (429, "insufficient_quota"),
        errors.BusyError: (503, "busy"),
        errors.UnusableError: (503, "unusable"),
        errors.SilentError: (504, "silent"),
        errors.BrokenOffError: (502, "broken-off"),
        errors.ProviderError: (502, "provider-error"),
        errors.CapacityError: (507, "no-capacity"),
    }
    for kind, told in expected.items():
        fault = fault_of(kind("A sentence."))
        assert (fault.status, fault.code) == told
        assert fault.openai()["error"]["message"] == fault.anthropic("r")["error"]["message"] == "A sentence."
    failed = fault_of(RunFailedError("It failed.", slug="limit-exceeded", status=429, run_id="r1"))
    assert (failed.code, failed.message) == ("insufficient_quota", "It failed. (run r1)")
    assert fault_of(errors.BusyError("Wait.", retry_after_s=2.2)).headers == {"Retry-After": "3"}
