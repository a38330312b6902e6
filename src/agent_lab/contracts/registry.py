"""Rows of the registries: what a model is, and how a strategy loads it and samples from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, model_validator

Usd = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Capability = Literal["chat", "code", "math", "reasoning", "vision", "tool-calling", "function-schemas", "long-context"]
Parameter = Literal["temperature", "top_p", "seed", "stop", "response_schema", "tools", "images"]


SPLIT = "split"
"""The provider of rows that only share requests out to other models."""
HERE = frozenset({"local", "scripted"})
"""The providers of this process; every other one is called over the network."""


class Row(BaseModel):
    """A registry row: frozen and closed, so that a misspelt field is an error and not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CostProfile(Row):
    """Prices in USD for a million tokens. A model without a cost profile has an unknown price."""

    input_usd_per_mtok: Usd = Field(ge=0)
    output_usd_per_mtok: Usd = Field(ge=0)
    cached_input_usd_per_mtok: Usd | None = Field(default=None, ge=0)
    cache_write_usd_per_mtok: Usd | None = Field(default=None, ge=0)


class RateLimits(Row):
    """What a provider or a model takes of this gateway. None sets no bound."""

    requests_per_min: int | None = Field(default=None, gt=0)
    tokens_per_min: int | None = Field(default=None, gt=0)
    """Tokens read and written together."""
    concurrent: int | None = Field(default=None, gt=0)
    """Calls at the same time."""
    queue: int = Field(default=100, ge=0)
    """Callers that may wait for their turn; one more is refused with a time to come back."""


class Timeouts(Row):
    """How long a model may be silent, in seconds. None: as `gateway.patience` has it."""

    header_s: float | None = Field(default=None, gt=0)
    """Until the provider has begun to answer, be it with its headers alone."""
    first_token_s: float | None = Field(default=None, gt=0)
    """Until the first token, thinking included."""
    idle_s: float | None = Field(default=None, gt=0)
    """Between two tokens."""


class Residency(Row):
    """How long a local model stays in memory, and in which process."""

    keep_alive_s: float | None = Field(default=None, ge=0)
    """Seconds after its last answer until it is unloaded. None: until another model needs its place."""
    pinned: bool = False
    """True: never unloaded to make room."""
    warm: bool = False
    """True: loaded when the server starts."""
    worker: bool = False
    """True: it runs in a process of its own, so that a crash of it takes nothing else down."""


def _not_reserved(value: str) -> str:
    if value == "default":
        raise ValueError("at the front door this name leaves the choice to the gateway; use another one")
    return value


class ModelSpec(Row):
    """A model: what it is called, who serves it, and what it can do."""

    key: Annotated[str, AfterValidator(_not_reserved)] = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")
    name: str = ""
    """What people call it; the key where it is left out."""
    family: str = ""
    provider: str
    model_id: str = ""
    """What the provider calls it: a Hugging Face repository, a local folder, or a hosted model's id; the key where it
    is left out."""
    revision: str | None = None
    context_window: int = Field(default=0, ge=0)
    """Tokens, prompt and answer together. 0: not known, and then only the provider checks it."""
    default_strategy: str = "standard"
    capabilities: frozenset[Capability] = frozenset({"chat"})
    cost_profile: CostProfile | None = None
    min_vram_gb: float = Field(default=0.0, ge=0)
    ignores: frozenset[Parameter] = frozenset()
    """What a model does not take: it is left out of the call, and a note says so. For a local one that can only be
    `response_schema`."""
    rejects: frozenset[Parameter] = frozenset()
    """What a hosted model does not take and what must not be left out in silence: the request is refused."""
    api: Literal["chat", "responses"] = "chat"
    """Which of its protocols an `openai` provider serves this model with."""
    continues: bool = False
    """True for a hosted model that goes on from the beginning of an answer (an assistant's turn at the end)."""
    fallbacks: tuple[str, ...] = ()
    """Models to ask instead, in order, when this one does not answer."""
    timeouts: Timeouts = Timeouts()
    limits: RateLimits | None = None
    split: Mapping[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Models that this row shares its requests out to, by weight; the row itself then serves none. A run stays with
    the model that its first request went to."""
    base: str | None = None
    """The local model that this row's LoRA adapter (`model_id`) is put on; they share one copy of its weights, and
    what this row leaves out is as the base's row says."""
    residency: Residency = Residency()
    """How long a local model stays in memory, and in which process."""
    prompt_format: Literal["chat", "turns"] = "chat"
    """`chat`: system, history and the rendered prompt. `turns`: the question and each voice so far as a turn of
    its own, for models whose chat template knows the roles of a deliberation."""
    demonstration: bool = False
    """True for the built-in model: shown as a demonstration wherever a user meets it."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "key" not in values:
            return values
        own = {"name": values["key"], "model_id": values["key"], **values}
        if own.get("split"):
            own.setdefault("provider", SPLIT)
        return own

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if self.runs_here and not self.context_window and self.base is None:
            raise ValueError("a model of this machine needs its context_window, in tokens")
        if bool(self.split) != (self.provider == SPLIT):
            raise ValueError("a row with a split serves nothing itself; leave out its provider")
        return self

    @model_validator(mode="after")
    def _split_alone(self) -> Self:
        for name in ("fallbacks", "timeouts", "limits", "cost_profile"):
            if self.split and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"a row with a split serves nothing itself; give {name!r} to the models it leads to")
        return self

    @property
    def runs_here(self) -> bool:
        """True where the model answers in this process and nothing is sent anywhere."""
        return self.provider in HERE


def _address(value: str) -> str:
    if not value.isprintable() or any(sign in value for sign in " ?#") or not _names_a_host(value):
        raise ValueError(
            "it is an address such as https://host/v1 or http://host:8000/v1, without user, password, spaces, ? and #"
        )
    return value.rstrip("/")


def _names_a_host(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    # A port that is left out is None; "host:" and port 0 are ports that nobody listens at.
    has_port = not parts.netloc.endswith(":") and port != 0
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and has_port


def _served_here(value: str) -> str:
    if value in {*HERE, SPLIT}:
        raise ValueError("this name belongs to a provider of this machine; use another one")
    return value


def _key_variable(value: str) -> str:
    # Any other variable might hold what must never leave the machine.
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*_(KEY|TOKEN)", value) or value.startswith("AGENT_LAB_"):
        raise ValueError("it is the name of a variable that ends in _KEY or _TOKEN and is not one of AI Agent Lab")
    return value


class ProviderSpec(Row):
    """A provider of hosted models: the protocol it speaks, its address, and the variable that holds its key."""

    key: Annotated[str, AfterValidator(_served_here)] = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    kind: Literal["openai", "anthropic", "openai_compatible"]
    """`openai_compatible`: the chat completions of OpenAI, as everybody else speaks them."""
    base_url: Annotated[str, AfterValidator(_address)]
    key_env: Annotated[str, AfterValidator(_key_variable)] | None = None
    """None: it is called without a key."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How an `openai` provider calls the bound of an answer."""
    limits: RateLimits | None = None
    tried_with: Literal["models", "key"] = "models"
    """What its address and key are tried with, at no cost: the list of its models; or, at a vendor that shows that to
    everybody, what it tells of the key (`/key`)."""

    @property
    def is_here(self) -> bool:
        """True where its address is one of this machine."""
        name = urlsplit(self.base_url).hostname or ""
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")

    @property
    def host(self) -> str:
        """The only host that the key is sent to, with its port."""
        return urlsplit(self.base_url).netloc


class Sampling(Row):
    """How the next token is drawn. `top_k=0` and `top_p=1` leave the distribution whole."""

    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)


class StrategyLimits(Row):
    """What one generation may use."""

    max_tokens: int | None = Field(default=None, gt=0)
    """None: whatever is asked for, else MAX_TOKENS_DEFAULT."""
    timeout_s: float = Field(default=300.0, gt=0)


class Loading(Row):
    """How a local model's weights are put into memory. Strategies that load alike share one copy of the weights."""

    precision: Literal["auto", "float32", "bfloat16", "float16", "nf4"] = "auto"
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto"
    compile: bool = False
    """Compile the model's step with torch: slow to begin, faster after."""
    context: int = Field(default=8192, ge=0)
    """Tokens that one answer may read and write together, at most the model's own window. 0: all of that window."""
    parallel: int = Field(default=8, ge=1, le=256)
    """Answers that are written at the same time, each with its own place in memory; fewer where memory is short."""
    needs: Literal["any", "cuda"] = "any"


class StrategySpec(Row):
    """A strategy: how a local model is loaded, how any model samples, its limits and what stands in for it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    description: str
    sampling: Sampling = Sampling()
    limits: StrategyLimits = StrategyLimits()
    loading: Loading = Loading()
    fallbacks: tuple[str, ...] = ()
    """Strategies to use, in order, where this machine cannot do this one."""


def _starts_a_program(value: tuple[str, ...]) -> tuple[str, ...]:
    # A bare name would be looked up on a PATH that differs by who starts the server.
    if not value or not PurePath(value[0]).is_absolute():
        raise ValueError("it is a list that begins with the whole path of a program, such as /usr/bin/python3")
    if any("\0" in part for part in value):
        raise ValueError("there is a character in it that no command can have (NUL)")
    return value


def _any_object() -> dict[str, JsonValue]:
    return {"type": "object"}


class ToolRow(Row):
    """A command that flows may use as a tool. It gets its arguments as JSON on its standard input."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    description: str = Field(max_length=2000)
    command: Annotated[tuple[str, ...], AfterValidator(_starts_a_program)] = Field(max_length=100)
    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    parameters: dict[str, JsonValue] = Field(default_factory=_any_object)
    """A JSON Schema (2020-12) of the arguments."""
    env: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = Field(default=(), max_length=100)
    """Variables that it gets to see, besides PATH, HOME and LANG."""
