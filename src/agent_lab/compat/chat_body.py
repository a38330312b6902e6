"""Reads the body of `/v1/chat/completions` (OpenAI) as a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from agent_lab.compat.asked import Asked, Body, Part, PlainObject, PlainTurn, conversation, notes_on_names
from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, GenerationRequest, Image, Message, Tool, ToolCall

EXAMPLE: dict[str, Any] = {
    "model": "flow/challenge",
    "messages": [{"role": "user", "content": "Ana has 12 apples and buys 30 more. How many has she now?"}],
    "stream": False,
}
INSTRUCTING = frozenset({"system", "developer"})
NOT_RETURNED = frozenset({"logprobs", "top_logprobs", "modalities", "audio"})
"""What changes the form of the vendor's answer in a way that answers here do not have."""
OUT_OF_DATE = ("functions", "function_call")


class ImageUrl(Part):
    """Where a picture is."""

    url: str = Field(min_length=1, max_length=20_000_000)
    detail: str | None = None


class ContentPart(Part):
    """A part of a turn's content: `text`, `refusal` or `image_url`."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | None = None


class CalledFunction(Part):
    """A function and what it was called with, JSON as the model wrote it."""

    name: str
    arguments: str


class ChatToolCall(Part):
    """A call that the assistant made."""

    id: str
    type: Literal["function"] | None = None
    function: CalledFunction


class ChatTurn(Part):
    """A turn in any of its forms."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] | tuple[ContentPart, ...] | None = None
    tool_calls: tuple[ChatToolCall, ...] | None = None
    tool_call_id: str | None = None
    name: JsonValue = None


class FunctionTool(Part):
    """A function that the model may call."""

    name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    parameters: PlainObject | None = None
    strict: bool | None = None


class ChatTool(Part):
    """A tool; functions are the ones that are handed on."""

    type: Literal["function"]
    function: FunctionTool


class JsonSchemaFormat(Part):
    """The form that the answer is to have. On the wire the schema is called `schema`."""

    name: str | None = None
    document: PlainObject = Field(alias="schema")


class ResponseFormat(Part):
    """`text`, `json_object`, or `json_schema` with a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class StreamOptions(Part):
    """What a stream tells beside the answer."""

    include_usage: bool | None = None


class ChatBody(Body):
    """A chat completion. Parameters that are not named here go to the provider unchanged."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    model: str | None = Field(default=None, description="A key, a vendor's model id, `flow/<id>`, or `default`.")
    messages: tuple[Annotated[PlainTurn | ChatTurn, Field(union_mode="left_to_right")], ...] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    max_completion_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: str | tuple[str, ...] | None = None
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    n: int | None = None
    tools: tuple[ChatTool, ...] | None = Field(default=None, max_length=512)
    tool_choice: PlainObject | str | None = None
    response_format: ResponseFormat | None = None

    @property
    def include_usage(self) -> bool:
        """True where the client asks for the usage at a stream's end."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def asked(self, model_key: str | None) -> Asked:
        """The question. Raises ValidationError for what cannot be asked here."""
        self._refuse()
        turns = [_message(turn, place) for place, turn in enumerate(self.messages)]
        # Instructions that open the conversation are its system text; later ones stay where they were said.
        opening = next((at for at, turn in enumerate(turns) if turn.role not in INSTRUCTING), len(turns))
        prompt, context = conversation([turn.content for turn in turns[:opening]], turns[opening:], field="messages")
        choice, extra = _tool_choice(self.tool_choice), self.others
        if isinstance(choice, dict):  # a kind of choice that only the vendor knows
            extra["tool_choice"], choice = choice, None
        if self.response_format and self.response_format.type == "json_object":
            extra["response_format"] = {"type": "json_object"}
        request = GenerationRequest(
            prompt=prompt,
            model_key=model_key,
            strategy=self.options.strategy,
            context=context,
            constraints=self.options.constraints,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=(self.stop,) if isinstance(self.stop, str) else self.stop or (),
            seed=self.seed,
            response_schema=self._schema(),
            tools=tuple(_tool(tool.function) for tool in self.tools or ()),
            tool_choice=choice,
            extra=extra,
            extra_protocol="openai" if extra else None,
        )
        return Asked(request=request, options=self.options, streamed=bool(self.stream), notes=tuple(self._notes()))

    def _refuse(self) -> None:
        if self.n not in {None, 1}:
            raise ValidationError("One answer is given to a request; leave `n` out and ask several times.", where="n")
        for name in OUT_OF_DATE:
            if name in self.others:
                raise ValidationError(f"`{name}` is out of date; send `tools` and `tool_choice`.", where=name)

    def _schema(self) -> dict[str, JsonValue] | None:
        wanted = self.response_format
        if wanted is None or wanted.type != "json_schema":
            return None
        if wanted.json_schema is None:
            raise ValidationError("`response_format.json_schema` is missing.", where="response_format.json_schema")
        return wanted.json_schema.document

    def _notes(self) -> Iterator[str]:
        yield from notes_on_names(self.messages)
        if any(tool.function.strict for tool in self.tools or ()):
            yield "'strict' of the tools was left out: arguments are as the model writes them."
        for name in sorted(NOT_RETURNED & self.others.keys()):
            yield f"What {name!r} asks for is not part of answers here."


def _message(turn: PlainTurn | ChatTurn, place: int) -> Message:
    if isinstance(turn, PlainTurn):
        return turn
    parts = turn.content if isinstance(turn.content, tuple) else ()
    text, images = _parts(parts, f"messages[{place}].content")
    if isinstance(turn.content, str):
        text = turn.content
    if turn.role == "tool" and turn.tool_call_id is None:
        raise ValidationError(
            f"`messages[{place}].tool_call_id` is missing: it says which call this answers.",
            where=f"messages[{place}].tool_call_id",
        )
    calls = tuple(
        ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
        for call in turn.tool_calls or ()
    )
    return Message(role=turn.role, content=text, images=images, tool_calls=calls, tool_call_id=turn.tool_call_id)


def _parts(parts: tuple[ContentPart, ...], place: str) -> tuple[str, tuple[Image, ...]]:
    texts: list[str] = []
    images: list[Image] = []
    for number, part in enumerate(parts):
        if part.type == "image_url" and part.image_url is not None:
            images.append(Image(url=part.image_url.url, detail=part.image_url.detail))
        elif part.type in {"text", "refusal"}:
            texts.append(part.text or part.refusal or "")
        else:
            raise ValidationError(
                f"`{place}[{number}]` is {part.type[:40]!r}, which is not taken here; send text and image_url parts.",
                where=f"{place}[{number}].type",
            )
    return "\n".join(texts), tuple(images)


def _tool(function: FunctionTool) -> Tool:
    return Tool(name=function.name, description=function.description, parameters=function.parameters or {})


def _tool_choice(choice: PlainObject | str | None) -> PlainObject | str | None:
    if isinstance(choice, dict) and isinstance(function := choice.get("function"), dict):
        name = function.get("name")
        return name if isinstance(name, str) else choice
    return choice
