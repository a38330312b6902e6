"""Takes server-sent events apart, however the bytes were cut on their way."""

from __future__ import annotations

import re
from collections.abc import Iterator

BOM = b"\xef\xbb\xbf"
"""Some servers begin their stream with the mark of UTF-8, which is no part of its first line."""
# An empty line, a comment, or a field that the standard knows.
LINE = re.compile(rb"(?:data|event|id|retry)?(?::|\r?\Z)")


class EventDecoder:
    """Turns pieces of a byte stream into the data of its events."""

    def __init__(self) -> None:
        self._is_first = True
        self._begun: list[bytes] = []
        """Pieces of a line whose end has not come."""
        self._data: list[bytes] = []
        """Lines of an event whose end has not come."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that this piece completes. An event that nothing completes is never told.

        Raises ValueError at a line that is part of no event, for it may stand in place of text. What comes before it
        has been told by then.
        """
        *lines, rest = piece.split(b"\n")
        if lines and self._begun:
            lines[0] = b"".join((*self._begun, lines[0]))
            self._begun.clear()
        if rest:
            self._begun.append(rest)
        if lines and self._is_first:
            self._is_first = False
            lines[0] = lines[0].removeprefix(BOM)
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].strip(b" \r"))
            elif not LINE.match(line):
                raise ValueError("a line is no part of an event")
            elif line in {b"", b"\r"} and self._data:
                yield self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                self._data.clear()
