"""Turns whatever a route raises into a problem+json answer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.routing import Match

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.reasons import reason
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.lab.problems import FieldProblem, answer, describe, from_error, request_id_of

MAX_TOLD = 20
"""Problems told of one request; more than that nobody reads, and each may be caused by one byte of input."""


def install(app: FastAPI) -> None:
    """Give the application the three handlers."""
    app.add_exception_handler(AgentLabError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:
    return from_error(cast("AgentLabError", error), request_id_of(request))


async def _invalid(request: Request, error: Exception) -> Response:
    told = [_field(one) for one in cast("RequestValidationError", error).errors()[:MAX_TOLD]]
    problems = [FieldProblem(pointer=pointer, detail=detail, said=detail.told) for pointer, detail in told]
    details = [detail for _, detail in told]
    problem = describe(
        slug="invalid-request",
        status=422,
        detail=details[0] if len(details) == 1 else said("told_together", "{lines:after}", lines=details),
        where=problems[0].pointer if problems else None,
        errors=problems,
        request_id=request_id_of(request),
    )
    return answer(problem)


async def _http(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown paths and wrong methods."""
    refused = cast("HTTPException", error)
    headers = dict(refused.headers or {})
    if refused.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    details = {
        404: "There is no such route; `GET /openapi.json` lists those that there are.",
        405: f"This route does not take {request.method}; it takes {headers.get('Allow')}.",
    }
    problem = describe(
        slug=HTTPStatus(refused.status_code).phrase.lower().replace(" ", "-"),
        status=refused.status_code,
        detail=details.get(refused.status_code, str(refused.detail)),
        request_id=request_id_of(request),
    )
    return answer(problem, headers)


def _methods(request: Request) -> list[str]:
    """All methods that the path takes: the router knows those of the first of its routes alone."""
    routes = (context.original_route for context in iter_route_contexts(request.app.routes))
    taken = (
        one.methods for one in routes if isinstance(one, APIRoute) and one.matches(request.scope)[0] is Match.PARTIAL
    )
    return sorted({method for methods in taken for method in methods or ()})


def _field(one: Mapping[str, Any]) -> tuple[str, Sentence]:
    source, *place = one["loc"]
    if source == "body":
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1")[:80] for part in place)
        name = ".".join(str(part)[:80] for part in place)
    else:
        pointer = name = ".".join(str(part) for part in place) or str(source)
    return pointer, _sentence(one, name)


def _sentence(one: Mapping[str, Any], name: str) -> Sentence:
    why = reason(cast("ErrorDetails", one))
    if not name:
        if one["type"] == "missing":
            return said("body_missing", "The body is missing; send a JSON object.")
        if one["type"] in {"model_attributes_type", "dict_type", "model_type"}:
            return said("body_object", "The body must be a JSON object.")
        return said("body_unusable", "The body cannot be taken: {reason}.", reason=why)
    if one["type"] == "missing":
        return said("field_missing", "`{field}` is missing.", field=name)
    if one["type"] == "extra_forbidden":
        return said("field_unknown", "`{field}` is not known here; leave it out or mend its name.", field=name)
    clause = Sentence(why[:1].lower() + why[1:], why.told)
    return said("field_unusable", "`{field}`: {reason}.", field=name, reason=clause)
