"""What the OpenAPI document says of these routes: bodies by schema, answers by example, errors in their own form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from agent_lab.compat.chat_body import ChatBody
from agent_lab.compat.messages_body import MessagesBody
from agent_lab.compat.responses_body import ResponsesBody
from agent_lab.lab.problems import TITLES

TEMPLATE = "#/components/schemas/{model}"
Documentation = dict[str, Any]


class OpenAIFault(BaseModel):
    """What went wrong, within OpenAI's form."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error in OpenAI's form. `code` is theirs where they have one, else the slug of the problem."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "message": "There is no model 'voise'; did you mean 'voice'?",
                    "type": "invalid_request_error",
                    "param": "model",
                    "code": "model_not_found",
                }
            }
        }
    )

    error: OpenAIFault


class AnthropicFault(BaseModel):
    """What went wrong, within Anthropic's form."""

    type: str
    message: str


class AnthropicError(BaseModel):
    """An error in Anthropic's form."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "error",
                "error": {"type": "not_found_error", "message": "There is no model 'voise'; did you mean 'voice'?"},
                "request_id": "5f1d7c0e9b6a4c52",
            }
        }
    )

    type: str
    error: AnthropicFault
    request_id: str


def schemas() -> dict[str, Any]:
    """The components that the routes refer to; their bodies are read without FastAPI's help, which so knows none."""
    modes = [(model, "validation") for model in (ChatBody, ResponsesBody, MessagesBody, OpenAIError, AnthropicError)]
    _, found = models_json_schema(modes, ref_template=TEMPLATE)  # type: ignore[arg-type]
    definitions: dict[str, Any] = found["$defs"]
    return definitions


def _body(model: type[BaseModel]) -> Documentation:
    reference = {"$ref": TEMPLATE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


def _errors(model: type[BaseModel], *statuses: int) -> dict[int | str, Documentation]:
    schema = {"$ref": TEMPLATE.format(model=model.__name__)}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": TITLES.get(status, TITLES[500]), "content": content} for status in statuses}


def _answers(example: dict[str, Any], stream: str) -> dict[int | str, Documentation]:
    whole = {"schema": {"type": "object"}, "example": example}
    streamed = {"schema": {"type": "string"}, "example": stream}
    return {
        200: {
            "description": "The answer; with `stream`, its events.",
            "content": {"application/json": whole, "text/event-stream": streamed},
        }
    }


ASKING = (400, 401, 404, 413, 415, 429, 502, 503, 504, 507)
EXTENSION: dict[str, Any] = {
    "model_key": "demo",
    "provider": "local",
    "cost_usd": 0.0,
    "attempts": [{"provider": "local", "model": "builtin:demo", "outcome": "ok", "seconds": 0.12, "model_key": "demo"}],
    "notes": [],
}
CHAT: Documentation = {
    "openapi_extra": _body(ChatBody),
    "responses": _errors(OpenAIError, *ASKING)
    | _answers(
        {
            "id": "chatcmpl-5f1d7c0e9b6a4c52",
            "object": "chat.completion",
            "created": 1795251600,
            "model": "builtin:demo",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Answer: 42"}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 24, "completion_tokens": 12, "total_tokens": 36},
            "agent_lab": EXTENSION,
        },
        'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Answer"}}]}\n\n',
    ),
}
RESPONSES: Documentation = {
    "openapi_extra": _body(ResponsesBody),
    "responses": _errors(OpenAIError, *ASKING)
    | _answers(
        {
            "id": "resp_5f1d7c0e9b6a4c52",
            "object": "response",
            "status": "completed",
            "model": "builtin:demo",
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Answer: 42"}]}
            ],
            "agent_lab": EXTENSION,
        },
        'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Answer"}\n\n',
    ),
}
MESSAGES: Documentation = {
    "openapi_extra": _body(MessagesBody),
    "responses": _errors(AnthropicError, *ASKING)
    | _answers(
        {
            "id": "msg_5f1d7c0e9b6a4c52",
            "type": "message",
            "role": "assistant",
            "model": "builtin:demo",
            "content": [{"type": "text", "text": "Answer: 42"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 24, "output_tokens": 12},
            "agent_lab": EXTENSION,
        },
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"Answer"}}\n\n',
    ),
}
MODELS: Documentation = {"responses": _errors(OpenAIError, 401, 404)}
