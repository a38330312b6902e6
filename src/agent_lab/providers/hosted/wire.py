"""JSON as it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson


def parsed(data: bytes) -> Any:
    """The JSON in these bytes. Raises ValueError and RecursionError, and the first for what is no number too.

    A usage that counts in such numbers is null in place of that: it costs the count and not the answer.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # It is strict where vendors are not: half of a surrogate pair may come in one event and half in the next.
        document = json.loads(data)
    if isinstance(document, dict):
        for holder in (document, document.get("response"), document.get("message")):
            _forget_wild_usage(holder)
    _check_numbers(document)
    return document


def written(document: Mapping[str, Any]) -> bytes:
    """The bytes of this JSON."""
    try:
        return orjson.dumps(document)
    except TypeError:  # whole numbers over 64 bit, and half of a surrogate pair, which goes as an escape
        return json.dumps(document).encode()


def _forget_wild_usage(holder: object) -> None:
    if not isinstance(holder, dict) or "usage" not in holder:
        return
    try:
        _check_numbers(holder["usage"])
    except ValueError:
        holder["usage"] = None


def _check_numbers(document: object) -> None:
    """Raises ValueError for NaN and what is infinite, which `json` reads and nobody means."""
    json.dumps(document, allow_nan=False)
