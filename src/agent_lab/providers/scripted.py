"""Answers from a script: a deterministic provider for tests, documentation and trying out flows without a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.errors import UnusableError, unknown_name
from agent_lab.contracts.generation import FinishReason, TextDelta, ToolCall, ToolDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece

PREFIX = "scripted:"
REMEMBERED = 1000
"""How many of the latest calls are kept for whoever asks."""


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """A reply with more to it than its text."""

    text: str
    finish_reason: FinishReason = "stop"
    cache_hit: bool = True
    load_s: float = 0.0
    prompt_tokens: int | None = None
    """The words of the prompt where it is not given."""
    notes: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    """What it asks of its tools after the text."""
    error: Exception | None = None
    """Raised after the text, in place of an answer: the text is then only its beginning."""


Reply = str | ScriptedReply
Script = Sequence[Reply] | Mapping[str, Reply] | Callable[[ModelCall], Reply]


def _by_role(call: ModelCall) -> str:
    role = call.request.context.role or "assistant"
    return f"{role}: {call.request.prompt}"


def _declined(call: ModelCall) -> ScriptedReply:
    return ScriptedReply("This model answers nothing; name another one.", finish_reason="declined")


MODES: Mapping[str, Callable[[ModelCall], Reply]] = {
    "echo": lambda call: call.request.prompt,
    "role": _by_role,
    "decline": _declined,
}
"""What a registry row with provider "scripted" may have as its model_id, after `scripted:`."""


class ScriptedProvider:
    """Replies by script, word by word.

    `replies` is a list (the n-th call gets the n-th reply), a mapping (by the role of the call, else by its whole
    prompt, else by "*") or a function of the call. Without it the row's model_id says what to do: `scripted:echo`,
    `scripted:role`, `scripted:decline`. `delay_s` passes before each piece; no piece comes while `gate` is not set;
    `errors` holds what the n-th call (from 1) raises in place of an answer. `calls` are the calls seen so far and
    `open_streams` counts the streams that have been begun and not yet left.
    """

    def __init__(
        self,
        replies: Script | None = None,
        *,
        delay_s: float = 0.0,
        gate: asyncio.Event | None = None,
        errors: Mapping[int, Exception] | None = None,
    ) -> None:
        self._replies = replies
        self._delay_s = delay_s
        self._gate = gate
        self._errors = errors or {}
        self._number = 0
        self.calls: list[ModelCall] = []
        self.open_streams = 0

    async def stream(self, call: ModelCall) -> AsyncGenerator[ProviderPiece, None]:
        """The reply in pieces of a word each, and the answer last."""
        self._number += 1
        number = self._number
        self.calls.append(call)
        del self.calls[:-REMEMBERED]
        self.open_streams += 1
        try:
            if number in self._errors:
                raise self._errors[number]
            reply = self._reply(number, call)
            text, finish_reason = _limited(reply, call)
            for piece in _pieces(text):
                await self._wait()
                yield TextDelta(text=piece)
            if reply.error is not None:
                raise reply.error
            for index, tool_call in enumerate(reply.tool_calls):
                async for delta in self._called(index, tool_call):
                    yield delta
            yield ModelAnswer(
                text=text,
                finish_reason="tool_calls" if reply.tool_calls else finish_reason,
                tool_calls=reply.tool_calls,
                prompt_tokens=reply.prompt_tokens if reply.prompt_tokens is not None else _words(call.request.prompt),
                completion_tokens=_words(text),
                cache_hit=reply.cache_hit,
                load_s=reply.load_s,
                notes=reply.notes,
            )
        finally:
            self.open_streams -= 1

    async def _called(self, index: int, call: ToolCall) -> AsyncGenerator[ToolDelta, None]:
        await self._wait()
        yield ToolDelta(index, id=call.id, name=call.name)
        for piece in _pieces(call.arguments):
            await self._wait()
            yield ToolDelta(index, arguments=piece)

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _wait(self) -> None:
        await asyncio.sleep(self._delay_s)
        if self._gate is not None:
            await self._gate.wait()

    def _reply(self, number: int, call: ModelCall) -> ScriptedReply:
        script = MODES[_mode(call)] if self._replies is None else self._replies
        if callable(script):
            reply = script(call)
        elif isinstance(script, Mapping):
            reply = _looked_up(script, call)
        elif number <= len(script):
            reply = script[number - 1]
        else:
            raise UnusableError(f"The script has {len(script)} replies and this is call {number}; add a reply to it.")
        return ScriptedReply(reply) if isinstance(reply, str) else reply


def _mode(call: ModelCall) -> str:
    mode = call.model.model_id.removeprefix(PREFIX)
    if mode not in MODES:
        raise unknown_name("scripted model", call.model.model_id, [PREFIX + known for known in MODES])
    return mode


def _looked_up(script: Mapping[str, Reply], call: ModelCall) -> Reply:
    for name in (call.request.context.role, call.request.prompt, "*"):
        if name is not None and name in script:
            return script[name]
    raise UnusableError(f"The script has no reply for the role {call.request.context.role!r}, the prompt or '*'.")


def _limited(reply: ScriptedReply, call: ModelCall) -> tuple[str, FinishReason]:
    text = reply.text
    cuts = [text.index(stop) for stop in call.request.stop if stop in text]
    if cuts:
        return text[: min(cuts)], "stop"
    pieces = list(_pieces(text))
    if len(pieces) > call.max_tokens:
        return "".join(pieces[: call.max_tokens]), "length"
    return text, reply.finish_reason


def _pieces(text: str) -> Iterator[str]:
    return (match.group() for match in re.finditer(r"\s*\S+|\s+", text))


def _words(text: str) -> int:
    return len(text.split())
