"""What can go wrong with a connection, in words of this product; no HTTP library need be loaded to know them."""

from __future__ import annotations

ANSWER = "answer"
"""The extension of a response that holds its body as it comes."""


class LineError(Exception):
    """The connection did not carry the answer to its end."""


class UnreachableError(LineError):
    """No connection came about."""


class NothingCameError(LineError):
    """The time for the answer is over."""


class LostError(LineError):
    """The connection was closed or reset, or spoke no HTTP."""


class UnfitError(LineError):
    """The answer is not taken, whatever it says; the message is the reason."""
