"""Takes out of foreign text whatever could steer a terminal; text that comes in pieces is cleaned as it comes."""

from __future__ import annotations

import re

# CSI and OSC sequences and two-byte escapes; then every other control character but newline and tab, the marks that
# turn the reading direction around, and lone surrogates, which no terminal can show.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_OPEN_ESCAPE = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)?|\x9b[0-?]*[ -/]*)\Z")
MAX_HELD_CHARS = 4096
"""An escape sequence that is not closed after so many characters is none."""


def clean(text: str) -> str:
    """The text without anything that a terminal would obey."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


class StreamCleaner:
    """Cleans a text that comes in pieces: a sequence cut in two between them is still found."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the text so far is certain and clean."""
        text = self._held + piece
        open_at = _OPEN_ESCAPE.search(text)
        cut = open_at.start() if open_at and len(text) - open_at.start() < MAX_HELD_CHARS else len(text)
        if cut == len(text) and text.endswith("\r"):
            cut -= 1
        self._held = text[cut:]
        return clean(text[:cut])

    def flush(self) -> str:
        """The rest, at the end of the text."""
        held, self._held = self._held, ""
        return clean(held)
