"""Turns token ids into text piece by piece: no half characters, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class Unfolding:
    """The text of an answer as its tokens come.

    `decode` turns ids into text. What may still change (half a character) or may still become a stop string is held
    back; with the first stop string found the answer is `finished` and ends before it.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stops = tuple(stops)
        self._ids: list[int] = []
        self._settled = 0
        """Ids before this one are decoded; `_context` ids before it are decoded with the next, for the spaces."""
        self._context = 0
        self._held = ""
        self.text = ""
        self.finished = False

    def add(self, token_id: int) -> str:
        """The text that can be shown with one token more."""
        self._ids.append(token_id)
        return self._shown(self._new_text(final=False), final=False)

    def flush(self) -> str:
        """What was still held back, at the end."""
        return self._shown(self._new_text(final=True), final=True)

    def _new_text(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._context : self._settled])
        after = self._decode(self._ids[self._context :])
        if len(after) <= len(before) or (after.endswith(UNFINISHED) and not final):
            return ""
        self._context, self._settled = self._settled, len(self._ids)
        return after[len(before) :]

    def _shown(self, new: str, *, final: bool) -> str:
        if self.finished:
            return ""
        waiting = self._held + new
        found = [waiting.index(stop) for stop in self._stops if stop in waiting]
        if found:
            self.finished = True
            waiting, self._held = waiting[: min(found)], ""
        elif final:
            self._held = ""
        else:
            keep = max((_overlap(waiting, stop) for stop in self._stops), default=0)
            waiting, self._held = waiting[: len(waiting) - keep], waiting[len(waiting) - keep :]
        self.text += waiting
        return waiting


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop string."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
