"""Finds the JSON in what a model wrote: the whole text, a fenced block, or the first value amid other words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import ValidationError
from agent_lab.nodes.objects import sound

FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
OPENING = re.compile(r"[{\[]")
MAX_TRIES = 50
"""Places at which a value may begin; a hostile text has as many as it likes."""


def json_in(text: str) -> JsonValue:
    """The first JSON value that can be read; None where there is none."""
    for candidate in _candidates(text):
        try:
            return sound(read_json(candidate.encode("utf-8", "replace"), what="the text"))
        except (ValidationError, ValueError):
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text
    yield from (match[1] for _, match in zip(range(MAX_TRIES), FENCE.finditer(text), strict=False))
    decoder = json.JSONDecoder()
    for _, match in zip(range(MAX_TRIES), OPENING.finditer(text), strict=False):
        try:
            _, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        yield text[match.start() : end]
