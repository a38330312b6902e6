"""What reaches each vendor of a request, and what comes back of its tools: the real libraries, over real sockets."""

from typing import Any

import pytest

from agent_lab.contracts.errors import ValidationError
from support.hosted import Kind, hosted_call, pieces_of, sent, vendor

pytest_plugins = ("support.hosted_fixtures",)

WEATHER = {"name": "weather", "description": "Says it.", "parameters": {"type": "object", "properties": {"at": {}}}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def turns_of(kind: Kind, body: dict[str, Any]) -> list[dict[str, Any]]:
    return body["input" if kind == "responses" else "messages"]


async def test_system_history_and_schema_are_sent(kind: Kind) -> None:
    history = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "critic", "content": "c"},
    ]
    schema = {"type": "object", "properties": {}}
    body, answer = await sent(
        kind, context={"system": "Be brief.", "history": history}, response_schema=schema, temperature=0.25
    )
    turns = [*history[:2], {"role": "user", "content": "critic: c"}, {"role": "user", "content": "How many?"}]
    assert (body["model"], body["temperature"], body["stream"]) == ("big-1", 0.25, True)
    if kind == "openai":
        assert body["messages"] == [{"role": "system", "content": "Be brief."}, *turns]
        assert body["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": schema}
        assert (body["stream_options"], body["max_tokens"]) == ({"include_usage": True}, 1000)
    elif kind == "anthropic":
        assert (body["system"], body["messages"], body["max_tokens"]) == ("Be brief.", turns, 1000)
        assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    else:
        assert (body["instructions"], body["input"], body["max_output_tokens"]) == ("Be brief.", turns, 1000)
        assert body["text"]["format"] == {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}
        assert body["store"] is False
    assert answer.notes == ()


async def test_a_whole_answer_is_asked_for_without_a_stream(kind: Kind) -> None:
    body, _ = await sent(kind, streamed=False)
    assert not {"stream", "stream_options"} & set(body)


async def test_stop_strings_reach_those_who_take_them(kind: Kind) -> None:
    body, answer = await sent(kind, stop=("X",))
    name = {"openai": "stop", "anthropic": "stop_sequences"}.get(kind)
    if name:
        assert (body[name], answer.notes) == (["X"], ())
    else:
        assert answer.notes == ("'big' does not take stop; it was left out.",)


async def test_an_empty_prompt_adds_no_turn_and_the_beginning_of_the_answer_comes_last(kind: Kind) -> None:
    history = [{"role": "user", "content": "Count."}]
    body, _ = await sent(kind, prompt="", context={"history": history}, prefix="One, ")
    beginning = "One," if kind == "anthropic" else "One, "
    assert turns_of(kind, body) == [*history, {"role": "assistant", "content": beginning}]


async def test_white_space_that_was_held_back_of_the_beginning_is_not_written_twice() -> None:
    async with vendor("anthropic", text=" two three") as (_, provider):
        call = hosted_call("anthropic", prefix="One, ")
        assert (await pieces_of(provider, call))[-1].text == "two three"  # type: ignore[union-attr]


async def test_what_the_model_does_not_take_is_left_out_with_a_note(kind: Kind, streamed: bool) -> None:
    names = ("response_schema", "seed", "stop", "temperature")
    wishes = {"temperature": 0.2, "seed": 4, "stop": ("X",), "response_schema": {"type": "object"}}
    body, answer = await sent(kind, ignores=names, streamed=streamed, **wishes)
    left_out = {"temperature", "seed", "stop", "stop_sequences", "response_format", "output_config", "text"}
    assert not left_out & set(body)
    assert sorted(answer.notes) == [f"'big' does not take {name}; it was left out." for name in names]


async def test_tools_and_pictures_that_the_model_does_not_take_are_left_out_with_a_note(kind: Kind) -> None:
    history = [
        {"role": "user", "content": "Look.", "images": [{"url": PIXEL}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c0", "name": "now", "arguments": "{}"}]},
        {"role": "tool", "content": "noon", "tool_call_id": "c0"},
    ]
    body, answer = await sent(kind, ignores=["tools", "images"], tools=[WEATHER], context={"history": history})
    assert turns_of(kind, body) == [
        {"role": "user", "content": "Look."},
        {"role": "user", "content": "tool: noon"},
        {"role": "user", "content": "How many?"},
    ]
    assert "tools" not in body
    assert sorted(answer.notes) == [f"'big' does not take {name}; they were left out." for name in ("images", "tools")]


@pytest.mark.parametrize(
    ("name", "it", "wish"),
    [
        ("tools", "them", {"tools": [WEATHER]}),
        ("images", "them", {"context": {"history": [{"role": "user", "content": "", "images": [{"url": PIXEL}]}]}}),
        ("seed", "it", {"seed": 4}),
        ("stop", "it", {"stop": ["X"]}),
        ("temperature", "it", {"temperature": 0.2}),
        ("response_schema", "it", {"response_schema": {}}),
    ],
)
async def test_what_the_model_rejects_is_refused_by_name_before_anything_is_sent(
    kind: Kind, name: str, it: str, wish: dict[str, Any]
) -> None:
    async with vendor(kind) as (server, provider):
        with pytest.raises(
            ValidationError, match=f"^'big' does not take {name}; leave {it} out or use another model.$"
        ):
            await pieces_of(provider, hosted_call(kind, rejects=[name], **wish))
    assert server.received == []


@pytest.mark.parametrize("row", [{"ignores": ["temperature"]}, {"rejects": ["temperature"]}])
async def test_the_plain_temperature_is_left_out_without_a_word(kind: Kind, row: dict[str, Any]) -> None:
    body, answer = await sent(kind, temperature=0.7, **row)
    assert "temperature" not in body
    assert answer.notes == ()


async def test_a_seed_reaches_those_who_take_one(kind: Kind) -> None:
    body, answer = await sent(kind, seed=4)
    taken = kind == "openai"
    assert body.get("seed") == (4 if taken else None)
    assert answer.notes == (() if taken else ("'big' does not take seed; it was left out.",))


async def test_a_temperature_over_one_is_lowered_for_anthropic_and_said() -> None:
    assert (await sent("openai", temperature=1.5))[0]["temperature"] == 1.5
    body, answer = await sent("anthropic", temperature=1.5)
    assert body["temperature"] == 1.0
    assert answer.notes == ("'big' takes a temperature up to 1; it was lowered to that.",)


SHOWN: dict[str, list[dict[str, Any]]] = {
    "openai": [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "image_url", "image_url": {"url": "https://host/cat.png", "detail": "low"}},
    ],
    "anthropic": [
        {"type": "text", "text": "Look."},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://host/cat.png"}},
    ],
    "responses": [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
        {"type": "input_image", "image_url": "https://host/cat.png", "detail": "low"},
    ],
}


async def test_pictures_are_shown_after_the_text(kind: Kind) -> None:
    images = [{"url": PIXEL}, {"url": "https://host/cat.png", "detail": "low"}]
    body, _ = await sent(kind, prompt="", context={"history": [{"role": "user", "content": "Look.", "images": images}]})
    assert turns_of(kind, body) == [{"role": "user", "content": SHOWN[kind]}]


async def test_a_picture_that_anthropic_cannot_be_told_is_refused() -> None:
    history = [{"role": "user", "content": "", "images": [{"url": "data:text/plain,hello"}]}]
    with pytest.raises(ValidationError, match="A picture is not in base64"):
        await sent("anthropic", context={"history": history})


async def test_the_vendors_own_parameters_are_passed_on_and_change_nothing_of_the_gateways(kind: Kind) -> None:
    extra = {"service_tier": "auto", "metadata": {"a": "b"}, "model": "dearer", "stream": False, "max_tokens": 9}
    protocol = "anthropic" if kind == "anthropic" else "openai"
    body, answer = await sent(kind, extra=extra, extra_protocol=protocol)
    assert (body["service_tier"], body["metadata"]) == ("auto", {"a": "b"})
    assert (body["model"], body["stream"]) == ("big-1", True)
    assert 9 not in body.values()
    assert answer.notes == ("'big' does not take max_tokens, model, stream; they were left out.",)


async def test_parameters_of_chat_completions_are_told_to_responses_under_their_names_there() -> None:
    extra = {
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {"type": "json_object"},
        "logit_bias": {},
    }
    body, answer = await sent("responses", extra=extra, extra_protocol="openai")
    assert body["reasoning"] == {"effort": "low"}
    assert body["text"] == {"verbosity": "low", "format": {"type": "json_object"}}
    assert answer.notes == ("'big' does not take logit_bias; it was left out.",)


async def test_parameters_of_another_vendor_are_left_out_with_one_note(kind: Kind) -> None:
    protocol = "openai" if kind == "anthropic" else "anthropic"
    body, answer = await sent(kind, extra={"x": 1, "y": 2}, extra_protocol=protocol)
    assert not {"x", "y"} & set(body)
    assert answer.notes == ("'big' does not take x, y; they were left out.",)


async def test_own_parameters_join_those_of_the_same_name() -> None:
    schema = {"response_schema": {"type": "object"}}
    body, _ = await sent("anthropic", extra={"output_config": {"effort": "low"}}, extra_protocol="anthropic", **schema)
    assert set(body["output_config"]) == {"effort", "format"}
    body, _ = await sent("responses", extra={"text": {"verbosity": "low"}}, extra_protocol="openai", **schema)
    assert set(body["text"]) == {"verbosity", "format"}


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
async def test_a_request_in_which_nobody_says_anything_is_not_sent(kind: Kind, role: str) -> None:
    history = [{"role": role, "content": ""}]
    async with vendor(kind) as (server, provider):
        with pytest.raises(ValidationError, match=r"^There is no message to answer; send one\.$"):
            await pieces_of(provider, hosted_call(kind, prompt="", context={"system": "Hm.", "history": history}))
    assert server.received == []


async def test_words_of_the_system_alone_are_no_message_to_anthropic() -> None:
    history = [{"role": "system", "content": "Be brief."}]
    with pytest.raises(ValidationError, match=r"^There is no message to answer; send one\.$"):
        await sent("anthropic", prompt="", context={"history": history})
    body, _ = await sent("openai", prompt="", context={"history": history})
    assert body["messages"] == history
