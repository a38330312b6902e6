"""Reads the body of `/v1/responses` (OpenAI) as a question in text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from agent_lab.compat.asked import Asked, Body, Part, PlainObject, PlainTurn, conversation, notes_on_names
from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, GenerationRequest, Image, Message

EXAMPLE: dict[str, Any] = {"model": "flow/challenge", "input": "What is 12 + 30?", "instructions": "Be brief."}
HANDED_ON = frozenset(
    {"metadata", "user", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"}
)
"""Parameters that chat completions have under the same name; they go to the provider unchanged."""
MEANINGLESS = frozenset({"include", "truncation", "parallel_tool_calls", "stream_options", "tool_choice", "store"})
"""Parameters that say nothing of an answer in text that is not kept; some SDKs send them always."""


class InputPart(Part):
    """A part of a turn: `input_text`, `output_text` or `input_image`."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None


class InputItem(Part):
    """An item of the input: a message, or the thoughts of an earlier answer, which are left out."""

    type: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] | tuple[InputPart, ...] | None = None
    name: JsonValue = None


class TextFormat(Part):
    """`text`, `json_object`, or `json_schema` with a schema."""

    type: Literal["text", "json_object", "json_schema"] | None = None
    document: PlainObject | None = Field(default=None, alias="schema")


PLAIN = TextFormat()


class TextOptions(Part):
    """How the text is to be."""

    format: TextFormat | None = None
    verbosity: str | None = None


class ReasoningOptions(Part):
    """How hard the model is to think."""

    effort: str | None = None


class ResponsesBody(Body):
    """A response in text. Nothing is kept here, so that no later request can refer to it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    model: str | None = Field(default=None, description="A key, a vendor's model id, `flow/<id>`, or `default`.")
    input: (
        Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)]
        | tuple[Annotated[PlainTurn | InputItem, Field(union_mode="left_to_right")], ...]
    )
    instructions: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] | None = None
    stream: bool | None = None
    max_output_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None

    def asked(self, model_key: str | None) -> Asked:
        """The question. Raises ValidationError for what cannot be asked here."""
        self._refuse()
        turns = self._turns()
        system = [self.instructions] if self.instructions else []
        while turns and turns[0].role in {"system", "developer"}:
            system.append(turns.pop(0).content)
        prompt, context = conversation(system, turns, field="input")
        extra = self._extra()
        request = GenerationRequest(
            prompt=prompt,
            model_key=model_key,
            strategy=self.options.strategy,
            context=context,
            constraints=self.options.constraints,
            max_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            response_schema=self._schema(),
            extra=extra,
            extra_protocol="openai" if extra else None,
        )
        return Asked(request=request, options=self.options, streamed=bool(self.stream), notes=tuple(self._notes()))

    def echo(self) -> dict[str, Any]:
        """What the answer repeats of the request."""
        shape: dict[str, Any] = {"type": self._format.type or "text"}
        if self._format.document is not None:
            shape |= {"name": "answer", "schema": self._format.document}
        return {
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "metadata": self.others.get("metadata", {}),
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": False,
            "temperature": self.temperature,
            "text": {"format": shape},
            "tool_choice": "auto",
            "tools": [],
            "top_p": self.top_p,
            "truncation": "disabled",
        }

    def _refuse(self) -> None:
        for name, value in self.others.items():
            if name in HANDED_ON or name in MEANINGLESS or not value:
                continue
            if name == "tools":
                raise ValidationError("This door serves text; send tools to /v1/chat/completions.", where="tools")
            if name in {"previous_response_id", "conversation"}:
                raise ValidationError(f"Answers are not kept here; send the earlier turns in `input`, not `{name}`.")
            raise ValidationError(f"`{name[:80]}` is not taken here; leave it out.", where=name[:80])

    def _extra(self) -> dict[str, JsonValue]:
        extra: dict[str, JsonValue] = {
            name: value for name, value in self.others.items() if name in HANDED_ON and value
        }
        if self.reasoning and self.reasoning.effort:
            extra["reasoning_effort"] = self.reasoning.effort
        if self.text and self.text.verbosity:
            extra["verbosity"] = self.text.verbosity
        if self._format.type == "json_object":
            extra["response_format"] = {"type": "json_object"}
        return extra

    def _schema(self) -> dict[str, JsonValue] | None:
        if self._format.type != "json_schema":
            return None
        if self._format.document is None:
            raise ValidationError("`text.format.schema` is missing.", where="text.format.schema")
        return self._format.document

    def _turns(self) -> list[Message]:
        if isinstance(self.input, str):
            return [Message(role="user", content=self.input)]
        found = (_message(item, place) for place, item in enumerate(self.input))
        return [message for message in found if message is not None]

    @property
    def _format(self) -> TextFormat:
        return (self.text and self.text.format) or PLAIN

    def _notes(self) -> Iterator[str]:
        yield from notes_on_names(() if isinstance(self.input, str) else self.input)
        if not isinstance(self.input, str) and any(isinstance(i, InputItem) and _is_thought(i) for i in self.input):
            yield "The thoughts of earlier answers were left out."


def _is_thought(item: InputItem) -> bool:
    return item.type == "reasoning"


def _message(item: PlainTurn | InputItem, place: int) -> Message | None:
    if isinstance(item, PlainTurn):
        return item
    if _is_thought(item):
        return None
    kind = item.type or "message"
    if kind != "message" or item.role is None:
        raise ValidationError(
            f"`input[{place}]` is {kind[:40]!r}; messages with a role are what is taken here.",
            where=f"input[{place}]",
        )
    if item.content is None or isinstance(item.content, str):
        return Message(role=item.role, content=item.content or "")
    text, images = _parts(item.content, f"input[{place}].content")
    return Message(role=item.role, content=text, images=images)


def _parts(parts: tuple[InputPart, ...], place: str) -> tuple[str, tuple[Image, ...]]:
    texts: list[str] = []
    images: list[Image] = []
    for number, part in enumerate(parts):
        if part.type == "input_image" and part.image_url:
            images.append(Image(url=part.image_url, detail=part.detail))
        elif part.type in {"input_text", "output_text", "text", "refusal"}:
            texts.append(part.text or part.refusal or "")
        else:
            raise ValidationError(
                f"`{place}[{number}]` is {part.type[:40]!r}, which is not taken here; send input_text and input_image.",
                where=f"{place}[{number}].type",
            )
    return "\n".join(texts), tuple(images)
