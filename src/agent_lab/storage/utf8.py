"""Text and JSON that can always be written as UTF-8 and read by any JSON reader."""

from __future__ import annotations

import json
from typing import Any


def well_formed(text: str) -> str:
    """The text with surrogate pairs joined and every lone surrogate replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable(text: str) -> str:
    """The text well formed and without U+0000, which PostgreSQL does not take: U+FFFD stands in its place."""
    return well_formed(text).replace("\0", "\ufffd")


def json_text(document: Any, *, indent: int | None = None) -> str:
    """The document as JSON. What JSON has no word for (NaN, infinities) becomes null; keys keep their order."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        # Models write such figures into structured answers; the rare document that has one is worth a second pass.
        without = json.loads(json.dumps(document), parse_constant=lambda _: None)
        text = json.dumps(without, ensure_ascii=False, allow_nan=False, indent=indent)
    return well_formed(text)
