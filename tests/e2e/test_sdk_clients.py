"""The real SDKs of OpenAI and Anthropic as clients of a real server: every door, whole and streamed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from agent_lab.contracts.errors import BrokenOffError, RateLimitedError, SilentError, TooLargeError
from agent_lab.contracts.generation import ToolCall
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import PATIENT_S, SIGNED_IN, until
from support.sdk_clients import QUESTION, clients, follow, saying

CALL = ToolCall(id="call_1", name="look_up", arguments='{"city": "Lima", "days": 2}')
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
PICTURE = "data:image/png;base64,iVBORw0KGgo="


# --- whole answers --------------------------------------------------------------------------------------------------
async def test_a_chat_completion_has_its_text_usage_and_what_it_took(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", saying("It is 42")) as lab:
        answer = await lab.openai.chat.completions.create(model="priced", messages=QUESTION)
    assert answer.choices[0].message.content == "It is 42"
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", "vendor/priced-1")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 3, 8)
    told: dict[str, Any] = answer.model_extra["agent_lab"]  # type: ignore[index]
    assert (told["model_key"], told["provider"]) == ("priced", "scripted")
    assert told["cost_usd"] == pytest.approx(11e-6)
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["ok"]


async def test_a_response_and_a_message_say_the_same_in_their_own_forms(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", saying("It is 42")) as lab:
        response = await lab.openai.responses.create(model="voice", input="What?", instructions="Be brief.")
        asked = lab.call.request
        message = await lab.anthropic.messages.create(model="voice", max_tokens=9, system="Be kind.", messages=QUESTION)
    assert (response.output_text, response.status, response.model) == ("It is 42", "completed", "scripted:role")
    assert (asked.prompt, asked.context.system) == ("What?", "Be brief.")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (1, 3)
    assert [block.text for block in message.content if block.type == "text"] == ["It is 42"]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 3)
    assert lab.call.request.context.system == "Be kind."


async def test_each_way_of_ending_has_its_word_in_each_protocol(tmp_path: Path) -> None:
    expected = {
        "length": ("length", "max_tokens", "incomplete"),
        "declined": ("stop", "end_turn", "completed"),
        "filtered": ("content_filter", "refusal", "incomplete"),
    }
    for reason, words in expected.items():
        reply = ScriptedReply("So far", finish_reason=reason)  # type: ignore[arg-type]
        async with clients(tmp_path / reason, saying(reply)) as lab:
            chat = await lab.openai.chat.completions.create(model="voice", messages=QUESTION)
            message = await lab.anthropic.messages.create(model="voice", max_tokens=9, messages=QUESTION)
            response = await lab.openai.responses.create(model="voice", input="What?")
        assert (chat.choices[0].finish_reason, message.stop_reason, response.status) == words
        assert chat.choices[0].message.content == "So far"


# --- streams --------------------------------------------------------------------------------------------------------
async def test_a_chat_stream_comes_in_pieces_with_usage_only_where_asked(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", saying("It is 42, naïve\u2028reader")) as lab:
        asked: dict[str, Any] = {"model": "voice", "messages": QUESTION, "stream": True}
        plain = [chunk async for chunk in await lab.openai.chat.completions.create(**asked)]
        asked["stream_options"] = {"include_usage": True}
        counted = [chunk async for chunk in await lab.openai.chat.completions.create(**asked)]
    texts = [chunk.choices[0].delta.content or "" for chunk in plain]
    assert "".join(texts) == "It is 42, naïve\u2028reader"
    assert len([text for text in texts if text]) > 2
    assert [chunk.choices[0].finish_reason for chunk in plain][-2:] == [None, "stop"]
    assert all(chunk.usage is None for chunk in plain)
    assert "agent_lab" in (plain[-1].model_extra or {})
    assert (counted[-1].choices, counted[-1].usage.completion_tokens) == ([], 5)  # type: ignore[union-attr]
    assert "agent_lab" in (counted[-1].model_extra or {})


async def test_a_stream_of_responses_is_numbered_and_in_order(tmp_path: Path) -> None:
    async with (
        clients(tmp_path / "home", saying("It is 42")) as lab,
        lab.openai.responses.stream(model="voice", input="What?") as stream,
    ):
        events = [event async for event in stream]
        final = await stream.get_final_response()
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))  # type: ignore[union-attr]
    assert final.output_text == "It is 42"


async def test_a_stream_of_messages_adds_up_to_the_message(tmp_path: Path) -> None:
    async with (
        clients(tmp_path / "home", saying("It is 42")) as lab,
        lab.anthropic.messages.stream(model="voice", max_tokens=9, messages=QUESTION) as stream,
    ):
        kinds = [event.type async for event in stream]
        final = await stream.get_final_message()
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert [block.text for block in final.content if block.type == "text"] == ["It is 42"]
    assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("end_turn", 5, 3)


# --- tools, pictures, parameters --------------------------------------------------------------------------------------
async def test_tools_go_through_chat_completions_and_come_back(tmp_path: Path) -> None:
    tools: Any = [{"type": "function", "function": {"name": "look_up", "description": "x", "parameters": SCHEMA}}]
    turns: list[Any] = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c0", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "c0", "content": "It rains."},
    ]  # fmt: skip
    choice: Any = {"type": "function", "function": {"name": "look_up"}}
    asked: dict[str, Any] = {"model": "voice", "messages": turns, "tools": tools, "tool_choice": choice}
    async with clients(tmp_path / "home", saying(ScriptedReply("", tool_calls=(CALL,)))) as lab:
        whole = await lab.openai.chat.completions.create(**asked)
        seen = lab.call.request
        async with lab.openai.chat.completions.stream(**asked) as stream:
            streamed = (await stream.get_final_completion()).choices[0]
    (called,) = whole.choices[0].message.tool_calls or ()
    assert called.type == "function"
    assert (called.id, called.function.name, called.function.arguments) == ("call_1", "look_up", CALL.arguments)
    assert (whole.choices[0].finish_reason, whole.choices[0].message.content) == ("tool_calls", None)
    (again,) = streamed.message.tool_calls or ()
    assert (again.id, again.function.arguments, streamed.finish_reason) == ("call_1", CALL.arguments, "tool_calls")
    assert (seen.tools[0].name, seen.tools[0].parameters, seen.tool_choice) == ("look_up", SCHEMA, "look_up")
    assert [turn.role for turn in seen.context.history] == ["user", "assistant", "tool"]
    assert seen.context.history[1].tool_calls[0].arguments == "{}"
    assert (seen.prompt, seen.context.history[2].tool_call_id) == ("", "c0")


async def test_tools_go_through_messages_and_come_back(tmp_path: Path) -> None:
    turns: list[Any] = [
        *QUESTION,
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t0", "name": "look_up", "input": {"a": 1}}
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t0", "content": "It rains."}]},
    ]  # fmt: skip
    tools: Any = [{"name": "look_up", "input_schema": SCHEMA}]
    asked: dict[str, Any] = {"model": "voice", "max_tokens": 9, "messages": turns, "tools": tools}
    async with clients(tmp_path / "home", saying(ScriptedReply("So.", tool_calls=(CALL,)))) as lab:
        whole = await lab.anthropic.messages.create(**asked, tool_choice={"type": "any"})
        seen = lab.call.request
        async with lab.anthropic.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    for message in (whole, streamed):
        assert [block.type for block in message.content] == ["text", "tool_use"]
        assert message.content[1].input == {"city": "Lima", "days": 2}  # type: ignore[union-attr]
        assert message.stop_reason == "tool_use"
    assert seen.tool_choice == "required"
    assert [turn.role for turn in seen.context.history] == ["user", "assistant", "tool"]
    assert json.loads(seen.context.history[1].tool_calls[0].arguments) == {"a": 1}
    assert (seen.context.history[2].content, seen.context.history[2].tool_call_id) == ("It rains.", "t0")


async def test_pictures_reach_the_model_from_every_door(tmp_path: Path) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    async with clients(tmp_path / "home", saying("A cat")) as lab:
        picture = {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}
        turns: Any = [{"role": "user", "content": [{"type": "text", "text": "What?"}, picture]}]
        await lab.openai.chat.completions.create(model="voice", messages=turns)
        assert lab.call.request.context.history[-1].images[0].detail == "low"
        blocks: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What?"}]
        turns = [{"role": "user", "content": blocks}]
        await lab.anthropic.messages.create(model="voice", max_tokens=9, messages=turns)
        assert lab.call.request.context.history[-1].images[0].url == PICTURE
        parts: Any = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": PICTURE}]
        items: Any = [{"role": "user", "content": parts}]
        await lab.openai.responses.create(model="voice", input=items)
        last = lab.call.request.context.history[-1]
    assert (last.content, last.images[0].url) == ("What?", PICTURE)


async def test_parameters_are_understood_or_handed_on_unchanged(tmp_path: Path) -> None:
    shape: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    async with clients(tmp_path / "home", saying("{}")) as lab:
        await lab.openai.chat.completions.create(
            model="voice",
            messages=[{"role": "developer", "content": "Be brief."}, *QUESTION],
            max_completion_tokens=7,
            temperature=0.25,
            top_p=0.5,
            seed=3,
            stop="END",
            response_format=shape,
            frequency_penalty=0.5,
            reasoning_effort="low",
        )
        chat = lab.call.request
        await lab.anthropic.messages.create(
            model="voice", max_tokens=9, messages=QUESTION, stop_sequences=["END"], extra_body={"top_k": 4}
        )
        message = lab.call.request
    assert (chat.max_tokens, chat.temperature, chat.top_p, chat.seed, chat.stop) == (7, 0.25, 0.5, 3, ("END",))
    assert (chat.context.system, chat.response_schema) == ("Be brief.", SCHEMA)
    assert (chat.extra, chat.extra_protocol) == ({"frequency_penalty": 0.5, "reasoning_effort": "low"}, "openai")
    assert (message.stop, message.extra, message.extra_protocol) == (("END",), {"top_k": 4}, "anthropic")


# --- names ------------------------------------------------------------------------------------------------------------
async def test_a_model_may_be_named_by_key_by_the_vendors_id_or_not_at_all(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", saying("Yes")) as lab:
        for name, key in (("other", "other"), ("vendor/priced-1", "priced"), ("default", "voice"), ("", "voice")):
            answer = await lab.openai.chat.completions.create(model=name, messages=QUESTION)
            assert answer.model_extra["agent_lab"]["model_key"] == key  # type: ignore[index]
        with pytest.raises(openai.NotFoundError, match="several models") as ambiguous:
            await lab.openai.chat.completions.create(model="scripted:role", messages=QUESTION)
        with pytest.raises(openai.NotFoundError, match="did you mean 'flow/challenge'") as unknown:
            await lab.openai.responses.create(model="flow/chalenge", input="What?")
        with pytest.raises(anthropic.NotFoundError, match="did you mean 'voice'"):
            await lab.anthropic.messages.create(model="voise", max_tokens=9, messages=QUESTION)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    assert "voice" in str(ambiguous.value)


async def test_one_list_of_models_serves_both_sdks(tmp_path: Path) -> None:
    async with clients(tmp_path / "home") as lab:
        ids = [model.id async for model in lab.openai.models.list()]
        others = [(model.id, model.display_name) async for model in lab.anthropic.models.list()]
        flow = await lab.openai.models.retrieve("flow/challenge")
        model = await lab.anthropic.models.retrieve("voice")
        with pytest.raises(anthropic.NotFoundError):
            await lab.anthropic.models.retrieve("voise")
    assert {"voice", "other", "priced", "flow/challenge", "flow/linear"} <= set(ids)
    assert "gpt-5" not in ids  # there is no key for it here
    assert [one for one, _ in others] == ids
    assert (flow.owned_by, model.display_name) == ("agent-lab", "Scripted voice")


# --- errors -----------------------------------------------------------------------------------------------------------
async def test_without_the_token_each_sdk_hears_so_in_its_own_words(tmp_path: Path) -> None:
    async with clients(tmp_path / "home") as lab:
        with pytest.raises(openai.AuthenticationError) as refused:
            await lab.openai.with_options(api_key="wrong").chat.completions.create(model="voice", messages=QUESTION)
        stranger = lab.anthropic.with_options(api_key="wrong")
        with pytest.raises(anthropic.AuthenticationError, match="authentication_error"):
            await stranger.messages.create(model="voice", max_tokens=9, messages=QUESTION)
    assert refused.value.code == "invalid_api_key"
    assert lab.door.provider.calls == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_goes_wrong_before_the_first_word_has_its_own_status(tmp_path: Path, streamed: bool) -> None:
    cases = [
        (RateLimitedError("Too much; wait.", retry_after_s=70), 429, "rate_limit_exceeded"),
        (SilentError("Nothing came; use another model."), 504, "silent"),
        (TooLargeError("The question is too long; shorten it."), 400, "context_length_exceeded"),
    ]
    for number, (error, status, code) in enumerate(cases):
        failing = ScriptedProvider(["never"], errors=dict.fromkeys(range(1, 9), error))
        async with clients(tmp_path / f"openai{number}", failing) as lab:
            with pytest.raises(openai.APIStatusError) as chat:
                await lab.openai.chat.completions.create(model="voice", messages=QUESTION, stream=streamed)
        failing = ScriptedProvider(["never"], errors=dict.fromkeys(range(1, 9), error))
        async with clients(tmp_path / f"anthropic{number}", failing) as lab:
            with pytest.raises(anthropic.APIStatusError) as message:
                await lab.anthropic.messages.create(model="voice", max_tokens=9, messages=QUESTION, stream=streamed)
        assert (chat.value.status_code, chat.value.code, message.value.status_code) == (status, code, status)
        assert ("retry-after" in chat.value.response.headers) == (status == 429)


def breaking() -> ScriptedProvider:
    return saying(ScriptedReply("It is", error=BrokenOffError("The line went dead; ask again.")))


async def test_a_chat_that_breaks_after_its_first_word_raises_and_never_looks_complete(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with clients(tmp_path / "home", breaking()) as lab:
        stream = await lab.openai.chat.completions.create(model="voice", messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError, match="dead"):
            await follow(stream, heard)
    assert len(heard) > 1
    assert {chunk.choices[0].finish_reason for chunk in heard} == {None}


async def test_a_response_that_breaks_after_its_first_word_raises_and_never_looks_complete(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with clients(tmp_path / "home", breaking()) as lab:
        stream = await lab.openai.responses.create(model="voice", input="What?", stream=True)
        with pytest.raises(openai.APIError, match="dead"):
            await follow(stream, heard)
    kinds = {event.type for event in heard}
    assert "response.output_text.delta" in kinds
    assert not {"response.completed", "response.output_text.done"} & kinds


async def test_a_message_that_breaks_after_its_first_word_raises_and_never_looks_complete(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with clients(tmp_path / "home", breaking()) as lab:
        stream = await lab.anthropic.messages.create(model="voice", max_tokens=9, messages=QUESTION, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="dead"):
            await follow(stream, heard)
    kinds = {event.type for event in heard}
    assert "content_block_delta" in kinds
    assert not {"message_delta", "message_stop"} & kinds


async def test_a_stream_that_breaks_has_no_end_for_plain_clients_either(tmp_path: Path) -> None:
    body = {"model": "voice", "messages": QUESTION, "stream": True}
    async with (
        clients(tmp_path / "home", breaking()) as lab,
        httpx.AsyncClient(base_url=lab.url, headers=SIGNED_IN, timeout=PATIENT_S) as plain,
    ):
        raw = await plain.post("/v1/chat/completions", json=body)
    assert '"error":' in raw.text
    assert "[DONE]" not in raw.text
    assert '"finish_reason":"' not in raw.text


async def test_a_client_that_leaves_ends_the_generation(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with clients(tmp_path / "home", ScriptedProvider({"*": "one two three"}, gate=gate)) as lab:
        for streamed in (False, True):
            asking = asyncio.ensure_future(
                lab.openai.chat.completions.create(model="voice", messages=QUESTION, stream=streamed)
            )
            await until(lambda: lab.door.provider.open_streams == 1)
            asking.cancel()
            await until(lambda: lab.door.provider.open_streams == 0)
