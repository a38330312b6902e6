"""Writes answers as OpenAI's responses, whole and as numbered events."""

from __future__ import annotations

import time
import uuid
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from agent_lab.compat.faults import Fault, encoded
from agent_lab.compat.spoken import Answer, RoleDelta
from agent_lab.contracts.generation import ToolDelta, Usage

INCOMPLETE = {"length": "max_output_tokens", "filtered": "content_filter"}
Document = dict[str, Any]


class ResponsesWriter:
    """One response. Its output is a message, after the thoughts of a flow's roles where they are asked for."""

    ping = b": ping\n\n"

    def __init__(self, *, echo: Document) -> None:
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._echo = echo
        self._model = ""
        self._number = -1
        self._output: list[Document] = []
        self._open: Document | None = None
        self._speaker: RoleDelta | None = None
        self._words: list[str] = []
        self._delta_head = ""

    def begin(self, model: str) -> None:
        """This model speaks from here on."""
        self._model = model

    def opening(self) -> bytes:
        """The two events before the first item."""
        response = self._response("in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def text(self, text: str) -> bytes:
        """Words of the answer."""
        before = b""
        if self._open is None or self._speaker is not None:
            before = self._close() + self._open_item(_message(f"msg_{uuid.uuid4().hex}"), None)
        return before + self._words_event(text)

    def tool(self, delta: ToolDelta) -> bytes:
        """Nothing: this door takes no tools, so that no model calls one."""
        return b""

    def role(self, delta: RoleDelta) -> bytes:
        """What a role of a flow says, as reasoning; each change of the voice is an item of its own."""
        before = b""
        if self._speaker is None or self._speaker.key != delta.key or delta.restarted:
            item = {"id": f"rs_{uuid.uuid4().hex}", "type": "reasoning", "summary": [], "content": []}
            before = self._close() + self._open_item(item | {"agent_lab": delta.voice}, delta)
        return before + self._words_event(delta.text)

    def end(self, answer: Answer) -> bytes:
        """The ends of the message and of the response."""
        before = b"" if self._output else self.text("")  # an empty answer is a message too
        before += self._close()
        status = "incomplete" if answer.finish_reason in INCOMPLETE else "completed"
        return before + self._event(f"response.{status}", response=self._response(status, answer))

    def broken(self, fault: Fault) -> bytes:
        """The error, under the names that the SDK knows it by, and the response that failed."""
        error = fault.openai()["error"]
        told = {"code": fault.code, "message": fault.message, "param": fault.param}
        failed = self._response("failed") | {"error": {"code": "server_error", "message": fault.message}}
        return self._event("error", **told, error=error) + self._event("response.failed", response=failed)

    def whole(self, answer: Answer) -> bytes:
        """The response."""
        status = "incomplete" if answer.finish_reason in INCOMPLETE else "completed"
        item = _message(f"msg_{uuid.uuid4().hex}")
        self._model = answer.model
        self._output = [item | {"status": status, "content": [_text_part(answer.text)]}]
        return encoded(self._response(status, answer))

    def refused(self, fault: Fault) -> bytes:
        """An error as one document."""
        return encoded(fault.openai())

    def _open_item(self, item: Document, speaker: RoleDelta | None) -> bytes:
        self._open, self._speaker, self._words = item, speaker, []
        self._output.append(item)
        at = len(self._output) - 1
        added = self._event("response.output_item.added", output_index=at, item=item)
        place = f'"item_id":"{item["id"]}","output_index":{at},"content_index":0'
        if speaker is not None:
            self._delta_head = _head("response.reasoning_text.delta") + place
            return added
        self._delta_head = _head("response.output_text.delta") + place + ',"logprobs":[]'
        return added + self._event(
            "response.content_part.added", item_id=item["id"], output_index=at, content_index=0, part=_text_part("")
        )

    def _words_event(self, text: str) -> bytes:
        self._words.append(text)
        self._number += 1
        return f'{self._delta_head},"delta":{quoted(text)},"sequence_number":{self._number}}}\n\n'.encode("ascii")

    def _close(self) -> bytes:
        """The events that end the item which is open."""
        item, said = self._open, "".join(self._words)
        if item is None:
            return b""
        at = len(self._output) - 1
        place = {"item_id": item["id"], "output_index": at, "content_index": 0}
        if self._speaker is not None:
            done = self._event("response.reasoning_text.done", **place, text=said)
            ended = item | {"content": [{"type": "reasoning_text", "text": said}]}
        else:
            done = self._event("response.output_text.done", **place, text=said, logprobs=[])
            done += self._event("response.content_part.done", **place, part=_text_part(said))
            ended = item | {"status": "completed", "content": [_text_part(said)]}
        self._output[at], self._open, self._speaker = ended, None, None
        return done + self._event("response.output_item.done", output_index=at, item=ended)

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        document = {"type": kind, **fields, "sequence_number": self._number}
        return f"event: {kind}\ndata: ".encode("ascii") + encoded(document) + b"\n\n"

    def _response(self, status: str, answer: Answer | None = None) -> Document:
        reason = INCOMPLETE.get(answer.finish_reason) if answer else None
        document = {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self._model,
            "output": list(self._output) if answer else [],
            **self._echo,
            "usage": _usage(answer.usage) if answer else None,
        }
        return document | {"agent_lab": answer.extension} if answer else document


def _head(kind: str) -> str:
    return f'event: {kind}\ndata: {{"type":"{kind}",'


def _message(item_id: str) -> Document:
    return {"id": item_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}


def _text_part(text: str) -> Document:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(usage: Usage) -> Document:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
