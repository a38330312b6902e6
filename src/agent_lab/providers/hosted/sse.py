"""Takes server-sent events apart, however the bytes were cut on their way."""

from __future__ import annotations


class EventDecoder:
    """Turns pieces of a byte stream into the data of its events."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        """Pieces of a line whose end has not come."""
        self._data: list[bytes] = []
        """Lines of an event whose end has not come."""

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of each event that this piece completes. An event that nothing completes is never told."""
        *lines, rest = piece.split(b"\n")
        if lines and self._begun:
            lines[0] = b"".join((*self._begun, lines[0]))
            self._begun.clear()
        if rest:
            self._begun.append(rest)
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].strip(b" \r"))
            elif line in {b"", b"\r"} and self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data.clear()
        return events
