"""The chat completions of OpenAI, and of every server that speaks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_lab.contracts.generation import FinishReason, GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.counting import Counted, counted_by_openai
from agent_lab.providers.hosted.dialect import Asked, Turn, Wishes, conversation
from agent_lab.providers.hosted.errors import Callee, tells_error
from agent_lab.providers.hosted.reading import Reading
from agent_lab.providers.hosted.wire import parsed

ENDS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "filtered",
    # Words of servers that speak this protocol in their own way.
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_length": "length",
}
KEPT = ("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n")
"""What the request's own extra parameters do not change."""


class OpenAILibrary:
    """Fulfils `dialect.Library` with the library `openai`."""

    name = "openai"

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """The library's client."""
        import openai

        # The library insists on a key; where there is none, the HTTP client takes this word off again.
        return openai.AsyncOpenAI(api_key=secret or "none", base_url=spec.base_url, max_retries=0, http_client=http)

    def refusal(self, error: Exception) -> Any | None:
        """The response behind the library's error."""
        import openai

        return error.response if isinstance(error, openai.APIStatusError) else None


class ChatDialect:
    """Fulfils `dialect.Dialect`: chat completions."""

    path = "/chat/completions"

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call as chat completions have it."""
        request, wishes = call.request, Wishes(call)
        system = [{"role": "system", "content": request.context.system}] if request.context.system else []
        body: dict[str, Any] = {
            "model": call.model.model_id,
            "messages": [*system, *map(_message, conversation(wishes))],
            spec.max_tokens_field: call.max_tokens,
            "temperature": wishes.temperature,
            "top_p": wishes.top_p,
        }
        if call.streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if wishes.takes("stop", wished=bool(request.stop)):
            body["stop"] = list(request.stop)
        if wishes.takes("seed", wished=request.seed is not None):
            body["seed"] = request.seed
        if wishes.takes("response_schema", wished=request.response_schema is not None):
            schema = {"name": "answer", "strict": True, "schema": request.response_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if wishes.tools:
            body |= _tools(request)
        if call.sampling.top_k:
            wishes.leave_out("top_k")
        return wishes.asked(body, wishes.extra("openai", KEPT))

    def reader(self, call: ModelCall, callee: Callee) -> ChatReader:
        """A reader for one answer."""
        return ChatReader(callee)


def _message(turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.images:
        message["content"] = [{"type": "text", "text": turn.content}] if turn.content else []
        for image in turn.images:
            detail = {"detail": image.detail} if image.detail else {}
            message["content"].append({"type": "image_url", "image_url": {"url": image.url, **detail}})
    if turn.tool_calls:
        message["content"] = turn.content or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.tool_calls
        ]
    if turn.tool_call_id:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _tools(request: GenerationRequest) -> dict[str, Any]:
    tools = [
        {"type": "function", "function": tool.model_dump(exclude_none=True, exclude_defaults=True)}
        for tool in request.tools
    ]
    choice: object = request.tool_choice
    if choice is not None and choice not in {"auto", "none", "required"}:
        choice = {"type": "function", "function": {"name": choice}}
    return {"tools": tools, "tool_choice": choice}


class ChatReader:
    """Reads chunks until `[DONE]`. The usage comes after the finish reason."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee
        self.reading = Reading()

    def feed(self, data: bytes) -> None:
        """A chunk."""
        if data == b"[DONE]":
            if self.reading.finish_reason is None:
                raise self._callee.broke_off("it has no finish reason")
            self.reading.complete = True
            return
        chunk = parsed(data)
        self._check(chunk)
        if chunk.get("usage"):
            self.reading.counted = _counted(chunk["usage"])
        if choices := chunk.get("choices"):
            choice = choices[0]
            self._hear(choice.get("delta") or {})
            if end := choice.get("finish_reason"):
                self._end(end)

    def whole(self, document: dict[str, Any]) -> None:
        """A completion in one piece."""
        self._check(document)
        choice = document["choices"][0]
        self._hear(choice["message"])
        self.reading.counted = _counted(document.get("usage"))
        if end := choice.get("finish_reason"):
            self._end(end)

    def _check(self, chunk: dict[str, Any]) -> None:
        """Raises the error that the chunk tells, be it without an envelope, and ValueError where it tells nothing."""
        if tells_error(chunk):
            raise self._callee.refused(None, chunk)
        if self.reading.finish_reason is not None or isinstance(chunk.get("choices"), list):
            return
        if isinstance(chunk.get("message"), str) or chunk.get("code"):
            raise self._callee.refused(None, chunk)
        if chunk.get("usage") is None and "prompt_filter_results" not in chunk:
            raise ValueError("a chunk is no part of an answer")

    def _hear(self, said: dict[str, Any]) -> None:
        reading = self.reading
        if text := said.get("content"):
            self._say(text)
        if refusal := said.get("refusal"):
            reading.refused = True
            reading.say(refusal)
        if said.get("reasoning_content") or said.get("reasoning"):
            reading.think()
        for call in said.get("tool_calls") or ():
            self._call(call)

    def _say(self, content: str | list[dict[str, Any]]) -> None:
        if isinstance(content, str):
            self.reading.say(content)
            return
        # Some servers tell thinking and text as parts of one content.
        for part in content:
            if part["type"] == "text":
                self.reading.say(part["text"])
            else:
                self.reading.think()

    def _call(self, call: dict[str, Any]) -> None:
        function = call.get("function") or {}
        # Some servers do not number the calls; each then comes whole, under an id of its own.
        key = call.get("index", call.get("id"))
        self.reading.call_tool(key, id=call.get("id"), name=function.get("name"), arguments=function.get("arguments"))

    def _end(self, end: str) -> None:
        if end not in ENDS:
            raise self._callee.broke_off(f"finish reason {str(end)[:40]!r}")
        self.reading.finish_reason = ENDS[end]


def _counted(usage: object) -> Counted | None:
    return counted_by_openai(usage, "prompt_tokens", "completion_tokens")
