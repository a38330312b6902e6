"""Makes of tool calls what Anthropic's protocol can show: objects, each written to its end before the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import BrokenOffError, ValidationError
from agent_lab.contracts.generation import TextDelta, ToolCall, ToolDelta


def input_of(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call. Raises BrokenOffError where they are not an object that every JSON reader takes."""
    if not call.name:
        raise BrokenOffError("The model called a tool without naming it; ask again.")
    given = _read(call.arguments)
    if given is None:
        raise BrokenOffError(f"The model called {call.name[:80]!r} with what is not a JSON object; ask again.")
    return given


def _read(arguments: str) -> dict[str, Any] | None:
    """The object, None where it is none. No arguments at all are an empty object."""
    if not arguments.strip():
        return {}
    try:
        given = read_json(arguments.encode(), what="It", max_bytes=len(arguments) * 4)
        json.dumps(given, allow_nan=False)
    except (ValueError, ValidationError):
        return None
    return given if isinstance(given, dict) else None


class InTurn:
    """Holds back what belongs to a later block while a call is unfinished: vendors may write several calls at a time.

    A call counts as finished once its arguments are a whole object. Pieces that come for it later are left out here;
    whether the whole call can be shown is known, and checked, at the end of the answer.
    """

    def __init__(self) -> None:
        self._open: int | None = None
        self._arguments: list[str] = []
        self._ended: set[int] = set()
        self._waiting: dict[int | None, TextDelta | ToolDelta] = {}
        """By the index of the call, text under None; in the order in which they began."""

    def take(self, piece: TextDelta | ToolDelta) -> Iterator[TextDelta | ToolDelta]:
        """What can be written now that this piece has come. A call that is new here comes with its name."""
        key = piece.index if isinstance(piece, ToolDelta) else None
        if isinstance(piece, ToolDelta) and key == self._open:
            self._arguments.append(piece.arguments)
            yield piece
        elif key not in self._ended:
            waiting = self._waiting.get(key)
            self._waiting[key] = piece if waiting is None else _joined(waiting, piece)
            yield from self._ready()

    def rest(self) -> Iterator[TextDelta | ToolDelta]:
        """What still waits, now that no more comes."""
        yield from self._waiting.values()
        self._waiting = {}

    def _ready(self) -> Iterator[TextDelta | ToolDelta]:
        while self._waiting and self._may_end():
            key, piece = next(iter(self._waiting.items()))
            if isinstance(piece, ToolDelta) and not piece.name:
                return
            del self._waiting[key]
            self._begin(key, piece)
            yield piece

    def _may_end(self) -> bool:
        if self._open is None:
            return True
        said = "".join(self._arguments)
        self._arguments = [said]
        return said.rstrip().endswith("}") and _read(said) is not None

    def _begin(self, key: int | None, piece: TextDelta | ToolDelta) -> None:
        if self._open is not None:
            self._ended.add(self._open)
        self._open, self._arguments = key, [piece.arguments] if isinstance(piece, ToolDelta) else []


def _joined(first: TextDelta | ToolDelta, second: TextDelta | ToolDelta) -> TextDelta | ToolDelta:
    if isinstance(first, ToolDelta) and isinstance(second, ToolDelta):
        return ToolDelta(
            first.index, first.id or second.id, first.name or second.name, first.arguments + second.arguments
        )
    if isinstance(first, TextDelta) and isinstance(second, TextDelta):
        return TextDelta(first.text + second.text)
    raise TypeError("pieces of different blocks were to be joined")
