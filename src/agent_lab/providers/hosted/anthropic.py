"""The messages of Anthropic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import FinishReason, GenerationRequest, Image
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.hosted.counting import counted_by_anthropic
from agent_lab.providers.hosted.dialect import Asked, Turn, Wishes, answerable, conversation
from agent_lab.providers.hosted.errors import Callee, tells_error
from agent_lab.providers.hosted.reading import Reading
from agent_lab.providers.hosted.wire import parsed

ENDS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "declined",
}
CHOICES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}
KEPT = ("model", "messages", "stream", "max_tokens")
"""What the request's own extra parameters do not change."""
READ = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""What a usage counts of the prompt."""
HOTTEST = 1.0
DATA_URL = re.compile(r"data:(?P<media_type>[\w.+-]+/[\w.+-]+);base64,")


class AnthropicLibrary:
    """Fulfils `dialect.Library` with the library `anthropic`."""

    name = "anthropic"

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        """The library's client."""
        import anthropic

        # The library insists on a key; where there is none, the HTTP client takes this word off again.
        return anthropic.AsyncAnthropic(
            api_key=secret or "none", base_url=spec.base_url, max_retries=0, http_client=http
        )

    def refusal(self, error: Exception) -> Any | None:
        """The response behind the library's error."""
        import anthropic

        return error.response if isinstance(error, anthropic.APIStatusError) else None


class MessagesDialect:
    """Fulfils `dialect.Dialect`: messages."""

    path = "/v1/messages"

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call as messages have it."""
        request, wishes = call.request, Wishes(call)
        turns = conversation(wishes)
        system = [turn.content for turn in turns if turn.role == "system"]
        if request.context.system:
            system.insert(0, request.context.system)
        body: dict[str, Any] = {
            "model": call.model.model_id,
            "messages": _messages(answerable([turn for turn in turns if turn.role != "system"])),
            "max_tokens": call.max_tokens,
            "stream": call.streamed or None,
            "system": "\n\n".join(system) or None,
            **_sampling(wishes),
        }
        if wishes.takes("stop", wished=bool(request.stop)):
            body["stop_sequences"] = list(request.stop)
        if wishes.takes("seed", wished=request.seed is not None):
            wishes.leave_out("seed")
        if wishes.takes("response_schema", wished=request.response_schema is not None):
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.response_schema}}
        if wishes.tools:
            body |= _tools(request)
        return wishes.asked(body, wishes.extra("anthropic", KEPT))

    def reader(self, call: ModelCall, callee: Callee) -> MessagesReader:
        """A reader for one answer."""
        return MessagesReader(callee, _blank_end(call.prefix))


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


def _messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The results of tools that follow each other go into one turn, which is the user's."""
    messages: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for turn in turns:
        if turn.role != "tool":
            results = []
            messages.append({"role": turn.role, "content": _content(turn)})
            continue
        if not results:
            messages.append({"role": "user", "content": results})
        results.append({"type": "tool_result", "tool_use_id": turn.tool_call_id, "content": turn.content})
    if messages and messages[-1]["role"] == "assistant" and isinstance(messages[-1]["content"], str):
        # The beginning of an answer is refused where it ends in white space.
        messages[-1]["content"] = messages[-1]["content"].rstrip()
    return messages


def _blank_end(text: str) -> str:
    return text[len(text.rstrip()) :]


def _content(turn: Turn) -> str | list[dict[str, Any]]:
    if not turn.images and not turn.tool_calls:
        return turn.content
    blocks: list[dict[str, Any]] = [{"type": "text", "text": turn.content}] if turn.content else []
    blocks += [{"type": "image", "source": _source(image)} for image in turn.images]
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _arguments(call.arguments)}
        for call in turn.tool_calls
    ]
    return blocks


def _source(image: Image) -> dict[str, str]:
    if not image.url.startswith("data:"):
        return {"type": "url", "url": image.url}
    begins = DATA_URL.match(image.url)
    if begins is None:
        raise ValidationError(
            said("picture_form", "A picture is not in base64; give it as data:image/png;base64,... or by its address.")
        )
    return {"type": "base64", "media_type": begins["media_type"], "data": image.url[begins.end() :]}


def _arguments(text: str) -> dict[str, Any]:
    """An object, as the vendor insists; what a model wrote need not be one."""
    try:
        arguments = parsed(text.encode("utf-8", "surrogatepass") or b"{}")
    except (ValueError, RecursionError):
        arguments = None
    return arguments if isinstance(arguments, dict) else {"arguments": text}


def _tools(request: GenerationRequest) -> dict[str, Any]:
    tools = [
        {
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "input_schema": {"type": "object", **tool.parameters},
        }
        for tool in request.tools
    ]
    choice = request.tool_choice
    if choice is None:
        return {"tools": tools}
    known = CHOICES.get(choice)
    return {"tools": tools, "tool_choice": {"type": known} if known else {"type": "tool", "name": choice}}


class MessagesReader:
    """Reads events until `message_stop`. Thinking is no part of the text.

    `owed`: the white space between the beginning that the model was given and the rest, which it writes itself.
    """

    def __init__(self, callee: Callee, owed: str = "") -> None:
        self._callee = callee
        self._owed = owed
        self._read: dict[str, Any] = {}
        self.reading = Reading()

    def feed(self, data: bytes) -> None:
        """An event."""
        event = parsed(data)
        if tells_error(event):
            raise self._callee.refused(None, event)
        kind = event["type"]
        if kind == "content_block_delta":
            self._hear(event["index"], event["delta"])
        else:
            self._frame(kind, event)

    def _frame(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "content_block_start":
            self._begin_block(event["index"], event["content_block"])
        elif kind == "content_block_stop":
            self._end_block(event["index"])
        elif kind == "message_start":
            self._count_read(event["message"].get("usage"))
        elif kind == "message_delta":
            self._end(event["delta"].get("stop_reason"), event.get("usage"))
        elif kind == "message_stop":
            if self.reading.finish_reason is None:
                raise self._callee.broke_off("it has no stop reason")
            self.reading.complete = True

    def whole(self, document: dict[str, Any]) -> None:
        """A message in one piece."""
        for index, block in enumerate(document["content"]):
            self._begin_block(index, block)
            if block["type"] == "tool_use":
                self.reading.call_tool(index, arguments=block["input"])
        self._count_read(document.get("usage"))
        self._end(document.get("stop_reason"), document.get("usage"))

    def _hear(self, index: int, delta: dict[str, Any]) -> None:
        kind = delta["type"]
        if kind == "text_delta":
            self._say(delta["text"])
        elif kind == "input_json_delta":
            self.reading.call_tool(index, arguments=delta["partial_json"])
        elif kind in {"thinking_delta", "signature_delta"}:
            self.reading.think()

    def _say(self, text: str) -> None:
        if self._owed and text:
            text, self._owed = text.removeprefix(self._owed), ""
        self.reading.say(text)

    def _begin_block(self, index: int, block: dict[str, Any]) -> None:
        if block["type"] == "text":
            self._say(block["text"])
        elif block["type"] == "tool_use":
            self.reading.call_tool(index, id=block["id"], name=block["name"])
        elif block["type"] == "thinking":
            self.reading.think()

    def _end_block(self, index: int) -> None:
        # A call without arguments comes without a piece of them, and is an empty object all the same.
        call = self.reading.calls.get(index)
        if call is not None and not any(call.arguments):
            self.reading.call_tool(index, arguments="{}")

    def _count_read(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._read |= {name: usage[name] for name in READ if usage.get(name) is not None}

    def _end(self, reason: str | None, usage: object) -> None:
        if reason is not None:
            if reason not in ENDS:
                raise self._callee.broke_off(f"stop reason {str(reason)[:40]!r}")
            self.reading.finish_reason = ENDS[reason]
        if isinstance(usage, dict) and usage:
            # Some servers count what they read only at the end, and some tell it there as nothing.
            told = usage.get("input_tokens")
            if told or isinstance(told, bool | str | list | dict):
                self._count_read(usage)
            self.reading.counted = counted_by_anthropic({**self._read, "output_tokens": usage.get("output_tokens")})
