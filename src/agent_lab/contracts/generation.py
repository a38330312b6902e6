"""One question to one model: the request, the pieces of the answer as they come, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from agent_lab.contracts.registry import Usd

MAX_PROMPT_CHARS = 1_000_000
"""A prompt longer than this is refused at every door."""

FinishReason = Literal["stop", "length", "tool_calls", "declined", "filtered"]
"""`tool_calls`: the model waits for what its tools say. `declined`: the model does not take this question; the text
says why and what to use instead. `filtered`: the vendor withheld the rest."""


class Contract(BaseModel):
    """Frozen and closed: what is not named here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tool(Contract):
    """A function that the model may ask its caller to run. `parameters`: a JSON Schema."""

    name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class ToolCall(Contract):
    """What the model asks a tool. `arguments` is JSON as the model wrote it, which need not be valid."""

    id: str
    name: str
    arguments: str


class Image(Contract):
    """A picture for models that see: a `data:` URL, or an address that the vendor (never this product) reads."""

    url: str = Field(min_length=1, max_length=20_000_000)
    detail: str | None = None


class Message(Contract):
    """One turn of a conversation."""

    role: str = Field(min_length=1, max_length=64)
    content: str = Field(max_length=MAX_PROMPT_CHARS)
    images: tuple[Image, ...] = ()
    """Shown after the text."""
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant asked of its tools in this turn."""
    tool_call_id: str | None = None
    """Of a turn with the role `tool`: the call that it answers."""


class Context(Contract):
    """What the model knows beside the prompt."""

    system: str | None = Field(default=None, max_length=MAX_PROMPT_CHARS)
    history: tuple[Message, ...] = ()
    role: str | None = None
    """The part that the model plays in a deliberation: creator, challenger, ..."""
    turns: tuple[Message, ...] = ()
    """The question and the voices so far, each apart. They repeat what `prompt` says in one text; a model
    whose row has `prompt_format = "turns"` reads them in its place."""


class Constraints(Contract):
    """What the answer may cost. None sets no bound."""

    max_vram_gb: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    latency_budget_s: float | None = Field(default=None, gt=0)
    cost_budget_usd: Usd | None = Field(default=None, ge=0)


# Frozen, so every request may share them; a plain default would be copied through and through for each.
NO_CONTEXT = Context()
NO_CONSTRAINTS = Constraints()


class GenerationRequest(Contract):
    """A question to a model. What is None is taken from the strategy, the model's row and the settings.

    The prompt is the user's last turn. It is empty only where the history ends with another kind of turn: what a tool
    said, a picture, or the beginning of the answer.
    """

    prompt: str = Field(max_length=MAX_PROMPT_CHARS)
    model_key: str | None = None
    strategy: str | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    task_type: str | None = None
    context: Context = Field(default_factory=lambda: NO_CONTEXT)
    constraints: Constraints = Field(default_factory=lambda: NO_CONSTRAINTS)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(default=(), max_length=16)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    response_schema: dict[str, JsonValue] | None = None
    tools: tuple[Tool, ...] = Field(default=(), max_length=512)
    tool_choice: str | None = None
    """`auto`, `none`, `required`, or the name of the tool to call."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of the vendor's own, for providers that speak `extra_protocol`; others leave them out with a note."""
    extra_protocol: Literal["openai", "anthropic"] | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.prompt and not self.context.history:
            raise ValueError("the prompt is empty; write a question")
        return self


class Timings(Contract):
    """Seconds. `total_s` covers everything between the call and the last token."""

    load_s: float = 0.0
    queue_s: float = 0.0
    first_token_s: float | None = None
    inference_s: float = 0.0
    total_s: float = 0.0


class Usage(Contract):
    """Tokens read and written. `cost_usd` is None where the price is not known, never 0 in its place."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: Usd | None = None
    lost_usd: Usd = Decimal(0)
    """What tries that broke off before may have cost at the most, where their price is known."""


class Attempt(Contract):
    """One try at one provider. `outcome`: ok, or the slug of what went wrong."""

    provider: str
    model: str
    outcome: str
    seconds: float
    model_key: str = ""


class GenerationResult(Contract):
    """The answer, and what it took."""

    text: str
    tokens_generated: int
    timings: Timings
    usage: Usage
    source: str
    """The provider that answered: local, openai, anthropic, ..."""
    cache_hit: bool
    """True where the model was in memory already."""
    model_key: str
    """The model that answered."""
    model_resolved: str
    asked_key: str = ""
    """The row that the request went to: the same, or one that fell back on it or shares its requests out."""
    strategy: str
    finish_reason: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = ()
    """What was done otherwise than asked, a sentence each: a strategy that stood in, a parameter left out."""


# Pieces of an answer are plain dataclasses: there is one for each few characters, and nobody sends them anywhere.
@dataclass(frozen=True, slots=True)
class AnswerBegun:
    """This model speaks from here on. Comes before its first piece."""

    model_key: str
    model_resolved: str
    source: str


@dataclass(frozen=True, slots=True)
class AnswerRestarted:
    """The answer broke off: what was written of it so far is void, and another one begins."""

    reason: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer as it is written. An empty one is a sign of life: the model thinks."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A piece of a tool call as it is written: the first of each `index` has its id and name."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


Piece = AnswerBegun | AnswerRestarted | TextDelta | ToolDelta | GenerationResult
"""What a generation says as it goes; the result comes last."""
OnCut = Literal["restart", "continue"]
"""What a reader can do when an answer breaks off after its first words: forget them and hear another answer from the
start (`restart`), or only go on with an answer that begins with the very same words (`continue`)."""
