"""The OpenAPI document tells a client everything: names, bodies, answers, examples and errors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from agent_lab.api.app import operations
from agent_lab.api.openapi import document
from agent_lab.contracts.errors import AgentLabError
from agent_lab.lab.problems import TITLES, Problem
from api.doors import Door


def described(door: Door) -> dict[str, dict[str, Any]]:
    schema = document(door.app)
    return {
        f"{method.upper()} {path}": operation
        for path, found in schema["paths"].items()
        for method, operation in found.items()
    }


async def test_every_operation_has_a_stable_name_a_summary_and_a_tag(door: Door) -> None:
    found = described(door)
    names = [operation["operationId"] for operation in found.values()]
    assert len(found) > 40
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+|infer|orchestrate", name) for name in names)
    assert all(operation["tags"] and operation["description"] for operation in found.values())


def error_form(operation: str) -> tuple[str, str]:
    """The media type of an operation's errors and the name of their schema: `/v1` speaks as its protocols do."""
    if " /v1/" not in operation:
        return "application/problem+json", "Problem"
    return "application/json", "AnthropicError" if operation.endswith("/v1/messages") else "OpenAIError"


async def test_every_operation_documents_its_errors_in_its_own_form(door: Door) -> None:
    for name, operation in described(door).items():
        wrong = {status: answer for status, answer in operation["responses"].items() if status[0] == "4"}
        assert wrong, name
        media_type, schema = error_form(name)
        for answer in wrong.values():
            assert answer["content"][media_type]["schema"] == {"$ref": f"#/components/schemas/{schema}"}
        assert ("401" in wrong) == (operation["security"] != [] or name == "GET /login"), name
        if "requestBody" in operation:
            assert {"413", "415", "400" if " /v1/" in name else "422"} <= wrong.keys(), name


def good_contents(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in described(door).items():
        for status, answer in operation["responses"].items():
            if status[0] == "2" and status != "204":
                assert answer["content"], name
                yield from ((name, content) for content in answer["content"].values())


async def test_every_answer_is_typed_and_shown(door: Door) -> None:
    known = document(door.app)["components"]["schemas"]
    for name, content in good_contents(door):
        shape = content["schema"]
        reference = shape.get("$ref", "").rpartition("/")[2]
        assert reference or shape["type"], name
        if reference:
            assert {"example", "examples"} & (content.keys() | known[reference].keys()), name


def examples_of(route: APIRoute) -> Iterator[tuple[type[BaseModel], Any]]:
    """Each example of a route with the model that it stands for."""
    models = [route.response_model, *(field.field_info.annotation for field in route.dependant.body_params)]
    for model in models:
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from ((model, shown) for shown in _shown_by(model))
    for answer in route.responses.values():
        shown = answer.get("content", {}).get("application/json", {}).get("example")
        if shown is not None and route.response_model is not None:
            yield route.response_model, shown


def _shown_by(model: type[BaseModel]) -> list[Any]:
    extra = model.model_config.get("json_schema_extra")
    return [extra["example"]] if isinstance(extra, dict) and "example" in extra else []


async def test_every_example_fits_the_model_that_it_stands_for(door: Door) -> None:
    pairs = [pair for route in operations(door.app) if route.include_in_schema for pair in examples_of(route)]
    for model, example in pairs:
        TypeAdapter(model).validate_python(example)
    assert len(pairs) > 20


async def test_every_example_as_it_is_sent_fits_its_schema(door: Door) -> None:
    async with door.owner() as client:
        schema = (await client.get("/openapi.json")).json()
    shown = [(shape, shape["example"]) for shape in schema["components"]["schemas"].values() if "example" in shape]
    for _, content in good_contents(door):
        if isinstance(content.get("example"), dict | list):
            shown.append((content["schema"], content["example"]))
    for shape, example in shown:
        Draft202012Validator({"allOf": [shape], "components": schema["components"]}).validate(example)
    assert len(shown) > 40


async def test_errors_are_shown_with_a_type_that_their_status_has(door: Door) -> None:
    for name, operation in described(door).items():
        for status, answer in operation["responses"].items():
            shown = answer.get("content", {}).get("application/problem+json", {}).get("example")
            if shown is not None:
                assert Problem.model_validate(shown).status == int(status)
                assert shown["type"].endswith(":not-found") == (status == "404"), name


def kinds_of(error: type[AgentLabError]) -> Iterator[type[AgentLabError]]:
    for one in error.__subclasses__():
        yield from (one, *kinds_of(one))


def test_every_error_has_a_title_and_its_row_in_the_documents() -> None:
    told = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    # Those of the command line alone, such as a damaged backup's, are told by no route.
    floors = ("agent_lab.contracts.", "agent_lab.lab.", "agent_lab.gateway.", "agent_lab.flows.")
    kinds = [one for one in kinds_of(AgentLabError) if one.__module__.startswith(floors) and "slug" in vars(one)]
    assert len(kinds) > 15
    for error in kinds:
        assert error.status in TITLES, error
        assert f"`{error.slug}`" in told, error


async def test_a_parameter_that_can_be_wrong_has_its_refusal_documented(door: Door) -> None:
    for name, operation in described(door).items():
        asked = [one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"]
        if any(shape.get("type") != "string" for shape in asked):
            assert "422" in operation["responses"] or " /v1/" in name, name


async def test_every_body_has_an_example(door: Door) -> None:
    schema = document(door.app)
    for name, operation in described(door).items():
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        references = re.findall(r"schemas/(\w+)", str(content["schema"]))
        assert "examples" in content or "example" in schema["components"]["schemas"][references[0]], name


async def test_the_stream_is_a_union_of_events_told_apart_by_type(door: Door) -> None:
    schema = document(door.app)
    content = described(door)["GET /api/runs/{run_id}/events"]["responses"]["200"]["content"]
    assert content.keys() == {"text/event-stream"}
    reference = content["text/event-stream"]["schema"]["$ref"].rpartition("/")[2]
    union = schema["components"]["schemas"][reference]
    assert union["discriminator"]["propertyName"] == "type"
    assert set(union["discriminator"]["mapping"]) >= {"run_started", "token", "run_finished"}


async def test_references_in_the_document_lead_somewhere(door: Door) -> None:
    schema = document(door.app)
    known = schema["components"]["schemas"]
    used = set(re.findall(r"#/components/schemas/([\w.-]+)", str(schema)))
    assert used <= known.keys()
    assert "HTTPValidationError" not in known


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready", "/login"])
async def test_public_operations_ask_for_no_token_in_the_document(door: Door, path: str) -> None:
    assert described(door)[f"GET {path}"]["security"] == []
