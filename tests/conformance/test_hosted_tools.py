"""Tools: how each vendor is told of them and of what they said, and how it asks for them."""

import json
from typing import Any

import pytest

from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.generation import ToolCall, ToolDelta
from agent_lab.contracts.ports import ModelAnswer
from support.hosted import Kind, answer_of, error_of, hosted_call, pieces_of, sent, vendor

pytest_plugins = ("support.hosted_fixtures",)

WEATHER = {"name": "weather", "description": "Says it.", "parameters": {"type": "object", "properties": {"at": {}}}}
CALLS = (("weather", '{"at": "Bogotá"}'), ("now", ""))
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def turns_of(kind: Kind, body: dict[str, Any]) -> list[dict[str, Any]]:
    return body["input" if kind == "responses" else "messages"]


TOOLS = {
    "openai": [{"type": "function", "function": WEATHER}, {"type": "function", "function": {"name": "now"}}],
    "anthropic": [
        {"name": "weather", "description": "Says it.", "input_schema": WEATHER["parameters"]},
        {"name": "now", "input_schema": {"type": "object"}},
    ],
    "responses": [
        {"type": "function", "strict": False, **WEATHER},
        {"type": "function", "strict": False, "name": "now", "parameters": None},
    ],
}
CHOICES = {
    "openai": ["auto", "required", {"type": "function", "function": {"name": "now"}}],
    "anthropic": [{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "now"}],
    "responses": ["auto", "required", {"type": "function", "name": "now"}],
}


async def test_tools_are_offered_in_the_vendors_form(kind: Kind) -> None:
    for choice, expected in zip(["auto", "required", "now"], CHOICES[kind], strict=True):
        body, _ = await sent(kind, tools=[WEATHER, {"name": "now"}], tool_choice=choice)
        assert body["tools"] == TOOLS[kind]
        assert body["tool_choice"] == expected
    assert "tool_choice" not in (await sent(kind, tools=[WEATHER]))[0]
    assert "tool_choice" not in (await sent(kind, tool_choice="auto"))[0]


async def test_calls_of_tools_come_in_pieces_that_add_up_to_those_of_the_answer(kind: Kind, streamed: bool) -> None:
    async with vendor(kind, text="Let me see.", tool_calls=CALLS, delay_s=0.001) as (_, provider):
        *pieces, answer = await pieces_of(provider, hosted_call(kind, streamed=streamed))
    assert isinstance(answer, ModelAnswer)
    empty = "{}" if kind == "anthropic" else ""
    first, second = answer.tool_calls
    assert (first.id, first.name) == ("c0", "weather")
    assert (answer.text, answer.finish_reason) == ("Let me see.", "tool_calls")
    assert first.arguments.replace(" ", "") == '{"at":"Bogotá"}'
    assert second == ToolCall(id="c1", name="now", arguments=empty)
    deltas = [piece for piece in pieces if isinstance(piece, ToolDelta)]
    for index, call in enumerate(answer.tool_calls):
        begun, *rest = [delta for delta in deltas if delta.index == index]
        assert (begun.id, begun.name) == (call.id, call.name)
        assert all(delta.id is None and delta.name is None for delta in rest)
        assert "".join(delta.arguments for delta in (begun, *rest)) == call.arguments


async def test_a_call_that_was_demanded_ends_with_stop_and_is_a_call_all_the_same() -> None:
    async with vendor("openai", text="", tool_calls=CALLS, end="stop") as (_, provider):
        answer = (await pieces_of(provider, hosted_call()))[-1]
    assert answer.finish_reason == "tool_calls"  # type: ignore[union-attr]


HISTORY = [
    {"role": "user", "content": "And now?"},
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {"id": "c0", "name": "now", "arguments": '{"zone": 1}'},
            {"id": "c1", "name": "now", "arguments": "no json"},
        ],
    },
    {"role": "tool", "content": "noon", "tool_call_id": "c0"},
    {"role": "tool", "content": "", "tool_call_id": "c1"},
]
SAID: dict[str, list[dict[str, Any]]] = {
    "openai": [
        HISTORY[0],
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "c0", "type": "function", "function": {"name": "now", "arguments": '{"zone": 1}'}},
                {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "no json"}},
            ],
        },
        *HISTORY[2:],
    ],
    "anthropic": [
        HISTORY[0],
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c0", "name": "now", "input": {"zone": 1}},
                {"type": "tool_use", "id": "c1", "name": "now", "input": {"arguments": "no json"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c0", "content": "noon"},
                {"type": "tool_result", "tool_use_id": "c1", "content": ""},
            ],
        },
    ],
    "responses": [
        HISTORY[0],
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "c0", "name": "now", "arguments": '{"zone": 1}'},
        {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "no json"},
        {"type": "function_call_output", "call_id": "c0", "output": "noon"},
        {"type": "function_call_output", "call_id": "c1", "output": ""},
    ],
}


async def test_what_tools_were_asked_and_said_is_told_in_the_vendors_form(kind: Kind) -> None:
    body, _ = await sent(kind, prompt="", context={"history": HISTORY})
    assert turns_of(kind, body) == SAID[kind]


PICTURES: dict[str, dict[str, Any]] = {
    "openai": {"type": "image_url", "image_url": {"url": PIXEL}},
    "anthropic": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    },
    "responses": {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
}


async def test_pictures_of_tools_are_shown_by_the_user_after_the_last_result(kind: Kind) -> None:
    with_picture = {**HISTORY[2], "images": [{"url": PIXEL}]}
    body, _ = await sent(kind, context={"history": [*HISTORY[:2], with_picture, HISTORY[3]]})
    *before, shown, prompt = turns_of(kind, body)
    assert before == SAID[kind]
    assert shown == {"role": "user", "content": [PICTURES[kind]]}
    assert prompt == {"role": "user", "content": "How many?"}


def asking(kind: Kind, *, streamed: bool, **call: Any) -> str:
    """What a vendor says that calls a tool with these words, of which each may be of a type that is not meant."""
    named = {"id": call["id"], "name": call["name"]}
    if kind == "openai":
        function = {"name": call["name"], "arguments": call["arguments"]}
        said = {"tool_calls": [{"index": 0, "id": call["id"], "function": function}]}
        choice = {"delta": said} if streamed else {"message": said, "finish_reason": "tool_calls"}
        return json.dumps({"choices": [{"index": 0, **choice}]})
    if kind == "responses":
        item = {"type": "function_call", "call_id": call["id"], "name": call["name"], "arguments": call["arguments"]}
        done = {"type": "response.output_item.done", "output_index": 7, "item": item}
        return json.dumps(done if streamed else {"status": "completed", "output": [item]})
    block = {"type": "tool_use", **named, "input": {} if streamed else call["arguments"]}
    if not streamed:
        return json.dumps({"content": [block], "stop_reason": "tool_use"})
    delta = {"type": "input_json_delta", "partial_json": call["arguments"]}
    events = (
        {"type": "content_block_start", "index": 7, "content_block": block},
        {"type": "content_block_delta", "index": 7, "delta": delta},
    )
    return "\n\ndata: ".join(map(json.dumps, events))


async def test_arguments_that_come_as_an_object_are_written_as_json(kind: Kind, streamed: bool) -> None:
    for arguments in ({"at": "Bogotá", "half": "\ud83d"}, {}):
        insert = asking(kind, streamed=streamed, id="c0", name="now", arguments=arguments)
        answer = await answer_of(kind, streamed=streamed, text="one two three", insert=insert)
        (call,) = answer.tool_calls
        assert (call.id, call.name) == ("c0", "now")
        assert json.loads(call.arguments) == arguments


async def test_a_number_for_an_id_or_a_name_is_its_digits(kind: Kind, streamed: bool) -> None:
    insert = asking(kind, streamed=streamed, id=0, name=12, arguments="{}")
    (call,) = (await answer_of(kind, streamed=streamed, text="one two three", insert=insert)).tool_calls
    assert call == ToolCall(id="0", name="12", arguments="{}")


@pytest.mark.parametrize("word", ["id", "name", "arguments"])
@pytest.mark.parametrize("value", [True, False, [], ["now"], [{}]])
async def test_a_call_in_other_words_breaks_the_answer_off(kind: Kind, streamed: bool, word: str, value: Any) -> None:
    insert = asking(kind, streamed=streamed, **{"id": "c0", "name": "now", "arguments": "{}", word: value})
    error = await error_of(kind, streamed=streamed, text="one two three", insert=insert)
    assert isinstance(error, BrokenOffError)
    assert "a piece of it cannot be read" in error.message


@pytest.mark.parametrize("word", ["id", "name"])
async def test_an_object_is_no_name_of_a_call(kind: Kind, streamed: bool, word: str) -> None:
    insert = asking(kind, streamed=streamed, **{"id": "c0", "name": "now", "arguments": "{}", word: {"a": 1}})
    assert isinstance(await error_of(kind, streamed=streamed, text="one two three", insert=insert), BrokenOffError)
