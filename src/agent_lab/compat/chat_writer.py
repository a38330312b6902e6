"""Writes answers as OpenAI's chat completions, whole and in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from agent_lab.compat.faults import Fault, encoded
from agent_lab.compat.spoken import Answer, RoleDelta
from agent_lab.contracts.generation import FinishReason, ToolDelta, Usage

FINISH: Mapping[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "declined": "stop",  # the text says why, and is all that there is
    "filtered": "content_filter",
}


class ChatWriter:
    """One chat completion."""

    ping = b": ping\n\n"

    def __init__(self, *, include_usage: bool) -> None:
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._include_usage = include_usage
        self.begin("")

    def begin(self, model: str) -> None:
        """Prepare what is the same in every chunk; only the words between are encoded for each."""
        self._model = model
        self._head = (
            f'data: {{"id":"{self._id}","object":"chat.completion.chunk","created":{self._created},'
            f'"model":{quoted(model)},"choices":[{{"index":0,"delta":'
        )
        usage = ',"usage":null' if self._include_usage else ""
        self._tail = f',"logprobs":null,"finish_reason":null}}]{usage}}}\n\n'
        self._text_head = self._head + '{"content":'
        self._text_tail = "}" + self._tail

    def opening(self) -> bytes:
        """The chunk that says who speaks."""
        return self._delta('{"role":"assistant","content":""}')

    def text(self, text: str) -> bytes:
        """Words of the answer."""
        return (self._text_head + quoted(text) + self._text_tail).encode("ascii")

    def tool(self, delta: ToolDelta) -> bytes:
        """A piece of a tool call."""
        named = ""
        function = f'"arguments":{quoted(delta.arguments)}'
        if delta.id is not None:
            named = f'"id":{quoted(delta.id)},"type":"function",'
            function = f'"name":{quoted(delta.name or "")},{function}'
        return self._delta(f'{{"tool_calls":[{{"index":{delta.index},{named}"function":{{{function}}}}}]}}')

    def role(self, delta: RoleDelta) -> bytes:
        """What a role of a flow says, where clients look for the thoughts of a model."""
        voice = encoded(delta.voice).decode("ascii")
        return self._delta(f'{{"reasoning_content":{quoted(delta.text)}}}', f'"agent_lab":{voice},')

    def end(self, answer: Answer) -> bytes:
        """The reason of the end, the usage where it was asked for, and the end."""
        last = self._chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": FINISH[answer.finish_reason]}])
        if not self._include_usage:
            return _event(last | {"agent_lab": answer.extension}) + b"data: [DONE]\n\n"
        counted = self._chunk([]) | {"usage": _usage(answer.usage), "agent_lab": answer.extension}
        return _event(last | {"usage": None}) + _event(counted) + b"data: [DONE]\n\n"

    def broken(self, fault: Fault) -> bytes:
        """The error; neither a finish reason nor [DONE] follows."""
        return _event(fault.openai())

    def whole(self, answer: Answer) -> bytes:
        """The completion."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text if answer.text or not answer.tool_calls else None,
            "refusal": None,
            "annotations": [],
        }
        if answer.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in answer.tool_calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[answer.finish_reason]}
        return encoded(
            {
                "id": self._id,
                "object": "chat.completion",
                "created": self._created,
                "model": answer.model,
                "choices": [choice],
                "usage": _usage(answer.usage),
                "agent_lab": answer.extension,
            }
        )

    def refused(self, fault: Fault) -> bytes:
        """An error as one document."""
        return encoded(fault.openai())

    def _delta(self, delta: str, extension: str = "") -> bytes:
        head = self._head if not extension else self._head.replace('"choices":', extension + '"choices":', 1)
        return (head + delta + self._tail).encode("ascii")

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }


def _event(document: Mapping[str, Any]) -> bytes:
    return b"data: " + encoded(document) + b"\n\n"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
