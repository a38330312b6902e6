"""What a scorer is: it reads in an answer what it comes down to, and says how right that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent_lab.contracts.evaluation import Item


@dataclass(frozen=True, slots=True)
class Scored:
    """What an answer comes down to, and how right it is: 1 right, 0 wrong."""

    choice: str | None
    score: float
    note: str | None = None


class AnswerScorer(Protocol):
    """The same for every arm. It is never told which arm an answer is from."""

    @property
    def version(self) -> str:
        """Name and version, such as `number@1`: what it makes of a text never changes under one version."""
        ...

    @property
    def binary(self) -> bool:
        """Whether every score is 0 or 1."""
        ...

    def read(self, text: str) -> str | None:
        """What the answer comes down to, so that equal answers are one choice; None where nothing can be read."""
        ...

    async def score(self, text: str, item: Item) -> Scored:
        """How right the answer to that item is. What cannot be read is wrong, never an error."""
        ...
