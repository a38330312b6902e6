"""Says what went wrong in the words of the protocol that the client speaks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from agent_lab.contracts.errors import (
    AgentLabError,
    BusyError,
    CapacityError,
    ConflictError,
    ContentRefusedError,
    EnvironmentFaultError,
    LimitExceededError,
    NotFoundError,
    QueueFullError,
    RateLimitedError,
    SilentError,
    TooLargeError,
    UnusableError,
    ValidationError,
    error_kind,
)
from agent_lab.lab.problems import MediaTypeError, NotSignedInError, RunFailedError

MAX_PLACE_CHARS = 200


class BodyTooLargeError(TooLargeError):
    """The body is larger than this door takes, whatever the model reads."""


# The first row that an error fits: its status (None: its own) and OpenAI's code (None: the error's own slug).
ROWS: tuple[tuple[type[AgentLabError], int | None, str | None], ...] = (
    (NotSignedInError, None, "invalid_api_key"),
    (BodyTooLargeError, 413, "request_too_large"),
    (TooLargeError, 400, "context_length_exceeded"),
    (ContentRefusedError, 400, "content_policy_violation"),
    (NotFoundError, None, "model_not_found"),
    (ConflictError, None, None),
    (MediaTypeError, None, None),
    (ValidationError, 400, None),
    (RateLimitedError, None, "rate_limit_exceeded"),
    (QueueFullError, None, "rate_limit_exceeded"),
    (LimitExceededError, None, "insufficient_quota"),
    (AgentLabError, None, None),
)
FINAL = (ConflictError, LimitExceededError, CapacityError, UnusableError, EnvironmentFaultError)
"""What is the same a second later: the SDKs are told not to try again on their own."""
OPENAI_TYPES: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "insufficient_quota",
}
ANTHROPIC_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
PARAMETERS: Mapping[str, str | None] = {"/model_key": "model", "/prompt": None}
"""Names that the gateway gives to parts of a request, and what a client calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as both protocols tell it."""

    status: int
    code: str
    message: str
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def openai(self) -> dict[str, Any]:
        """OpenAI's form."""
        kind = OPENAI_TYPES.get(self.code) or ("server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def anthropic(self, request_id: str) -> dict[str, Any]:
        """Anthropic's form."""
        kind = ANTHROPIC_TYPES.get(self.status) or ("api_error" if self.status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": self.message}, "request_id": request_id}


UNEXPECTED = Fault(
    status=500,
    code="internal",
    message="The lab failed on this request; the log has the reason under the request's id.",
)


def fault_of(error: AgentLabError) -> Fault:
    """The error as a client of these protocols reads it."""
    if isinstance(error, RunFailedError):
        kind, slug, own_status = error_kind(error.run_slug), error.run_slug, error.run_status
        message = f"{error.message} (run {error.run_id})"
    else:
        kind, slug, own_status, message = type(error), error.slug, error.status, error.message
    status, code = next((row[1], row[2]) for row in ROWS if issubclass(kind, row[0]))
    where = error.where or ""
    return Fault(
        status=status or own_status,
        code=code or slug,
        message=message,
        param=PARAMETERS.get(where, where.strip("/").replace("/", ".") or None),
        headers=_headers(error, kind),
    )


def _headers(error: AgentLabError, kind: type[AgentLabError]) -> dict[str, str]:
    if isinstance(error, BusyError):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after_s or 1)))}
    if isinstance(error, NotSignedInError):
        return {"WWW-Authenticate": 'Bearer realm="agent-lab"'}
    return {"x-should-retry": "false"} if issubclass(kind, FINAL) and not issubclass(kind, SilentError) else {}


def wrong_body(error: pydantic.ValidationError) -> ValidationError:
    """The first thing that is wrong with a body: its field, and what it may be."""
    told = error.errors(include_url=False, include_context=False)
    # Of the forms that a turn may have the plain one is tried first; what it lacks is no fault yet.
    first = next((one for one in told if "PlainTurn" not in one["loc"]), told[0])
    place = _place(first["loc"])[:MAX_PLACE_CHARS]
    said = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return ValidationError(f"The body is not JSON that can be read: {said.removeprefix('Invalid JSON: ')}.")
    if not place:
        return ValidationError(f"The body cannot be taken: {said[:1].lower()}{said[1:]}.")
    if first["type"] == "missing":
        return ValidationError(f"`{place}` is missing.", where=place)
    if first["type"] == "extra_forbidden":
        return ValidationError(f"`{place}` is not known here; leave it out or mend its name.", where=place)
    return ValidationError(f"`{place}`: {said[:1].lower()}{said[1:]}.", where=place)


def _place(loc: tuple[int | str, ...]) -> str:
    """`messages[0].content`. Names of types, which stand in the path of a choice of forms, are left out."""
    place = ""
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part.isidentifier() and part != "str" and not part[0].isupper():
            place += f".{part}" if place else part
    return place


def encoded(document: Mapping[str, Any]) -> bytes:
    """A document as the body of an answer. ASCII, so that no text can break it."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")
