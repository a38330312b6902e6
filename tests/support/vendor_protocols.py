"""Tells an answer in each vendor's protocol, in events or in one piece."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.vendor_faults import Behaviour


@dataclass(frozen=True)
class Reply:
    """The words of an answer and why it ends: at a stop string, at the bound, or by itself."""

    behaviour: Behaviour
    words: list[str]
    end: str

    @property
    def text(self) -> str:
        return "".join(self.words)


def reply_to(behaviour: Behaviour, body: dict[str, Any]) -> Reply:
    """What that vendor answers to a request."""
    text, end = behaviour.text, "tool_calls" if behaviour.tool_calls else "stop"
    cuts = [text.index(stop) for stop in body.get("stop", body.get("stop_sequences", [])) if stop in text]
    words = re.findall(r"\s*\S+|\s+", text[: min(cuts)] if cuts else text)
    bounds = (body.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"))
    bound = next((bound for bound in bounds if bound), 10**6)
    if len(words) > bound:
        words, end = words[:bound], "length"
    return Reply(behaviour, words, behaviour.end or end)


def events_of(path: str, reply: Reply) -> list[str]:
    """The answer as server-sent events, with what its behaviour adds and leaves out."""
    events = _protocol(path)[0](reply)
    if reply.behaviour.insert is not None:
        events.insert(4, f"data: {reply.behaviour.insert}\n\n")
    return events[: len(events) - reply.behaviour.drop_last]


def document_of(path: str, reply: Reply) -> str:
    """The answer in one piece."""
    insert = reply.behaviour.insert
    return json.dumps(_protocol(path)[1](reply)) if insert is None else insert


def _protocol(path: str) -> tuple[Callable[[Reply], list[str]], Callable[[Reply], dict[str, Any]]]:
    if path.endswith("/messages"):
        return _message_events, _message
    if path.endswith("/responses"):
        return _response_events, _response
    return _chunks, _completion


def _chunks(reply: Reply) -> list[str]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
        return _data({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def calls() -> list[str]:
        pieces = []
        for index, (name, arguments) in enumerate(reply.behaviour.tool_calls):
            begun = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": ""}}
            pieces.append(chunk({"tool_calls": [begun]}))
            parts = ({"index": index, "function": {"arguments": part}} for part in _halves(arguments))
            pieces += [chunk({"tool_calls": [part]}) for part in parts]
        return pieces

    return [
        chunk({"role": "assistant", "content": ""}),
        ": a comment\n\n",
        *(chunk({"reasoning_content": "hm"}) for _ in range(reply.behaviour.thinks)),
        *(chunk({"refusal" if reply.behaviour.refuses else "content": word}) for word in reply.words),
        *calls(),
        chunk({}, reply.end),
        *([_data({"choices": [], **_chat_usage(reply)})] if reply.behaviour.counts else []),
        "data: [DONE]\n\n",
    ]


def _completion(reply: Reply) -> dict[str, Any]:
    said = "refusal" if reply.behaviour.refuses else "content"
    calls = [
        {"id": f"c{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(reply.behaviour.tool_calls)
    ]
    message = {"role": "assistant", "content": None, said: reply.text or None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": reply.end}
    return {"id": "x", "choices": [choice], **_chat_usage(reply)}


def _chat_usage(reply: Reply) -> dict[str, Any]:
    if not reply.behaviour.counts:
        return {}
    details = {"prompt_tokens_details": {"cached_tokens": 30}}
    return {"usage": {"prompt_tokens": 40, "completion_tokens": len(reply.words), **details}}


def _message_events(reply: Reply) -> list[str]:
    def event(kind: str, **more: Any) -> str:
        return f"event: {kind}\n" + _data({"type": kind, **more})

    def calls() -> list[str]:
        pieces = []
        for index, (name, arguments) in enumerate(reply.behaviour.tool_calls, 2):
            block = {"type": "tool_use", "id": f"c{index - 2}", "name": name, "input": {}}
            pieces.append(event("content_block_start", index=index, content_block=block))
            for part in _halves(arguments):
                delta = {"type": "input_json_delta", "partial_json": part}
                pieces.append(event("content_block_delta", index=index, delta=delta))
            pieces.append(event("content_block_stop", index=index))
        return pieces

    thinking = {"type": "thinking_delta", "thinking": "hm"}
    after = {"usage": {"output_tokens": len(reply.words)}} if reply.behaviour.counts else {}
    return [
        event("message_start", message={"usage": {**_MESSAGE_READ, "output_tokens": 1}}),
        event("ping"),
        *(event("content_block_delta", index=0, delta=thinking) for _ in range(reply.behaviour.thinks)),
        event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=1, delta={"type": "text_delta", "text": word}) for word in reply.words),
        event("content_block_stop", index=1),
        *calls(),
        event("message_delta", delta={"stop_reason": _stop_reason(reply.end)}, **after),
        event("message_stop"),
    ]


_MESSAGE_READ = {"input_tokens": 6, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}


def _message(reply: Reply) -> dict[str, Any]:
    calls = [
        {"type": "tool_use", "id": f"c{index}", "name": name, "input": json.loads(arguments or "{}")}
        for index, (name, arguments) in enumerate(reply.behaviour.tool_calls)
    ]
    text = [{"type": "text", "text": reply.text}] if reply.text else []
    usage = {"usage": {**_MESSAGE_READ, "output_tokens": len(reply.words)}} if reply.behaviour.counts else {}
    return {"type": "message", "content": [*text, *calls], "stop_reason": _stop_reason(reply.end), **usage}


def _stop_reason(end: str) -> str:
    return {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}.get(end, end)


def _response_events(reply: Reply) -> list[str]:
    def event(kind: str, **more: Any) -> str:
        return f"event: {kind}\n" + _data({"type": kind, **more})

    def calls() -> list[str]:
        pieces = []
        for index, item in enumerate(_response_calls(reply), 2):
            begun = {**item, "arguments": ""}
            pieces.append(event("response.output_item.added", output_index=index, item=begun))
            kind = "response.function_call_arguments.delta"
            pieces += [event(kind, output_index=index, delta=part) for part in _halves(item["arguments"])]
            pieces.append(event("response.output_item.done", output_index=index, item=item))
        return pieces

    said = "refusal" if reply.behaviour.refuses else "output_text"
    whole = _response(reply)
    return [
        event("response.created", response={"status": "in_progress"}),
        event("response.in_progress", response={"status": "in_progress"}),
        *(event("response.reasoning_summary_text.delta", delta="hm") for _ in range(reply.behaviour.thinks)),
        event("response.output_item.added", output_index=1, item={"type": "message", "content": []}),
        *(event(f"response.{said}.delta", output_index=1, delta=word) for word in reply.words),
        *calls(),
        event(f"response.{whole['status']}", response=whole),
    ]


def _response(reply: Reply) -> dict[str, Any]:
    refuses = reply.behaviour.refuses
    part = {"type": "refusal", "refusal": reply.text} if refuses else {"type": "output_text", "text": reply.text}
    output = [{"type": "message", "content": [part]}, *_response_calls(reply)]
    done = reply.end in {"stop", "tool_calls"}
    reason = {"length": "max_output_tokens"}.get(reply.end, reply.end)
    status = {"status": "completed" if done else "incomplete", "error": None}
    details = {"incomplete_details": None if done else {"reason": reason}}
    cached = {"input_tokens_details": {"cached_tokens": 30}}
    counted = {"usage": {"input_tokens": 40, "output_tokens": len(reply.words), **cached}}
    return {"object": "response", **status, **details, "output": output, **(counted if reply.behaviour.counts else {})}


def _response_calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"type": "function_call", "id": f"fc{index}", "call_id": f"c{index}", "name": name, "arguments": arguments}
        for index, (name, arguments) in enumerate(reply.behaviour.tool_calls)
    ]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def _data(value: object) -> str:
    return f"data: {json.dumps(value)}\n\n"
