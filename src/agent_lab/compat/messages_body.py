"""Reads the body of `/v1/messages` (Anthropic) as a question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from agent_lab.compat.asked import Asked, Body, Part, PlainObject, PlainTurn, conversation, empty, notes_on_names
from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, GenerationRequest, Image, Message, Tool, ToolCall

EXAMPLE: dict[str, Any] = {
    "model": "flow/challenge",
    "max_tokens": 512,
    "messages": [{"role": "user", "content": "Ana has 12 apples and buys 30 more. How many has she now?"}],
}
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
LongText = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]


class ImageSource(Part):
    """A picture: its bytes in base64, or its address."""

    type: Literal["base64", "url"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class ContentBlock(Part):
    """A block of a turn: `text`, `image`, `tool_use`, `tool_result`; thoughts are left out."""

    type: str
    text: LongText | None = None
    source: ImageSource | None = None
    id: str | None = None
    name: str | None = None
    input: PlainObject | None = None
    tool_use_id: str | None = None
    content: LongText | tuple[ContentBlock, ...] | None = None
    is_error: bool | None = None
    cache_control: PlainObject | None = None


class Turn(Part):
    """A turn in any of its forms."""

    role: Literal["user", "assistant"]
    content: LongText | tuple[ContentBlock, ...]
    name: JsonValue = None


class MessagesTool(Part):
    """A tool that the client runs."""

    type: Literal["custom"] | None = None
    name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    input_schema: PlainObject


class ToolChoice(Part):
    """Which tool is to be called."""

    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class MessagesBody(Body):
    """A message. Parameters that are not named here go to the provider unchanged."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    model: str | None = Field(default=None, description="A key, a vendor's model id, `flow/<id>`, or `default`.")
    messages: tuple[Annotated[PlainTurn | Turn, Field(union_mode="left_to_right")], ...] = Field(min_length=1)
    system: LongText | tuple[ContentBlock, ...] | None = None
    stream: bool | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop_sequences: tuple[str, ...] | None = None
    tools: tuple[MessagesTool, ...] | None = Field(default=None, max_length=512)
    tool_choice: ToolChoice | None = None

    def asked(self, model_key: str | None) -> Asked:
        """The question. Raises ValidationError for what cannot be asked here."""
        said = [tuple(_messages(turn, place)) for place, turn in enumerate(self.messages)]
        if not said[-1]:
            raise empty("messages")
        turns = [message for messages in said for message in messages]
        prompt, context = conversation(self._system(), turns, field="messages")
        extra = self.others
        request = GenerationRequest(
            prompt=prompt,
            model_key=model_key,
            strategy=self.options.strategy,
            context=context,
            constraints=self.options.constraints,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=self.stop_sequences or (),
            tools=tuple(
                Tool(name=tool.name, description=tool.description, parameters=tool.input_schema)
                for tool in self.tools or ()
            ),
            tool_choice=self._tool_choice(),
            extra=extra,
            extra_protocol="anthropic" if extra else None,
        )
        return Asked(request=request, options=self.options, streamed=bool(self.stream), notes=tuple(self._notes()))

    def _system(self) -> list[str]:
        if self.system is None or isinstance(self.system, str):
            return [self.system] if self.system else []
        return [_text(block, f"system[{place}]") for place, block in enumerate(self.system)]

    def _tool_choice(self) -> str | None:
        choice = self.tool_choice
        if choice is None or choice.type in {"auto", "none"}:
            return choice.type if choice else None
        if choice.type == "any":
            return "required"
        if choice.name is None:
            raise ValidationError("`tool_choice.name` is missing: it says which tool.", where="tool_choice.name")
        return choice.name

    def _notes(self) -> Iterator[str]:
        yield from notes_on_names(self.messages)
        blocks = list(self._blocks())
        if any(block.type in THOUGHTS for block in blocks):
            yield "The thoughts of earlier answers were left out."
        if any(block.cache_control for block in blocks):
            yield "'cache_control' was left out: what is cached is left to the provider."
        if self.tool_choice and self.tool_choice.disable_parallel_tool_use:
            yield "'disable_parallel_tool_use' was left out."

    def _blocks(self) -> Iterator[ContentBlock]:
        for content in (self.system, *(turn.content for turn in self.messages if isinstance(turn, Turn))):
            if isinstance(content, tuple):
                yield from content


def _messages(turn: PlainTurn | Turn, place: int) -> Iterator[Message]:
    """The messages that a turn stands for: what tools said comes apart from what the user says."""
    if isinstance(turn, PlainTurn):
        if turn.role not in {"user", "assistant"}:
            where = f"messages[{place}].role"
            raise ValidationError(f"`{where}` is 'user' or 'assistant'; instructions go into `system`.", where=where)
        yield turn
    elif isinstance(turn.content, str):
        yield Message(role=turn.role, content=turn.content)
    else:
        yield from _from_blocks(turn.role, turn.content, f"messages[{place}].content")


def _from_blocks(role: str, blocks: tuple[ContentBlock, ...], place: str) -> Iterator[Message]:
    texts: list[str] = []
    images: list[Image] = []
    calls: list[ToolCall] = []
    for number, block in enumerate(blocks):
        where = f"{place}[{number}]"
        if block.type == "tool_result":
            yield _result(block, where)
        elif block.type == "tool_use":
            calls.append(_call(block, where))
        elif block.type == "image":
            images.append(_image(block, where))
        elif block.type not in THOUGHTS:
            texts.append(_text(block, where))
    if texts or images or calls:
        yield Message(role=role, content="\n".join(texts), images=tuple(images), tool_calls=tuple(calls))


def _result(block: ContentBlock, where: str) -> Message:
    if block.tool_use_id is None:
        raise ValidationError(f"`{where}.tool_use_id` is missing: it says which call this answers.", where=where)
    parts = block.content if isinstance(block.content, tuple) else ()
    said = block.content if isinstance(block.content, str) else ""
    if parts:
        said = "\n".join(_text(part, where) for part in parts if part.type != "image")
    images = tuple(_image(part, where) for part in parts if part.type == "image")
    if block.is_error:
        said = f"Error: {said}"
    return Message(role="tool", content=said, images=images, tool_call_id=block.tool_use_id)


def _call(block: ContentBlock, where: str) -> ToolCall:
    if block.id is None or block.name is None:
        raise ValidationError(f"`{where}` is a tool_use without its id or name; send both.", where=where)
    return ToolCall(id=block.id, name=block.name, arguments=json.dumps(block.input or {}))


def _image(block: ContentBlock, where: str) -> Image:
    source = block.source
    if source and source.url:
        return Image(url=source.url)
    if source and source.data and source.media_type:
        return Image(url=f"data:{source.media_type};base64,{source.data}")
    raise ValidationError(f"`{where}.source` is no picture; send media_type and data, or a url.", where=where)


def _text(block: ContentBlock, where: str) -> str:
    if block.type != "text" or block.text is None:
        raise ValidationError(
            f"`{where}` is {block.type[:40]!r}, which is not taken here; send text, image, tool_use or tool_result.",
            where=f"{where}.type",
        )
    return block.text
