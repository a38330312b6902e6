"""Gathers one answer as a vendor tells it, piece by piece."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_lab.contracts.generation import FinishReason, TextDelta, ToolCall, ToolDelta
from agent_lab.contracts.ports import ModelAnswer, ProviderPiece
from agent_lab.providers.hosted.counting import Counted
from agent_lab.providers.hosted.wire import written

UNCOUNTED = "The provider did not say how many tokens it took."
NOTHING = Counted()
# What a reader trips over where an event is not what the protocol says; RecursionError is json's word for nesting.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


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

    def call_tool(self, key: object, *, id: object = None, name: object = None, arguments: object = None) -> None:
        """A piece of the tool call that the vendor counts as `key` came. Raises ValueError where it is none.

        Careless servers number the calls for an id, and give the arguments as an object in place of its JSON.
        """
        piece = _arguments(arguments)
        call = self.calls.get(key)
        if call is None:
            call = self.calls[key] = _Call(len(self.calls), _word(id) or f"call_{uuid.uuid4().hex}", _word(name))
            self._fresh_calls.append(ToolDelta(call.place, call.id, call.name, piece))
        elif piece:
            self._fresh_calls.append(ToolDelta(call.place, arguments=piece))
        call.arguments.append(piece)

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
    def text(self) -> str:
        """All of the text so far."""
        return "".join((*self._texts, *self._fresh))

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


def rest_of(whole: str, begun: str) -> str | None:
    """What the whole has after its beginning; None where it does not begin so."""
    # Two halves of a surrogate pair that came apart are the same as the pair, and so they are as bytes.
    known, all_of_it = (text.encode("utf-16-le", "surrogatepass") for text in (begun, whole))
    if not all_of_it.startswith(known):
        return None
    return all_of_it[len(known) :].decode("utf-16-le", "surrogatepass")


def _word(told: object) -> str:
    if told is None:
        return ""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        raise ValueError("the id or the name of a tool call is no word")
    return str(told)


def _arguments(told: object) -> str:
    if isinstance(told, dict):
        return written(told).decode()
    if told is not None and not isinstance(told, str):
        raise ValueError("the arguments of a tool call are no object")
    return told or ""


class Reader(Protocol):
    """Reads one answer into `reading`.

    Raises the error that the vendor tells, and one of `NONSENSE` for what is no part of an answer.
    """

    reading: Reading

    def feed(self, data: bytes) -> None:
        """The data of one event."""
        ...

    def whole(self, document: dict[str, Any]) -> None:
        """An answer in one piece."""
        ...
