"""The responses of OpenAI, for models that it serves with nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agent_lab.contracts.generation import FinishReason, GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import Parameter, ProviderSpec
from agent_lab.providers.hosted.counting import counted_by_openai
from agent_lab.providers.hosted.dialect import Asked, Turn, Wishes, conversation
from agent_lab.providers.hosted.errors import Callee, tells_error
from agent_lab.providers.hosted.reading import Reading, rest_of
from agent_lab.providers.hosted.wire import parsed

RENAMED = {
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
    "response_format": ("text", "format"),
}
INCOMPLETE: Mapping[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "filtered"}
KEPT = (
    "model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "background",
    # Chat completions have these, and responses have nothing like them.
    "max_tokens", "max_completion_tokens", "messages", "n", "frequency_penalty", "presence_penalty", "logit_bias",
    "logprobs", "modalities", "audio", "prediction", "functions", "function_call",
)  # fmt: skip
"""What the request's own extra parameters do not change."""


class ResponsesDialect:
    """Fulfils `dialect.Dialect`: responses, of which the vendor keeps none."""

    path = "/responses"

    def body(self, call: ModelCall, spec: ProviderSpec) -> Asked:
        """The call as responses have it."""
        request, wishes = call.request, Wishes(call)
        body: dict[str, Any] = {
            "model": call.model.model_id,
            "instructions": request.context.system or None,
            "input": [item for turn in conversation(wishes) for item in _items(turn)],
            "max_output_tokens": call.max_tokens,
            "store": False,
            "stream": call.streamed or None,
            "temperature": wishes.temperature,
            "top_p": wishes.top_p,
        }
        asked: list[tuple[Parameter, bool]] = [("stop", bool(request.stop)), ("seed", request.seed is not None)]
        for parameter, wished in asked:
            if wishes.takes(parameter, wished=wished):
                wishes.leave_out(parameter)
        if wishes.takes("response_schema", wished=request.response_schema is not None):
            schema = {"type": "json_schema", "name": "answer", "strict": True, "schema": request.response_schema}
            body["text"] = {"format": schema}
        if wishes.tools:
            body |= _tools(request)
        if call.sampling.top_k:
            wishes.leave_out("top_k")
        return wishes.asked(body, _translated(wishes.extra("openai", KEPT)))

    def reader(self, call: ModelCall, callee: Callee) -> ResponsesReader:
        """A reader for one answer."""
        return ResponsesReader(callee)


def _translated(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of chat completions that responses have under another name."""
    told = dict(extra)
    for name, (group, field) in RENAMED.items():
        if name in told:
            told[group] = {**told.get(group, {}), field: told.pop(name)}
    return told


def _items(turn: Turn) -> list[dict[str, Any]]:
    if turn.tool_call_id:
        return [{"type": "function_call_output", "call_id": turn.tool_call_id, "output": turn.content}]
    items: list[dict[str, Any]] = []
    if turn.images:
        text = [{"type": "input_text", "text": turn.content}] if turn.content else []
        images = [
            {"type": "input_image", "image_url": image.url, "detail": image.detail or "auto"} for image in turn.images
        ]
        items.append({"role": turn.role, "content": [*text, *images]})
    elif turn.content:
        items.append({"role": turn.role, "content": turn.content})
    items += [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in turn.tool_calls
    ]
    return items


def _tools(request: GenerationRequest) -> dict[str, Any]:
    # These are taken as strict where they do not say otherwise, and a schema of anybody's is not.
    tools = [
        {"type": "function", "name": tool.name, "parameters": tool.parameters or None, "strict": False}
        | ({"description": tool.description} if tool.description else {})
        for tool in request.tools
    ]
    choice: object = request.tool_choice
    if choice is not None and choice not in {"auto", "none", "required"}:
        choice = {"type": "function", "name": choice}
    return {"tools": tools, "tool_choice": choice}


def _parts(output: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The parts of its messages that are part of the text."""
    for item in output:
        if item["type"] == "message":
            yield from (part for part in item["content"] if part["type"] in {"output_text", "refusal"})


class ResponsesReader:
    """Reads events until one holds the whole response; that one is its end."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee
        self.reading = Reading()

    def feed(self, data: bytes) -> None:
        """An event."""
        event = parsed(data)
        if tells_error(event):
            raise self._callee.refused(None, event)
        kind = event["type"]
        if kind == "response.output_text.delta":
            self.reading.say(event["delta"])
        elif kind == "response.refusal.delta":
            self.reading.refused = True
            self.reading.say(event["delta"])
        elif kind == "response.function_call_arguments.delta":
            self.reading.call_tool(event["output_index"], arguments=event["delta"])
        elif kind in {"response.output_item.added", "response.output_item.done"}:
            self._item(event["output_index"], event["item"])
        elif kind.startswith("response.reasoning"):
            self.reading.think()
        elif kind in {"response.completed", "response.incomplete", "response.failed"}:
            self._end(event["response"])

    def whole(self, document: dict[str, Any]) -> None:
        """A response in one piece."""
        for index, item in enumerate(document["output"]):
            self._item(index, item)
        self._end(document)

    def _hear_rest(self, response: dict[str, Any]) -> None:
        """Its end repeats all of the text, so what was lost on the way is known. Some servers leave the text out there.

        Raises ValueError where the response is completed with another text.
        """
        parts = list(_parts(response.get("output") or ()))
        told = "".join(part["refusal" if part["type"] == "refusal" else "text"] for part in parts)
        if any(part["type"] == "refusal" for part in parts):
            self.reading.refused = True
        rest = rest_of(told, self.reading.text)
        if rest is not None:
            self.reading.say(rest)
        elif told and response["status"] == "completed":
            raise ValueError("the whole text is another one than its pieces")

    def _item(self, index: int, item: dict[str, Any]) -> None:
        if item["type"] == "reasoning":
            self.reading.think()
        if item["type"] != "function_call":
            return
        # Its arguments come piece by piece between its first and its last event, or in the last alone.
        begun = self.reading.calls.get(index)
        arguments = "" if begun is not None and any(begun.arguments) else item.get("arguments")
        self.reading.call_tool(index, id=item["call_id"], name=item["name"], arguments=arguments)

    def _end(self, response: dict[str, Any]) -> None:
        status, reading = response["status"], self.reading
        reading.counted = counted_by_openai(response.get("usage"), "input_tokens", "output_tokens")
        if status == "failed":
            raise self._callee.refused(None, response)
        self._hear_rest(response)
        why = str((response.get("incomplete_details") or {}).get("reason") or status)
        if status == "completed":
            reading.finish_reason = "stop"
        elif why in INCOMPLETE:
            reading.finish_reason = INCOMPLETE[why]
        else:
            raise self._callee.broke_off(f"status {why[:40]!r}")
        reading.complete = True
