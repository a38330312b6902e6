"""The chat completions of OpenAI, and of every server that speaks them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent_lab.contracts.generation import FinishReason
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.dialect import Asked, Reading, Wishes, conversation
from agent_lab.providers.hosted.errors import Callee

ENDS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "content_filter": "declined"}


class OpenAIDialect:
    """Fulfils `dialect.Dialect` with the library `openai`."""

    path = "/chat/completions"
    library = "openai"

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """The library's client, its retries off: the gateway alone decides about them."""
        import openai

        # The library insists on a key; where there is none, the HTTP client takes this word off again.
        return openai.AsyncOpenAI(api_key=secret or "none", base_url=spec.base_url, max_retries=0, http_client=http)

    def refusal(self, error: Exception) -> Any | None:
        """The response behind the library's error."""
        import openai

        return error.response if isinstance(error, openai.APIStatusError) else None

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call as chat completions have it."""
        request, wishes = call.request, Wishes(call)
        system = [{"role": "system", "content": request.context.system}] if request.context.system else []
        body: dict[str, Any] = {
            "model": call.model.model_id,
            "messages": system + conversation(call),
            spec.max_tokens_field: call.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": wishes.temperature,
            "top_p": wishes.top_p,
        }
        if wishes.takes("stop", wished=bool(request.stop)):
            body["stop"] = list(request.stop)
        if wishes.takes("seed", wished=request.seed is not None):
            body["seed"] = request.seed
        if wishes.takes("response_schema", wished=request.response_schema is not None):
            schema = {"name": "answer", "strict": True, "schema": request.response_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if call.sampling.top_k:
            wishes.leave_out("top_k")
        return Asked({name: value for name, value in body.items() if value is not None}, tuple(wishes.notes))

    def reader(self, callee: Callee) -> OpenAIReader:
        """A reader for one answer."""
        return OpenAIReader(callee)


class OpenAIReader:
    """Reads chunks until `[DONE]`. A finish reason alone is no end, for the usage comes after it."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee
        self.reading = Reading()

    def feed(self, data: str) -> str:
        """The text in a chunk."""
        if data.strip() == "[DONE]":
            if self.reading.finish_reason is None:
                raise self._callee.broke_off("it has no finish reason")
            self.reading.complete = True
            return ""
        chunk = json.loads(data)
        if chunk.get("error"):
            raise self._callee.refused(500, chunk)
        if chunk.get("usage"):
            self._count(chunk["usage"])
        choices = chunk.get("choices") or []
        return self._choice(choices[0]) if choices else ""

    def _choice(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta") or {}
        end = choice.get("finish_reason")
        text, refusal = delta.get("content") or "", delta.get("refusal") or ""
        if not isinstance(text, str) or not isinstance(refusal, str):
            raise ValueError("a piece of text is no text")
        if end is not None:
            if end not in ENDS:
                raise self._callee.broke_off(f"finish reason {str(end)[:40]!r}")
            self.reading.withheld = end == "content_filter"
            # A refusal ends with `stop` like any answer.
            if self.reading.finish_reason is None or end != "stop":
                self.reading.finish_reason = ENDS[end]
        if refusal:
            self.reading.finish_reason = "declined"
        return text + refusal

    def _count(self, usage: dict[str, Any]) -> None:
        reading = self.reading
        reading.prompt_tokens = int(usage["prompt_tokens"])
        reading.completion_tokens = int(usage["completion_tokens"])
        reading.cached_tokens = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        reading.counted = True
