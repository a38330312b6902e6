"""Reads a request's body within its bounds, and refuses what is not plain JSON before anything else sees it."""

from __future__ import annotations

import asyncio
import json
import re

from starlette.requests import Request
from starlette.types import Message, Receive

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.sentences import said
from agent_lab.lab.problems import MediaTypeError

MAX_BODY_BYTES = 2_000_000
MAX_BODY_BYTES_OF_KEYS = 20_000_000
"""What an access key may send at the most, also where the owner may send more."""
ASIDE_BYTES = 50_000
"""A larger body may take a second to look through: that is done aside, while others are served."""
DRAINED_BODIES = 8
"""How many times the bound is still read (and dropped), so that a client that only listens after it has sent
everything gets the answer and not a broken connection."""

# Only a body with one of these can hold half a surrogate pair or a number beyond all floats.
_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|[eE]\+?\d{3}|\d{200}")


async def checked(request: Request, *, limit_bytes: int = MAX_BODY_BYTES) -> Request:
    """The same request with its body read and found to be JSON (or empty).

    Raises TooLargeError, MediaTypeError or ValidationError.
    """
    body = await read_bytes(request, limit_bytes)
    if body:
        if len(body) > ASIDE_BYTES:
            await asyncio.to_thread(check_json, body)
        else:
            check_json(body)
    return Request(request.scope, receive=_replay(body, request.receive))


def check_json(body: bytes) -> None:
    """Refuse a body that is too deep, not JSON, or that no other JSON reader would take."""
    value = read_json(body, what=said("the_body", "The body"), max_bytes=len(body))
    if not _SUSPECT.search(body):
        return
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ValidationError(
            said("body_half_character", "The body holds half of a surrogate pair; send whole Unicode characters.")
        ) from None
    except ValueError:
        raise ValidationError(
            said("body_number", "The body holds a number that is too large for JSON readers; send a smaller one.")
        ) from None


async def read_bytes(request: Request, limit_bytes: int) -> bytes:
    """The body as it came, declared as JSON (or empty). Raises TooLargeError or MediaTypeError."""
    chunks: list[bytes] = []
    size_bytes = 0
    if _declared_bytes(request) > DRAINED_BODIES * limit_bytes:  # not a byte of it is waited for
        raise _too_large(limit_bytes)
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes <= limit_bytes:
            chunks.append(chunk)
            continue
        chunks.clear()
        if size_bytes > DRAINED_BODIES * limit_bytes:
            break
    if size_bytes > limit_bytes:
        raise _too_large(limit_bytes)
    body = b"".join(chunks)
    if body:
        _check_type(request.headers.get("content-type", ""))
    return body


def _declared_bytes(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _too_large(limit_bytes: int) -> TooLargeError:
    return TooLargeError(
        said("body_too_large", "The body is larger than {mb:g} MB; send less at once.", mb=limit_bytes / 1e6)
    )


def _check_type(declared: str) -> None:
    media_type = declared.partition(";")[0].strip().lower()
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        return
    form = "The body must be sent with Content-Type: application/json, {but}."
    but = (
        said("not_of_type", "not {type!r}", type=media_type[:80])
        if media_type
        else said("of_no_type", "and the request does not say what its body is")
    )
    raise MediaTypeError(said("body_needs_type", form, but=but), where="Content-Type")


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
