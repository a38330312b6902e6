"""Hands out the held-out problems, and the one answer extractor that every measurement shares."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
WEIGHTS = FOLDER / "weights"
HELD_OUT = FOLDER / "held_out.jsonl"

_NUMBER = r"-?\d(?:[\d,]*\d)?(?:\.\d+)?"
_STATED = re.compile(rf"answer\s*[:=]\s*({_NUMBER})", re.IGNORECASE)
_ANY = re.compile(_NUMBER)


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its answer as text, and the sums that lead there, such as `47+38=85`."""

    id: str
    input: str
    target: str
    steps: tuple[str, ...]


def held_out() -> list[Problem]:
    """The problems that training never saw, in their fixed order."""
    rows = [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    return [Problem(row["id"], row["input"], row["target"], tuple(row["steps"])) for row in rows]


def extract_answer(text: str) -> str | None:
    """The number after the last "Answer:", or else the last number; without thousands commas; None if there is none."""
    found = _STATED.findall(text) or _ANY.findall(text)
    return found[-1].replace(",", "") if found else None
