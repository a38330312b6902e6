"""What is known of answers that were made elsewhere, before each has found its item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.evaluation.data.tables import Table

_RIGHT: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "1.0", "c", "yes", "right", "correct"), True),
    **dict.fromkeys(("false", "0", "0.0", "i", "no", "wrong", "incorrect"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer as its file has it. What says to which item it belongs: `id`, else `question`, else `place`."""

    line: int
    arm: str
    place: int
    id: str | None = None
    question: str | None = None
    sample: int | None = None
    answer: str | None = None
    cost_usd: Decimal | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    right: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A file's answers, and the rows that its questions make where no dataset is given."""

    said: tuple[Said, ...]
    asked: Table
    columns: Mapping[str, str]
    """What the parts of an item are called in `asked`."""
    numbered: bool = False
    """Whether `place` is a number that the file gives, so that some may be left out."""


def as_text(value: JsonValue) -> str | None:
    """A value as the text of an answer or an id; None where it is empty."""
    if value is None:
        return None
    text = value if isinstance(value, str) else canonical_json(value).decode("ascii")
    return text if text.strip() else None


def is_right(value: JsonValue) -> bool | None:
    """What a file says of an answer: true, 1, C (as inspect_ai writes it) or false, 0, I; None for anything else."""
    return _RIGHT.get(str(value).strip().casefold())
