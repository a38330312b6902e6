"""The doors of the other protocols: nulls, empty turns, names, who answers a conversation, and what nobody foresaw."""

from pathlib import Path
from typing import Any

import pytest

from agent_lab.compat.faults import fault_of
from agent_lab.contracts.errors import ModelCorruptError, SilentError, UnusableError
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import Door, open_door
from api.test_compat_refusals import ASKING, EVERY_DOOR, refusal

PNG = "data:image/png;base64,iVBORw0KGgo="
SPLIT = """
[[model]]
key = "both"
split = { voice = 1, other = 1 }
"""
NULLS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/responses", {"text": None, "reasoning": None, "metadata": None, "agent_lab": None}),
    ("/v1/responses", {"text": {"format": None, "verbosity": None}}),
    ("/v1/responses", {"text": {"format": {"type": None}}}),
    ("/v1/responses", {"input": [{"type": None, "role": "user", "content": "Hello", "name": None}]}),
    ("/v1/chat/completions", {"agent_lab": None, "tools": None, "response_format": None, "stream_options": None}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello", "tool_calls": None, "name": None}]}),
    ("/v1/messages", {"agent_lab": None, "system": None, "tools": None, "tool_choice": None, "stream": None}),
    ("/v1/messages", {"agent_lab": {"constraints": None, "models": None, "language": None, "stream_roles": None}}),
]


@pytest.mark.parametrize(("path", "more"), NULLS)
async def test_an_optional_field_that_is_null_is_the_same_as_left_out(
    door: Door, path: str, more: dict[str, Any]
) -> None:
    async with door.owner() as owner:
        assert (await owner.post(path, json=ASKING[path])).status_code == 200
        response = await owner.post(path, json=ASKING[path] | more)
    assert response.status_code == 200, response.text
    first, second = door.provider.calls
    assert first.request == second.request
    assert response.json()["agent_lab"]["notes"] == []


async def test_a_call_of_an_earlier_turn_may_have_a_type_that_is_null(door: Door) -> None:
    call = {"id": "c", "type": None, "function": {"name": "x", "arguments": "{}"}}
    turns = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c"}]
    async with door.owner() as owner:
        response = await owner.post("/v1/chat/completions", json={"model": "voice", "messages": turns})
    assert response.status_code == 200, response.text


@EVERY_DOOR
async def test_the_name_of_a_turn_is_left_out_with_a_note(door: Door, path: str) -> None:
    field = "input" if path == "/v1/responses" else "messages"
    turns = [{"role": "user", "content": "Hello", "name": "Ana"}]
    async with door.owner() as owner:
        response = await owner.post(path, json=ASKING[path] | {field: turns})
    (note,) = response.json()["agent_lab"]["notes"]
    assert "'name' of the turns was left out" in note


EMPTY: list[list[dict[str, Any]]] = [
    [],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": []}],
    [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": ""}],
    [{"role": "user", "content": "Hello"}, {"role": "user", "content": []}],
]


@EVERY_DOOR
@pytest.mark.parametrize("turns", EMPTY, ids=range(len(EMPTY)))
async def test_an_empty_last_turn_is_refused_by_the_name_of_its_field(
    door: Door, path: str, turns: list[dict[str, Any]]
) -> None:
    field = "input" if path == "/v1/responses" else "messages"
    async with door.owner() as owner:
        assert f"`{field}`" in refusal(await owner.post(path, json=ASKING[path] | {field: turns}), path, 400)
    assert door.provider.calls == []


async def test_instructions_do_not_stand_in_for_an_empty_turn_of_messages(door: Door) -> None:
    body = ASKING["/v1/messages"] | {"system": "Be brief.", "messages": [{"role": "user", "content": []}]}
    async with door.owner() as owner:
        assert "`messages`" in refusal(await owner.post("/v1/messages", json=body), "/v1/messages", 400)


def later_turns(question: str) -> list[list[dict[str, Any]]]:
    """One conversation, turn after turn."""
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": question},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "It rains."},
        {"role": "assistant", "content": "Rain."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "This?"}, {"type": "image_url", "image_url": {"url": PNG}}],
        },
        {"role": "assistant", "content": "A cat."},
        {"role": "user", "content": "Thanks."},
    ]
    return [turns[:2], turns[:4], turns[:6], turns]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_turns_of_a_conversation_stay_on_one_side_of_a_split(tmp_path: Path, streamed: bool) -> None:
    sides = []
    async with open_door(tmp_path / "home", more_models=SPLIT) as door, door.owner() as owner:
        for number in range(8):
            for turns in later_turns(f"Question {number}?"):
                body = {"model": "both", "messages": turns, "stream": streamed}
                response = await owner.post("/v1/chat/completions", json=body)
                assert response.status_code == 200, response.text
            sides.append({call.model.key for call in door.provider.calls[-4:]})
    assert [len(side) for side in sides] == [1] * 8
    assert set.union(*sides) == {"voice", "other"}


async def test_instructions_alone_are_shared_out_too(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", more_models=SPLIT) as door, door.owner() as owner:
        for number in range(12):
            body = {"model": "both", "messages": [{"role": "system", "content": f"Tell joke {number}."}]}
            assert (await owner.post("/v1/chat/completions", json=body)).status_code == 200
    assert {call.model.key for call in door.provider.calls} == {"voice", "other"}


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/v1/chat/completions", {"user": "ana"}),
        ("/v1/responses", {"prompt_cache_key": "ana"}),
        ("/v1/chat/completions", {"safety_identifier": "ana"}),
        ("/v1/messages", {"metadata": {"user_id": "ana"}}),
    ],
)
async def test_who_says_for_whom_it_asks_stays_on_one_side_of_a_split(
    tmp_path: Path, path: str, who: dict[str, Any]
) -> None:
    async with open_door(tmp_path / "home", more_models=SPLIT) as door, door.owner() as owner:
        for number in range(12):
            said = {"input": f"{number}?"} if path == "/v1/responses" else {}
            said = said or {"messages": [{"role": "user", "content": f"{number}?"}]}
            assert (await owner.post(path, json=ASKING[path] | said | who | {"model": "both"})).status_code == 200
    assert len({call.model.key for call in door.provider.calls}) == 1


@EVERY_DOOR
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_failure_that_nobody_foresaw_is_told_in_the_protocols_form(
    tmp_path: Path, path: str, streamed: bool
) -> None:
    provider = ScriptedProvider(["never"], errors={1: RuntimeError("insides")})
    async with open_door(tmp_path / "home", provider) as door, door.owner() as owner:
        response = await owner.post(path, json=ASKING[path] | {"stream": streamed})
    assert "under the request's id" in refusal(response, path, 500)
    assert response.json()["error"]["type"] == ("api_error" if path == "/v1/messages" else "server_error")
    assert "insides" not in response.text


@EVERY_DOOR
async def test_a_failure_that_nobody_foresaw_ends_a_stream_with_an_error(tmp_path: Path, path: str) -> None:
    provider = ScriptedProvider({"*": ScriptedReply("It is", error=RuntimeError("insides"))})
    async with open_door(tmp_path / "home", provider) as door, door.owner() as owner:
        response = await owner.post(path, json=ASKING[path] | {"stream": True})
    assert "It" in response.text
    assert "under the request's id" in response.text
    assert "insides" not in response.text


@EVERY_DOOR
async def test_a_method_that_a_route_does_not_take_is_told_with_those_that_it_takes(door: Door, path: str) -> None:
    async with door.owner() as owner:
        response = await owner.get(path)
    assert "it takes POST" in refusal(response, path, 405)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/chat/completion", "/v1/responses/resp_1", "/v1/"])
async def test_a_path_that_nobody_serves_is_told_in_the_protocols_form(door: Door, path: str) -> None:
    async with door.owner() as owner, door.client() as stranger:
        for method in ("GET", "POST", "DELETE"):
            assert repr(path) in refusal(await owner.request(method, path), path, 404)
        counting = await owner.post("/v1/messages/count_tokens", json={})
        refusal(await stranger.get(path), path, 401)
    assert (counting.status_code, counting.json()["error"]["type"]) == (404, "not_found_error")


def test_only_where_asking_again_may_help_are_the_sdks_left_to_do_so() -> None:
    assert fault_of(UnusableError("The key is wrong; mend it.")).headers == {"x-should-retry": "false"}
    assert fault_of(ModelCorruptError("Fetch it again.")).headers == {"x-should-retry": "false"}
    assert fault_of(SilentError("Nothing came.")).headers == {}
