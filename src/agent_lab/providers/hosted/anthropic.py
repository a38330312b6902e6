"""The messages of Anthropic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent_lab.contracts.generation import FinishReason
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.dialect import Asked, Reading, Wishes, conversation
from agent_lab.providers.hosted.errors import Callee

ENDS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "declined",
}
HOTTEST = 1.0


class AnthropicDialect:
    """Fulfils `dialect.Dialect` with the library `anthropic`."""

    path = "/v1/messages"
    library = "anthropic"

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """The library's client, its retries off: the gateway alone decides about them."""
        import anthropic

        # The library insists on a key; where there is none, the HTTP client takes this word off again.
        return anthropic.AsyncAnthropic(
            api_key=secret or "none", base_url=spec.base_url, max_retries=0, http_client=http
        )

    def refusal(self, error: Exception) -> Any | None:
        """The response behind the library's error."""
        import anthropic

        return error.response if isinstance(error, anthropic.APIStatusError) else None

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call as messages have it."""
        request, wishes = call.request, Wishes(call)
        turns = conversation(call)
        system = [turn["content"] for turn in turns if turn["role"] == "system"]
        if request.context.system:
            system.insert(0, request.context.system)
        body: dict[str, Any] = {
            "model": call.model.model_id,
            "messages": [turn for turn in turns if turn["role"] != "system"],
            "max_tokens": call.max_tokens,
            "stream": True,
            "system": "\n\n".join(system) or None,
            **_sampling(wishes),
        }
        if wishes.takes("stop", wished=bool(request.stop)):
            body["stop_sequences"] = list(request.stop)
        if request.seed is not None:
            wishes.leave_out("seed")
        if wishes.takes("response_schema", wished=request.response_schema is not None):
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.response_schema}}
        return Asked({name: value for name, value in body.items() if value is not None}, tuple(wishes.notes))

    def reader(self, callee: Callee) -> AnthropicReader:
        """A reader for one answer."""
        return AnthropicReader(callee)


def _sampling(wishes: Wishes) -> dict[str, float | None]:
    temperature, top_p = wishes.temperature, wishes.top_p
    if temperature is not None and temperature > HOTTEST:
        wishes.notes.append(f"{wishes.call.model.key!r} takes a temperature up to 1; it was lowered to that.")
        temperature = HOTTEST
    if temperature is not None and top_p is not None:
        wishes.leave_out("temperature and top_p together: top_p")
        top_p = None
    if wishes.call.sampling.top_k:
        wishes.leave_out("top_k")
    return {"temperature": temperature, "top_p": top_p}


class AnthropicReader:
    """Reads events until `message_stop`. Thinking is no part of the text."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee
        self.reading = Reading()

    def feed(self, data: str) -> str:
        """The text in an event."""
        event = json.loads(data)
        kind = event["type"]
        if kind == "error":
            raise self._callee.refused(500, event)
        if kind == "message_start":
            self._begin(event["message"]["usage"])
        elif kind == "content_block_delta" and event["delta"]["type"] == "text_delta":
            text = event["delta"]["text"]
            if not isinstance(text, str):
                raise ValueError("a piece of text is no text")
            return text
        elif kind == "message_delta":
            self._end(event)
        elif kind == "message_stop":
            if self.reading.finish_reason is None:
                raise self._callee.broke_off("it has no stop reason")
            self.reading.complete = True
        return ""

    def _begin(self, usage: dict[str, Any]) -> None:
        reading = self.reading
        reading.cached_tokens = int(usage.get("cache_read_input_tokens") or 0)
        written = int(usage.get("cache_creation_input_tokens") or 0)
        reading.prompt_tokens = int(usage["input_tokens"]) + written + reading.cached_tokens

    def _end(self, event: dict[str, Any]) -> None:
        reason = event["delta"].get("stop_reason")
        if reason is not None:
            if reason not in ENDS:
                raise self._callee.broke_off(f"stop reason {str(reason)[:40]!r}")
            self.reading.finish_reason = ENDS[reason]
            self.reading.withheld = reason == "refusal"
        if event.get("usage"):
            self.reading.completion_tokens = int(event["usage"]["output_tokens"])
            self.reading.counted = True
