"""Writes answers as Anthropic's messages, whole and as events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from agent_lab.compat.faults import Fault, encoded
from agent_lab.compat.spoken import Answer, RoleDelta
from agent_lab.compat.tool_calls import InTurn, input_of
from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.generation import FinishReason, TextDelta, ToolCall, ToolDelta, Usage

STOP_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "declined": "end_turn",  # the text says why, and is all that there is
    "filtered": "refusal",
}
Document = dict[str, Any]


class MessagesWriter:
    """One message. Its blocks follow one another: each change of what is said closes one and opens the next."""

    ping = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(self, *, request_id: str) -> None:
        self._id = f"msg_{uuid.uuid4().hex}"
        self._request_id = request_id
        self._model = ""
        self._index = -1
        self._open: object = None
        self._head = ""
        self._in_turn: InTurn | None = None

    def begin(self, model: str) -> None:
        """This model speaks from here on."""
        self._model = model

    def opening(self) -> bytes:
        """The message before its first word. What was read is not counted yet; the end tells it."""
        message = self._message([], None, _usage(Usage()))
        return _event("message_start", message=message) + self.ping

    def text(self, text: str) -> bytes:
        """Words of the answer."""
        if self._in_turn is not None:
            return self._written(*self._in_turn.take(TextDelta(text)))
        return self._text(text)

    def tool(self, delta: ToolDelta) -> bytes:
        """A piece of a tool call; held back while another call is unfinished."""
        if self._in_turn is None:
            self._in_turn = InTurn()
        return self._written(*self._in_turn.take(delta))

    def role(self, delta: RoleDelta) -> bytes:
        """What a role of a flow says, where clients look for the thoughts of a model."""
        before = b""
        if self._open != delta.key or delta.restarted:
            block = {"type": "thinking", "thinking": "", "signature": "", "agent_lab": delta.voice}
            before = self._start(delta.key, block, "thinking_delta", "thinking")
        return before + self._delta(delta.text)

    def end(self, answer: Answer) -> bytes:
        """The reason of the end, the usage, and the end. Raises BrokenOffError for a call that cannot be shown."""
        for call in answer.tool_calls:
            input_of(call)
        rest = self._written(*self._in_turn.rest()) if self._in_turn is not None else b""
        delta = {"stop_reason": STOP_REASONS[answer.finish_reason], "stop_sequence": None}
        return (
            rest
            + self._stop()
            + _event("message_delta", delta=delta, usage=_usage(answer.usage), agent_lab=answer.extension)
            + _event("message_stop")
        )

    def broken(self, fault: Fault) -> bytes:
        """The error; no message_stop follows."""
        return b"event: error\ndata: " + self.refused(fault) + b"\n\n"

    def whole(self, answer: Answer) -> bytes:
        """The message. Raises BrokenOffError for a call that cannot be shown."""
        self._model = answer.model
        content: list[Document] = [{"type": "text", "text": answer.text}] if answer.text else []
        content += [_tool_use(call) for call in answer.tool_calls]
        message = self._message(content, STOP_REASONS[answer.finish_reason], _usage(answer.usage))
        return encoded(message | {"agent_lab": answer.extension})

    def refused(self, fault: Fault) -> bytes:
        """An error as one document."""
        return encoded(fault.anthropic(self._request_id))

    def _written(self, *pieces: TextDelta | ToolDelta) -> bytes:
        return b"".join(self._text(one.text) if isinstance(one, TextDelta) else self._tool(one) for one in pieces)

    def _text(self, text: str) -> bytes:
        before = (
            b"" if self._open == "text" else self._start("text", {"type": "text", "text": ""}, "text_delta", "text")
        )
        return before + self._delta(text)

    def _tool(self, delta: ToolDelta) -> bytes:
        before, key = b"", ("tool", delta.index)
        if self._open != key:
            if not delta.name:
                raise BrokenOffError("The model called a tool without naming it; ask again.")
            block = {"type": "tool_use", "id": delta.id or _new_id(), "name": delta.name, "input": {}}
            before = self._start(key, block, "input_json_delta", "partial_json")
        return before + self._delta(delta.arguments)

    def _start(self, key: object, block: Document, delta: str, field: str) -> bytes:
        before = self._stop()
        self._open, self._index = key, self._index + 1
        self._head = (
            'event: content_block_delta\ndata: {"type":"content_block_delta",'
            f'"index":{self._index},"delta":{{"type":"{delta}","{field}":'
        )
        return before + _event("content_block_start", index=self._index, content_block=block)

    def _stop(self) -> bytes:
        was_open, self._open = self._open, None
        return b"" if was_open is None else _event("content_block_stop", index=self._index)

    def _delta(self, text: str) -> bytes:
        return (self._head + quoted(text) + "}}\n\n").encode("ascii")

    def _message(self, content: list[Document], stop_reason: str | None, usage: Document) -> Document:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode("ascii") + encoded({"type": kind, **fields}) + b"\n\n"


def _tool_use(call: ToolCall) -> Document:
    return {"type": "tool_use", "id": call.id or _new_id(), "name": call.name, "input": input_of(call)}


def _new_id() -> str:
    """What the client answers to where the vendor has given a call no id."""
    return f"toolu_{uuid.uuid4().hex}"


def _usage(usage: Usage) -> Document:
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,  # this protocol counts what was cached apart
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
