"""Joins a second answer to the beginning of one that broke off, where it begins with the very same words."""

from __future__ import annotations

from agent_lab.contracts.errors import BrokenOffError


class OtherWordsError(BrokenOffError):
    """A second answer cannot go on from the first. That is no sickness of the model that gives it."""


class Splice:
    """Holds back what a second answer repeats of `said`; what comes after it goes on from there."""

    def __init__(self, said: str) -> None:
        self._said = said
        self._heard = 0

    def feed(self, text: str) -> str | None:
        """What of this piece is new. None: the second answer is another one, and cannot go on from the first."""
        open_chars = len(self._said) - self._heard
        repeated = text[:open_chars]
        if not self._said.startswith(repeated, self._heard):
            return None
        self._heard += len(repeated)
        return text[len(repeated) :]

    @property
    def is_complete(self) -> bool:
        """True once everything that was said has come again."""
        return self._heard == len(self._said)
