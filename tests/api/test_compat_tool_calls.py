"""Tool calls in Anthropic's protocol: objects in blocks one after the other, or an error and never half a message."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from agent_lab.compat.messages_writer import MessagesWriter
from agent_lab.compat.spoken import Answer
from agent_lab.compat.tool_calls import input_of
from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.generation import ToolCall, ToolDelta, Usage
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import open_door

ASKED = {"model": "voice", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
UNSHOWABLE = ["{", "[1]", "7", '"x"', "null", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a":' * 5000]
UNSHOWABLE += ['{"a":' * 5000 + "1" + "}" * 5000, '{"a": ' + "9" * 5000 + "}"]


def answer(*calls: ToolCall) -> Answer:
    return Answer(text="", model="m", finish_reason="tool_calls", usage=Usage(), tool_calls=calls, extension={})


def blocks(said: bytes) -> list[dict[str, Any]]:
    """The blocks of a stream, each with the events' order checked as the protocol has it."""
    found: list[dict[str, Any]] = []
    is_open = False
    for line in said.decode().splitlines():
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
        kind = event.get("type", "")
        if kind == "content_block_start":
            assert (is_open, event["index"]) == (False, len(found))
            found.append(event["content_block"] | {"said": ""})
        elif kind == "content_block_delta":
            assert (is_open, event["index"]) == (True, len(found) - 1)
            found[-1]["said"] += event["delta"].get("text", event["delta"].get("partial_json", ""))
        is_open = kind == "content_block_start" or (is_open and kind != "content_block_stop")
    return found


@pytest.mark.parametrize("arguments", UNSHOWABLE, ids=range(len(UNSHOWABLE)))
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_call_that_is_no_json_object_is_an_error_in_the_protocols_form(
    tmp_path: Path, arguments: str, streamed: bool
) -> None:
    call = ToolCall(id="c", name="look_up", arguments=arguments)
    provider = ScriptedProvider({"*": ScriptedReply("", tool_calls=(call,))})
    async with open_door(tmp_path / "home", provider) as door, door.owner() as owner:
        response = await owner.post("/v1/messages", json=ASKED | {"stream": streamed})
    last = response.text.strip().splitlines()[-1].removeprefix("data: ")
    assert json.loads(last)["error"]["type"] == "api_error"
    assert "'look_up' with what is not a JSON object" in last
    assert response.status_code == (200 if streamed else 502)
    assert "message_stop" not in response.text


def test_calls_that_are_written_at_the_same_time_become_blocks_one_after_the_other() -> None:
    calls = [ToolCall(id=f"c{n}", name=f"tool{n}", arguments=json.dumps({"number": n})) for n in range(3)]
    writer = MessagesWriter(request_id="r")
    said = writer.text("I look.") + b"".join(writer.tool(ToolDelta(n, c.id, c.name)) for n, c in enumerate(calls))
    for letters in itertools.zip_longest(*(call.arguments for call in calls), fillvalue=""):
        said += b"".join(writer.tool(ToolDelta(n, arguments=letter)) for n, letter in enumerate(letters))
    first, *rest = blocks(said + writer.text("Done.") + writer.end(answer(*calls)))
    assert first["said"] == "I look."
    assert rest.pop()["said"] == "Done."
    assert [(one["id"], one["name"], one["said"]) for one in rest] == [(c.id, c.name, c.arguments) for c in calls]


def test_calls_that_come_one_after_the_other_are_not_held_back() -> None:
    writer = MessagesWriter(request_id="r")
    said = [writer.tool(ToolDelta(n, f"c{n}", "look_up", piece)) for n in range(2) for piece in ('{"a":', " 1}")]
    assert all(b"input_json_delta" in piece for piece in said)


def test_a_call_without_an_id_gets_one_and_one_without_a_name_is_an_error() -> None:
    writer = MessagesWriter(request_id="r")
    whole = json.loads(writer.whole(answer(ToolCall(id="", name="look_up", arguments=""))))
    said = writer.tool(ToolDelta(0, "", "look_up"))
    assert [bool(one["id"]) for one in (*whole["content"], *blocks(said))] == [True, True]
    nameless = ToolCall(id="c", name="", arguments="{}")
    assert blocks(writer.tool(ToolDelta(1, "c", "", "{}"))) == []
    for write in (writer.whole, writer.end):
        with pytest.raises(BrokenOffError, match="without naming it"):
            write(answer(nameless))


def test_no_arguments_are_an_empty_object() -> None:
    assert input_of(ToolCall(id="c", name="look_up", arguments=" ")) == {}
