"""Cleans the text that providers send: no lone surrogates, no NUL, whichever way it was cut into pieces."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text with surrogate pairs joined, lone surrogates replaced by U+FFFD, and NUL left out."""
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class CleanStream:
    """Cleans pieces as they come; half of a surrogate pair waits for its other half."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the text so far can be shown."""
        if not self._held and piece.isascii():
            return piece.replace("\0", "")
        piece = (self._held + piece).replace("\0", "")
        self._held = ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            piece, self._held = piece[:-1], piece[-1]
        return clean(piece)

    def flush(self) -> str:
        """What was still held back."""
        held, self._held = self._held, ""
        return clean(held)
