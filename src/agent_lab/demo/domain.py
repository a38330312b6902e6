"""Says whether a question lies within what the built-in model was trained on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"\d+")
_ALLOWED = re.compile(r"[A-Za-z0-9\s.,?!+*=-]*")
# Decimals, thousands separators, and a minus that follows no number.
_FOREIGN = re.compile(r"\d[.,]\d|(?:^|[^\d\s])\s*-")
_LATE_PRODUCT = re.compile(r"\d\s*(?:[+-]|plus|minus)\s*\d+\s*(?:[*x]|times)\s*\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Domain:
    """The words that training used, and the bounds on a question's numbers."""

    words: frozenset[str]
    largest_number: int
    most_numbers: int
    can: str
    example: str


@cache
def domain() -> Domain:
    """The domain as the training script wrote it down."""
    row = json.loads(Path(__file__).with_name("domain.json").read_text(encoding="utf-8"))
    return Domain(frozenset(row["words"]), row["largest_number"], row["most_numbers"], row["can"], row["example"])


def refusal(question: str) -> str | None:
    """None where the model was trained for such a question, else one sentence on what it can do, with an example."""
    known = domain()
    return None if _inside(question, known) else f"{known.can} For example: {known.example}"


def _inside(question: str, known: Domain) -> bool:
    numbers = _NUMBER.findall(question)
    if not 2 <= len(numbers) <= known.most_numbers or _FOREIGN.search(question) or _LATE_PRODUCT.search(question):
        return False
    if not _ALLOWED.fullmatch(question) or any(len(n) > 4 or int(n) > known.largest_number for n in numbers):
        return False
    return all(word.lower() in known.words for word in _WORD.findall(question))
