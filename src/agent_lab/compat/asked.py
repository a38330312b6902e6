"""What a client asks, whichever protocol it speaks: one question for the gateway, or for a flow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from agent_lab.contracts.errors import ValidationError
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
NAMING = ("user", "prompt_cache_key", "safety_identifier")
"""Parameters by which clients say for whom, or for which conversation, they ask."""


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

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, sent: Any) -> Any:
        """What is null says nothing."""
        return {name: value for name, value in sent.items() if value is not None} if isinstance(sent, dict) else sent


NO_OPTIONS = LabOptions()


class Body(BaseModel):
    """A request body: the types of JSON as they are, and what is not named is kept for the vendor."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    __pydantic_extra__: dict[str, PlainJson]

    agent_lab: LabOptions | None = None

    @property
    def options(self) -> LabOptions:
        """The extension, or what holds without it."""
        return self.agent_lab or NO_OPTIONS

    @property
    def others(self) -> dict[str, JsonValue]:
        """The parameters that only the vendor knows. One that is null says nothing."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A body understood. `notes`: what of it could not be handed on, a sentence each."""

    request: GenerationRequest
    options: LabOptions
    streamed: bool
    notes: tuple[str, ...] = ()

    @property
    def sticky(self) -> str:
        """The same for every turn of a conversation: who the client says it is for, else how it begins."""
        request = self.request
        named = next((said for said in map(request.extra.get, NAMING) if isinstance(said, str) and said), None)
        metadata = request.extra.get("metadata")
        user = metadata.get("user_id") if isinstance(metadata, Mapping) else None
        if named or (isinstance(user, str) and user):
            return str(named or user)
        return _beginning(request)


def _beginning(request: GenerationRequest) -> str:
    """A hash of the instructions and of the first thing that the user said."""
    history = request.context.history
    first = next((turn for turn in history if turn.role == "user"), None)
    if first is None and not request.prompt:  # instructions alone
        first = history[0]
    said = (first.content, *(image.url for image in first.images)) if first else (request.prompt,)
    digest = hashlib.sha256()
    for text in (request.context.system or "", *said):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def conversation(system: Sequence[str], turns: Sequence[Message], *, field: str) -> tuple[str, Context]:
    """The prompt, and what comes before it. Raises ValidationError where the last turn says nothing, or there is none.

    The last turn is the prompt where it is a user's text and nothing else; else the history has all of them.
    """
    instructions = "\n\n".join(text for text in system if text) or None
    last = turns[-1] if turns else None
    if last is None and instructions is not None:  # instructions alone are a question too
        return "", Context(history=(Message(role="system", content=instructions),))
    if last is None or not (last.content or last.images or last.tool_calls or last.role == "tool"):
        raise empty(field)
    if last.role == "user" and last.content and not last.images:
        return last.content, Context(system=instructions, history=tuple(turns[:-1]))
    return "", Context(system=instructions, history=tuple(turns))


def empty(field: str) -> ValidationError:
    """The error for a question that asks nothing."""
    return ValidationError(f"The last turn of `{field}` is empty; write a question there.", where=field)


def notes_on_names(turns: Iterable[object]) -> Iterator[str]:
    """A note where a turn says the name of its speaker, which no turn here has a place for."""
    # A plain turn has no name, and asking it for one costs as much as reading it.
    if any(not isinstance(turn, PlainTurn) and getattr(turn, "name", None) is not None for turn in turns):
        yield "'name' of the turns was left out: their roles alone say who speaks."
