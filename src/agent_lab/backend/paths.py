"""Says which path of the lab a path of the backend means, and refuses those that try to mean another."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from agent_lab.contracts.errors import ValidationError

PREFIX = "/api/v1"
MAX_PATH_CHARS = 2_000
AT_THE_ROOT = frozenset({"models", "cache", "metrics", "health"})
"""What the lab has outside of `/api`. Of the metrics only `/metrics` itself: their history is below `/api`."""
OWN = frozenset({"api", "v1", "inference", "orchestrate", *AT_THE_ROOT})
"""First parts of the paths that a backend alone takes under the lab's own names."""

_NEVER = re.compile(r"[\x00-\x1f\x7f/\\]")
_KEEPS_KEYS = re.compile(r"/api/runs(/[^/]+/(fork|retry))?")
_SAFE = "!$&'()*+,:;=@~"


def lab_path(given: str) -> str:
    """The path at the lab of what stands after `/api/v1/`, as it came over the wire.

    Raises ValidationError for a path that could lead anywhere else.
    """
    path = plain_path(given)
    first = path.split("/")[1]
    if first == "v1":
        raise ValidationError("Write /api/v1 once; the rest of the path is the lab's.", where="path")
    is_at_the_root = path == "/metrics" if first == "metrics" else first in AT_THE_ROOT
    return path if is_at_the_root else "/api" + path


def plain_path(given: str) -> str:
    """The path, written in the one way that there is. Raises ValidationError for `..`, `//`, `%2F` and their like."""
    if len(given) > MAX_PATH_CHARS:
        raise ValidationError(f"The path is longer than {MAX_PATH_CHARS:,} characters; send less in it.", where="path")
    return "".join("/" + quote(_part(part), safe=_SAFE) for part in given.split("/"))


def _part(given: str) -> str:
    try:
        part = unquote_to_bytes(given).decode()
    except UnicodeDecodeError:
        raise ValidationError("The path is not UTF-8; write it in UTF-8, percent-encoded.", where="path") from None
    if part in {"", ".", ".."} or _NEVER.search(part):
        raise ValidationError(
            "The path holds an empty part, a dot part, a slash that is encoded or a control character; "
            "write it plainly.",
            where="path",
        )
    return part


def door_path(location: str) -> str:
    """Where a caller of the backend finds what the lab says is at that path."""
    if location.startswith("/api/"):
        return PREFIX + location.removeprefix("/api")
    first = location.split("/")[1] if location.startswith("/") and not location.startswith("//") else ""
    return PREFIX + location if first in AT_THE_ROOT else location


def may_repeat(method: str, path: str, *, has_key: bool) -> bool:
    """Whether a request may be sent again when nobody knows whether the lab has heard it.

    A POST may with a key that the lab keeps; where it keeps none, a repeated POST would cost twice.
    """
    if method in {"GET", "HEAD"}:
        return True
    return method == "POST" and has_key and _KEEPS_KEYS.fullmatch(path) is not None
