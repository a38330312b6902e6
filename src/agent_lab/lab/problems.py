"""Says over HTTP what went wrong: one problem+json document, the same for every route."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from agent_lab.contracts.errors import AgentLabError, BusyError, ProblemsError, ValidationError
from agent_lab.contracts.sentences import Told, told_of

MEDIA_TYPE = "application/problem+json"

TITLES: Mapping[int, str] = {
    401: "Not signed in",
    403: "Refused: it comes from another site, or is the owner's alone",
    404: "There is no such thing",
    405: "The route does not take this method",
    409: "In another state than the request supposes",
    412: "Changed by somebody else since it was read",
    413: "Too large",
    415: "The body is not JSON",
    421: "Not a host of this server",
    422: "The request cannot be taken as it stands",
    429: "A limit was reached",
    500: "Something in the lab failed",
    502: "The provider did not answer",
    503: "Not possible at present",
    504: "The provider did not answer in time",
    507: "The model does not fit into memory",
}

USUAL_SLUGS: Mapping[int, str] = {
    401: "not-signed-in",
    403: "foreign-origin",
    404: "not-found",
    409: "conflict",
    412: "stale",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-request",
    429: "limit-exceeded",
    500: "internal",
    502: "provider-error",
    503: "unusable",
    504: "silent",
    507: "no-capacity",
}
"""What a status mostly means here: the examples of the OpenAPI document show it."""


class FieldProblem(BaseModel):
    """One field of the request that is wrong: a JSON pointer into the body, or a parameter's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str
    detail: str
    said: Told | None = None
    """What the detail says, for those who say it in another language; so everywhere."""


class Problem(BaseModel):
    """What went wrong and what to do about it (RFC 9457)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    """`urn:agent-lab:problem:<slug>`; stable."""
    title: str
    status: int
    detail: str
    said: Told | None = None
    where: str | None = None
    """JSON pointer into the body, or the parameter's name."""
    errors: tuple[FieldProblem, ...] | None = None
    request_id: str
    run_id: str | None = None
    """The run that failed, where the request started one."""


class NotSignedInError(AgentLabError):
    """The request shows neither the token nor an access key nor a valid cookie."""

    slug = "not-signed-in"
    status = 401


class OwnersOnlyError(AgentLabError):
    """The request came with an access key, and only the owner may do this."""

    slug = "owners-only"
    status = 403


class MediaTypeError(ValidationError):
    """The body is declared as something other than JSON."""

    slug = "unsupported-media-type"
    status = 415


class RunFailedError(AgentLabError):
    """The run that the request started ended without an answer."""

    def __init__(self, message: str, *, slug: str, status: int, run_id: str) -> None:
        super().__init__(message)
        self.run_slug = slug
        self.run_status = status
        self.run_id = run_id


def request_id_of(request: Request) -> str:
    """The id that this request was given at the door."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    content = problem.model_dump_json(exclude_none=True)
    return Response(content, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def describe(
    *,
    slug: str,
    status: int,
    detail: str,
    request_id: str,
    where: str | None = None,
    errors: Sequence[FieldProblem] | None = None,
    run_id: str | None = None,
) -> Problem:
    """A problem from its parts; the title goes with the status."""
    return Problem(
        type=f"urn:agent-lab:problem:{slug}",
        title=TITLES.get(status, TITLES[500]),
        status=status,
        detail=detail,
        said=told_of(detail),
        where=where,
        errors=tuple(errors) if errors else None,
        request_id=request_id,
        run_id=run_id,
    )


def problem_of(error: AgentLabError, request_id: str) -> Problem:
    """The problem document of an error of ours: its sentence and its slug."""
    if isinstance(error, RunFailedError):
        slug, status, run_id = error.run_slug, error.run_status, error.run_id
    else:
        slug, status, run_id = error.slug, error.status, None
    told = error.problems if isinstance(error, ProblemsError) else ()
    return describe(
        slug=slug,
        status=status,
        detail=error.message,
        where=error.where,
        errors=[FieldProblem(pointer=place, detail=sentence, said=told_of(sentence)) for place, sentence in told],
        run_id=run_id,
        request_id=request_id,
    )


def from_error(error: AgentLabError, request_id: str) -> Response:
    """The answer to an error of ours: its problem document, and when to come back where that is known."""
    headers: dict[str, str] = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s or 1)))
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = 'Bearer realm="agent-lab"'
    return answer(problem_of(error, request_id), headers)


def documented(*statuses: int, body: bool = False, public: bool = False) -> dict[int | str, dict[str, Any]]:
    """What a route says of its errors in the OpenAPI document.

    `body`: the route reads a body, so it may also refuse that. `public`: the route asks for no token.
    """
    every = {403, *statuses} | ({413, 415, 422} if body else set()) | (set() if public else {401})
    return {status: _documented(status) for status in sorted(every)}


def _documented(status: int) -> dict[str, Any]:
    example = {
        "type": f"urn:agent-lab:problem:{USUAL_SLUGS[status]}",
        "title": TITLES[status],
        "status": status,
        "detail": "A sentence that says what is wrong and what to do.",
        "request_id": "5f1d7c0e9b6a4c52",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
