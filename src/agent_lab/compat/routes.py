"""The routes that the SDKs of OpenAI and Anthropic call, over the gateway and the flows."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pydantic
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match

from agent_lab.compat import documents
from agent_lab.compat.answering import respond
from agent_lab.compat.chat_body import ChatBody
from agent_lab.compat.chat_writer import ChatWriter
from agent_lab.compat.faults import UNEXPECTED, BodyTooLargeError, Fault, encoded, fault_of, wrong_body
from agent_lab.compat.messages_body import MessagesBody
from agent_lab.compat.messages_writer import MessagesWriter
from agent_lab.compat.naming import target_of
from agent_lab.compat.responses_body import ResponsesBody
from agent_lab.compat.responses_writer import ResponsesWriter
from agent_lab.compat.served import ModelDocument, ModelsDocument, served_model, served_models
from agent_lab.compat.spoken import Writer
from agent_lab.contracts.errors import AgentLabError, TooLargeError, ValidationError
from agent_lab.lab.access import GuardedRoute, check_signed_in, owner
from agent_lab.lab.body import ASIDE_BYTES, read_bytes
from agent_lab.lab.presence import ClientGoneError
from agent_lab.lab.problems import request_id_of
from agent_lab.lab.services import services_of
from agent_lab.telemetry.logging import get_logger

MAX_BODY_BYTES = 32_000_000
"""Pictures come in the body."""


class Door(GuardedRoute):
    """A route whose errors are told in its protocol's form, the guard's own included."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The guarded handler, with its errors translated."""
        inner = super().get_route_handler()
        endpoint = self.endpoint
        if [*inspect.signature(endpoint).parameters] == ["request"]:
            # What reads the request itself and answers with bytes has no use for dependencies and models, which would
            # cost as much as the whole gateway.
            async def inner(request: Request) -> Response:
                check_signed_in(request)
                return await endpoint(request)  # type: ignore[no-any-return]

        async def translated(request: Request) -> Response:
            try:
                return await inner(request)
            except AgentLabError as error:
                return self.told(fault_of(error), request)
            except ClientGoneError:
                raise
            except Exception:
                log = get_logger("api")
                log.exception("unexpected_error", method=request.method, path=request.url.path)
                return self.told(UNEXPECTED, request)

        return translated

    @staticmethod
    def told(fault: Fault, request: Request) -> Response:
        """The error as this request's client reads it: only Anthropic's SDK says which version it speaks."""
        is_anthropic = "anthropic-version" in request.headers or f"{request.url.path}/".startswith("/v1/messages/")
        document = fault.anthropic(request_id_of(request)) if is_anthropic else fault.openai()
        return Response(encoded(document), fault.status, fault.headers, "application/json")


router = APIRouter(route_class=Door, tags=["compatibility"])


BodyType = TypeVar("BodyType", ChatBody, ResponsesBody, MessagesBody)


async def _read(request: Request, kind: type[BodyType]) -> BodyType:
    """The body, checked once, by the reader that knows its form."""
    try:
        raw = await read_bytes(request, MAX_BODY_BYTES)
    except TooLargeError as error:
        raise BodyTooLargeError(error.message) from error
    if not raw:
        raise ValidationError("The body is missing; send a JSON object.")
    try:
        if len(raw) > ASIDE_BYTES:
            return await asyncio.to_thread(kind.model_validate_json, raw)
        return kind.model_validate_json(raw)
    except pydantic.ValidationError as error:
        raise wrong_body(error) from None


async def _answer(body: ChatBody | ResponsesBody | MessagesBody, writer: Writer, request: Request) -> Response:
    services = services_of(request)
    target = await target_of(body.model, services)
    try:
        asked = body.asked(target.model_key)
    except pydantic.ValidationError as error:  # what the body leaves open, the question bounds
        raise wrong_body(error) from None
    return await respond(asked, target, writer, request, services)


@router.post("/v1/chat/completions", operation_id="create_chat_completion", **documents.CHAT)
@owner
async def create_chat_completion(request: Request) -> Response:
    """OpenAI's chat completions, whole or streamed, from any model or flow. Leaving ends the work."""
    body = await _read(request, ChatBody)
    return await _answer(body, ChatWriter(include_usage=body.include_usage), request)


@router.post("/v1/responses", operation_id="create_response", **documents.RESPONSES)
@owner
async def create_response(request: Request) -> Response:
    """OpenAI's responses in text, whole or streamed, from any model or flow. Nothing is kept."""
    body = await _read(request, ResponsesBody)
    return await _answer(body, ResponsesWriter(echo=body.echo()), request)


@router.post("/v1/messages", operation_id="create_message", **documents.MESSAGES)
@owner
async def create_message(request: Request) -> Response:
    """Anthropic's messages, whole or streamed, from any model or flow."""
    body = await _read(request, MessagesBody)
    return await _answer(body, MessagesWriter(request_id=request_id_of(request)), request)


@router.get("/v1/models", operation_id="list_served_models", response_model=ModelsDocument, **documents.MODELS)
@owner
async def list_served_models(request: Request) -> Response:
    """Every model that can be called and every flow, in one form that both SDKs read."""
    listed = await served_models(services_of(request))
    return Response(listed.model_dump_json(), media_type="application/json")


@router.get(
    "/v1/models/{model_id:path}", operation_id="get_served_model", response_model=ModelDocument, **documents.MODELS
)
@owner
async def get_served_model(model_id: str, request: Request) -> Response:
    """One model or flow, under any name that requests may use."""
    found = await served_model(model_id, services_of(request))
    return Response(found.model_dump_json(), media_type="application/json")


@router.api_route(
    "/v1/{path:path}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    include_in_schema=False,
)
@owner
async def refuse_other_routes(request: Request) -> Response:
    """What no route above takes, told in the protocol's form; it stands last so that it comes after them."""
    others = [route for route in router.routes if isinstance(route, APIRoute) and route.include_in_schema]
    taken = [route.methods or () for route in others if route.matches(request.scope)[0] is Match.PARTIAL]
    path = request.url.path[:80]
    if not taken:
        message = f"There is no route {path!r}; `GET /openapi.json` lists those that there are."
        return Door.told(Fault(status=404, code="not_found", message=message), request)
    allowed = ", ".join(sorted({method for methods in taken for method in methods}))
    message = f"The route {path!r} does not take {request.method}; it takes {allowed}."
    return Door.told(Fault(status=405, code="method_not_allowed", message=message, headers={"Allow": allowed}), request)
