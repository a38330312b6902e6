"""Finds JSON objects in what a model wrote, within bounds, and lets nothing through that a store would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import JsonValue

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import AgentLabError

MAX_ANSWER_CHARS = 1_000_000
MAX_DEPTH = 64
MAX_TRIES = 32
"""Braces in a text at which an object is looked for."""
BIGGEST_FIGURE = 2**63 - 1
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def objects_in(text: str) -> Iterator[dict[str, JsonValue]]:
    """The JSON objects in a text that stand in no other, in their order."""
    if len(text) > MAX_ANSWER_CHARS:
        return
    start, tries = text.find("{"), 0
    while start >= 0 and tries < MAX_TRIES:
        tries += 1
        end = _end(text, start)
        value = _read(text[start:end]) if end else None
        if isinstance(value, dict):
            yield value
        start = text.find("{", end if isinstance(value, dict) and end else start + 1)


def _end(text: str, start: int) -> int | None:
    """Where the object that begins there ends; None where it does not, or is too deep."""
    depth = 0
    for match in _STRUCTURE.finditer(text, start):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        if depth == 0:
            return match.end()
        if depth > MAX_DEPTH:
            return None
    return None


def _read(text: str) -> JsonValue:
    try:
        return sound(read_json(text.encode("utf-8", "replace"), what="The answer", max_depth=MAX_DEPTH))
    except (AgentLabError, ValueError):
        return None


def sound(value: JsonValue) -> JsonValue:
    """The value as every reader and every store takes it. Raises ValueError for a figure that they do not."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {str(sound(name)): sound(one) for name, one in value.items()}
    if isinstance(value, list):
        return [sound(one) for one in value]
    if isinstance(value, int | float) and not abs(value) <= BIGGEST_FIGURE:
        raise ValueError("the figure is too large")
    return value
