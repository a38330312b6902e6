"""One question to one model: the request, the pieces of the answer as they come, and the result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent_lab.contracts.registry import Usd

MAX_PROMPT_CHARS = 1_000_000
"""A prompt longer than this is refused at every door."""

FinishReason = Literal["stop", "length", "declined"]
"""`declined`: the model does not take this question; the text says why and what to use instead."""


class Contract(BaseModel):
    """Frozen and closed: what is not named here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Contract):
    """One turn of a conversation."""

    role: str = Field(min_length=1, max_length=64)
    content: str = Field(max_length=MAX_PROMPT_CHARS)


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


class GenerationRequest(Contract):
    """A question to a model. What is None is taken from the strategy, the model's row and the settings."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    model_key: str | None = None
    strategy: str | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    task_type: str | None = None
    context: Context = Context()
    constraints: Constraints = Constraints()
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(default=(), max_length=16)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    response_schema: dict[str, JsonValue] | None = None


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


class Attempt(Contract):
    """One try at one provider."""

    provider: str
    model: str
    outcome: str
    seconds: float


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
    model_resolved: str
    strategy: str
    finish_reason: FinishReason
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = ()
    """What was done otherwise than asked, a sentence each: a strategy that stood in, a parameter left out."""


class TextDelta(Contract):
    """A piece of the answer as it is written."""

    text: str
