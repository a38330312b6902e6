"""Reads what a caller of the front door was told, as strictly as a careful client does."""

from __future__ import annotations

import json
from typing import Any, Literal

from benchmarks.gateway.loopback import Reply

Outcome = Literal["answered", "refused", "truncated", "unclear"]
"""`refused`: an error that says so. `truncated`: a success with another text than the right one. `unclear`: neither a
success nor an error, for instance a connection that just ended."""


def outcome(reply: Reply, right: str, *, stream: bool) -> tuple[Outcome, str]:
    """What it was, and a word on it."""
    if not reply.whole:
        return "unclear", f"the connection ended, status {reply.status}"
    if reply.status != 200:
        return _refusal(reply)
    try:
        text, error = _streamed(reply.body) if stream else _whole(reply.body)
    except (ValueError, LookupError, TypeError) as broken:
        return "unclear", f"not readable: {broken!r}"
    if error is not None:
        return "refused", f"in band: {error}"
    return ("answered", "") if text == right else ("truncated", _departure(text, right))


def _departure(text: str, right: str) -> str:
    at = next((at for at, (said, due) in enumerate(zip(text, right, strict=False)) if said != due), len(right))
    return f"{len(text)} characters for {len(right)}, from {at} on {text[at : at + 40]!r} for {right[at : at + 40]!r}"


def _refusal(reply: Reply) -> tuple[Outcome, str]:
    try:
        error = json.loads(reply.body)["error"]
    except (ValueError, LookupError, TypeError):
        return "unclear", f"status {reply.status} without an error"
    return "refused", f"{reply.status} {error.get('code') or error.get('type')}"


def _whole(body: bytes) -> tuple[str, str | None]:
    document = json.loads(body)
    if "error" in document:
        return "", str(document["error"].get("code"))
    return document["choices"][0]["message"]["content"], None


def _streamed(body: bytes) -> tuple[str, str | None]:
    """Raises ValueError for a stream without its end."""
    parts: list[str] = []
    events = [part.removeprefix("data: ") for part in body.decode().split("\n\n") if part.startswith("data: ")]
    for event in events:
        if event == "[DONE]":
            return "".join(parts), None
        chunk: dict[str, Any] = json.loads(event)
        if "error" in chunk:
            return "", str(chunk["error"].get("code") or chunk["error"].get("type"))
        parts += [choice["delta"].get("content") or "" for choice in chunk["choices"]]
    raise ValueError("a stream without [DONE]")
