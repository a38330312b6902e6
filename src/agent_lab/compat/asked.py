"""What a client asks, whichever protocol it speaks: one question for the gateway, or for a flow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from agent_lab.contracts.flow import Name
from agent_lab.contracts.generation import (
    MAX_PROMPT_CHARS,
    Constraints,
    Context,
    Contract,
    GenerationRequest,
    Image,
    Message,
    ToolCall,
)


def _plain(value: JsonValue) -> JsonValue:
    """Refuses NaN and infinities, which the parser takes and no other JSON reader would."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("it holds a number that JSON does not know") from None
    return value


PlainJson = Annotated[JsonValue, AfterValidator(_plain)]
PlainObject = dict[str, PlainJson]


class Body(BaseModel):
    """A request body: the types of JSON as they are, and what is not named is kept for the vendor."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    __pydantic_extra__: dict[str, PlainJson]

    @property
    def others(self) -> dict[str, JsonValue]:
        """The parameters that only the vendor knows. One that is null says nothing."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}


class Part(BaseModel):
    """A part of a body whose unknown fields say nothing to us: clients echo answers of newer protocols."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class PlainTurn(Message):
    """A turn in the form that nearly all have, and both protocols share: it is a `Message` already, at no cost."""

    role: Literal["system", "developer", "user", "assistant"]
    images: tuple[Image, ...] = Field(default=(), max_length=0)
    tool_calls: tuple[ToolCall, ...] = Field(default=(), max_length=0)
    tool_call_id: None = None


class LabOptions(Contract):
    """The extension `agent_lab` of a request: what the protocols have no word for."""

    models: dict[Name, str] = Field(default_factory=dict, max_length=1000)
    """Of a flow: model by node or role."""
    language: Literal["en", "es"] = "en"
    """Of a flow: the language of its prompts."""
    inputs: dict[Name, Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]] = Field(default_factory=dict)
    """Of a flow: values for its inputs beside the question."""
    stream_roles: bool = False
    """Of a flow: every role is heard as it speaks, and not the answer alone."""
    strategy: str | None = None
    constraints: Constraints = Constraints()
    """Of a model: what the answer may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A body understood. `notes`: what of it could not be handed on, a sentence each."""

    request: GenerationRequest
    options: LabOptions
    streamed: bool
    notes: tuple[str, ...] = ()


def conversation(system: Sequence[str], turns: Sequence[Message]) -> tuple[str, Context]:
    """The prompt, and what comes before it.

    The last turn is the prompt where it is a user's text and nothing else; else the history has all of them.
    """
    instructions = "\n\n".join(text for text in system if text) or None
    last = turns[-1] if turns else None
    if last is None and instructions is not None:  # instructions alone are a question too
        return "", Context(history=(Message(role="system", content=instructions),))
    if last is not None and last.role == "user" and last.content and not last.images:
        return last.content, Context(system=instructions, history=tuple(turns[:-1]))
    return "", Context(system=instructions, history=tuple(turns))
