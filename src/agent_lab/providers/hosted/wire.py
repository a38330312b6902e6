"""JSON as it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson


def parsed(data: bytes) -> Any:
    """The JSON in these bytes. Raises ValueError and RecursionError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # It is strict where vendors are not: half of a surrogate pair may come in one event and half in the next.
        return json.loads(data)


def written(document: Mapping[str, Any]) -> bytes:
    """The bytes of this JSON."""
    try:
        return orjson.dumps(document)
    except TypeError:  # whole numbers over 64 bit, and half of a surrogate pair, which goes as an escape
        return json.dumps(document).encode()
