"""Gathers one answer as a vendor tells it, piece by piece."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_lab.contracts.generation import FinishReason, TextDelta, ToolCall, ToolDelta
from agent_lab.contracts.ports import ModelAnswer, ProviderPiece
from agent_lab.providers.hosted.counting import Counted

UNCOUNTED = "The provider did not say how many tokens it took."
NOTHING = Counted()


@dataclass(slots=True)
class _Call:
    place: int
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """What is known of an answer so far."""

    finish_reason: FinishReason | None = None
    """Once it is there, all of the text is."""
    refused: bool = False
    """True where the model itself said that it does not take the question."""
    counted: Counted | None = None
    """None where the vendor did not count, or counted what no answer can have."""
    complete: bool = False
    """True once the protocol's own end has come: nothing follows."""
    calls: dict[object, _Call] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)
    _fresh: list[str] = field(default_factory=list)
    _fresh_calls: list[ToolDelta] = field(default_factory=list)
    _thinks: bool = False

    def say(self, text: str) -> None:
        """A piece of text came. Raises ValueError where it is none."""
        if not isinstance(text, str):
            raise ValueError("a piece of text is no text")
        self._fresh.append(text)

    def think(self) -> None:
        """The model is at work on what is no part of the text."""
        self._thinks = True

    def call_tool(self, key: object, *, id: str | None = None, name: str | None = None, arguments: str = "") -> None:
        """A piece of the tool call that the vendor counts as `key` came."""
        call = self.calls.get(key)
        if call is None:
            call = self.calls[key] = _Call(len(self.calls), id or f"call_{uuid.uuid4().hex}", name or "")
            self._fresh_calls.append(ToolDelta(call.place, call.id, call.name, arguments))
        elif arguments:
            self._fresh_calls.append(ToolDelta(call.place, arguments=arguments))
        call.arguments.append(arguments)

    def taken(self) -> list[ProviderPiece]:
        """What came since the last time, texts in one piece; an empty one where the model did no more than think."""
        pieces: list[ProviderPiece] = []
        if text := "".join(self._fresh):
            self._texts.append(text)
            pieces.append(TextDelta(text))
        if self._fresh_calls:
            pieces += self._fresh_calls
            self._fresh_calls.clear()
        if self._thinks and not pieces:
            pieces.append(TextDelta(""))
        self._fresh.clear()
        self._thinks = False
        return pieces

    @property
    def is_withheld(self) -> bool:
        """True where the vendor ended an answer that has no word yet."""
        return self.finish_reason in {"filtered", "declined"} and not self._texts

    def answer(self, notes: tuple[str, ...], seconds: float) -> ModelAnswer:
        """The whole of it."""
        counted = self.counted or NOTHING
        return ModelAnswer(
            text="".join(self._texts),
            finish_reason=self._finish(),
            prompt_tokens=counted.prompt_tokens,
            completion_tokens=counted.completion_tokens,
            cached_tokens=min(counted.cached_tokens, counted.prompt_tokens),
            cache_write_tokens=counted.cache_write_tokens,
            usage_known=self.counted is not None,
            inference_s=seconds,
            notes=notes if self.counted else (*notes, UNCOUNTED),
            tool_calls=tuple(
                ToolCall(id=c.id, name=c.name, arguments="".join(c.arguments)) for c in self.calls.values()
            ),
        )

    def _finish(self) -> FinishReason:
        # Both a refusal and a call that the caller demanded by name end with `stop` like any answer.
        if self.finish_reason != "stop":
            return self.finish_reason or "stop"
        if self.refused:
            return "declined"
        return "tool_calls" if self.calls else "stop"


class Reader(Protocol):
    """Reads one answer into `reading`.

    Raises the error that the vendor tells, and ValueError, LookupError, TypeError or AttributeError for nonsense.
    """

    reading: Reading

    def feed(self, data: bytes) -> None:
        """The data of one event."""
        ...

    def whole(self, document: dict[str, Any]) -> None:
        """An answer in one piece."""
        ...
