"""Turns what a provider says into what the reader hears: cleaned, named, and joined to what was heard before."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.contracts.generation import AnswerBegun, TextDelta, ToolDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece
from agent_lab.contracts.sentences import said
from agent_lab.gateway.splice import OtherWordsError, Splice
from agent_lab.gateway.text import CleanStream, clean
from agent_lab.gateway.tour import Tour


class Voice:
    """One model's voice in one request."""

    def __init__(self, call: ModelCall, tour: Tour) -> None:
        self._model = call.model
        self._tour = tour
        self._cleaner = CleanStream()
        self._cleaners: dict[int, CleanStream] = {}
        self._is_named = False
        # A model that goes on from a beginning repeats nothing of it; any other one begins anew.
        self._splice = Splice("".join(tour.said)) if tour.said and not call.prefix else None

    def hear(self, piece: ProviderPiece) -> Sequence[AnswerBegun | TextDelta | ToolDelta]:
        """What the reader gets of this piece. Raises OtherWordsError where it does not fit what was heard before."""
        if isinstance(piece, ToolDelta):
            return self._told(self._cleaned(piece))
        is_last = isinstance(piece, ModelAnswer)
        text = self._cleaner.flush() if is_last else self._cleaner.feed(piece.text)
        if self._splice is not None:
            text = self._joined(self._splice, text, is_last=is_last)
        return self._told(TextDelta(text)) if text else ()

    def _cleaned(self, piece: ToolDelta) -> ToolDelta:
        if piece.arguments.isascii() and "\0" not in piece.arguments and piece.name is None:
            return piece
        cleaner = self._cleaners.setdefault(piece.index, CleanStream())
        name = None if piece.name is None else clean(piece.name)
        return ToolDelta(piece.index, piece.id and clean(piece.id), name, cleaner.feed(piece.arguments))

    def _joined(self, splice: Splice, text: str, *, is_last: bool) -> str:
        new = splice.feed(text)
        if new is None or (is_last and not splice.is_complete):
            raise OtherWordsError(
                said(
                    "other_words",
                    "{model!r} could not go on with an answer that had broken off, for it answers in other "
                    "words; ask again.",
                    model=self._model.key,
                )
            )
        return new

    def _told(self, piece: TextDelta | ToolDelta) -> Sequence[AnswerBegun | TextDelta | ToolDelta]:
        self._tour.hear(piece)
        if self._is_named:
            return (piece,)
        self._is_named = True
        return (AnswerBegun(self._model.key, self._model.model_id, self._model.provider), piece)
