"""The OpenAPI document: what the routes say of themselves, the problem form, and how to sign in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from agent_lab import __version__
from agent_lab.compat import documents
from agent_lab.lab.access import access_of
from agent_lab.lab.problems import Problem

DESCRIPTION = (
    "Language models that work on one question together, and a paired test that says whether it was worth it. "
    "Errors are `application/problem+json`, under `/v1` in the form of the protocol; send the token or an "
    "access key as `Authorization: Bearer ...`, or as `x-api-key`."
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title="AI Agent Lab", version=__version__, description=DESCRIPTION, routes=app.routes)
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        schemas.update(documents.schemas())
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        _secure(app, schema)
        _forget_other_errors(schema)
        _write_nulls_again(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _secure(app: FastAPI, schema: dict[str, Any]) -> None:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = schema["paths"][route.path_format][method.lower()]
            operation["security"] = [] if access_of(route.endpoint) == "public" else [{"token": []}]


def _forget_other_errors(schema: dict[str, Any]) -> None:
    """Take out the 422 that FastAPI adds to each route with a parameter: its form is never sent here."""
    for path in schema["paths"].values():
        for operation in path.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _write_nulls_again(schema: dict[str, Any]) -> None:
    """Complete the examples: FastAPI leaves every null out of the document, and some of them are required."""
    schemas = schema["components"]["schemas"]
    for shape in schemas.values():
        _complete(shape.get("example"), shape, schemas)
    operations = (operation for path in schema["paths"].values() for operation in path.values())
    for answer in (answer for operation in operations for answer in operation["responses"].values()):
        for content in answer.get("content", {}).values():
            _complete(content.get("example"), content["schema"], schemas)


def _complete(example: Any, shape: dict[str, Any], schemas: dict[str, Any]) -> None:
    shape = _resolved(shape, schemas)
    if isinstance(example, list):
        for one in example:
            _complete(one, shape.get("items", {}), schemas)
    if not isinstance(example, dict):
        return
    properties = shape.get("properties", {})
    for name in shape.get("required", []):
        example.setdefault(name, None)
    for name, value in example.items():
        _complete(value, properties.get(name, {}), schemas)


def _resolved(shape: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What stands behind a reference, or behind the one that may also be null."""
    options = [option for option in shape.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        shape = options[0]
    reference: str = shape.get("$ref", "")
    found: dict[str, Any] = schemas[reference.rpartition("/")[2]] if reference else shape
    return found
