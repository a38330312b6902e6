"""The seams between the floors: each a promise of a few methods, owned by those who need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from agent_lab.contracts.generation import (
    FinishReason,
    GenerationRequest,
    GenerationResult,
    OnCut,
    Piece,
    TextDelta,
    ToolCall,
    ToolDelta,
)
from agent_lab.contracts.registry import ModelSpec, Sampling, StrategySpec


# --- providers (floor 3) are asked by the gateway, and by nobody else ---------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """A request resolved: which model, loaded how, sampling how. Nothing in it is None that a provider needs."""

    request: GenerationRequest
    model: ModelSpec
    strategy: StrategySpec
    sampling: Sampling
    max_tokens: int
    timeout_s: float
    header_s: float | None = None
    """Seconds until the provider must have begun to answer, be it with its headers alone. None: no such bound."""
    idle_s: float | None = None
    """Seconds between two pieces after which the caller gives up. None: no such bound."""
    streamed: bool = True
    """False where nobody reads along: a provider may then ask for the answer in one piece."""
    prefix: str = ""
    """The beginning of the answer, which a model whose row says `continues` goes on from without repeating it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a provider says at the end: the whole text and what it counted. Seconds; tokens."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """Of the prompt's tokens, those read from the provider's cache."""
    cache_write_tokens: int = 0
    """Of the prompt's tokens, those written to it, where the provider charges for that."""
    usage_known: bool = True
    """False where the provider did not count; the price is then unknown too."""
    cache_hit: bool = True
    load_s: float = 0.0
    queue_s: float = 0.0
    first_token_s: float | None = None
    inference_s: float = 0.0
    strategy: str | None = None
    """The strategy really used, where another one stood in."""
    notes: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()


ProviderPiece = TextDelta | ToolDelta | ModelAnswer


class Provider(Protocol):
    """Runs models: pieces of the answer as they come, and one ModelAnswer last."""

    def stream(self, call: ModelCall) -> AsyncIterator[ProviderPiece]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a provider said to the cheapest question that its address and its key can be tried with."""

    asked: Literal["models", "key", "nothing"]
    """`nothing`: it offers no such question; only a model of it can be asked."""
    models: int | None = None
    """How many models it lists; None where it was not asked for them."""


@runtime_checkable
class Reachable(Protocol):
    """A provider at some address, which can be tried without asking a model anything."""

    async def reach(self, timeout_s: float) -> Reached:
        """Call it once. Raises the error that says what to mend where it does not let this lab in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentModel:
    """A model in memory. Sizes in GB (1e9 bytes)."""

    model_key: str
    strategy: str
    size_gb: float
    """What is kept for it: weights, the memory of its conversations (KV cache), and a margin."""
    loaded_at: datetime
    last_used_at: datetime
    hits: int
    in_use: int
    """Generations that use it at this moment."""
    device: str
    """`cpu`, `cuda:0`, or several, apart by `+`, for a model that is spread."""
    pinned: bool = False
    worker_pid: int | None = None
    """The process that it runs in, where that is one of its own."""
    adapters: tuple[str, ...] = ()
    """Keys of the LoRA adapters that are loaded onto it."""
    notes: tuple[str, ...] = ()
    """What was done otherwise than its strategy says, in sentences for the user."""


LoadStage = Literal["waiting", "fetching", "loading", "ready"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """How far a model is on its way into memory."""

    model_key: str
    stage: LoadStage
    """`waiting`: for room in memory. `fetching`: its files are downloaded. `loading`: they are read into memory."""
    done_bytes: int = 0
    total_bytes: int | None = None
    elapsed_s: float = 0.0
    seconds_left: float | None = None
    """None where it cannot be told yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFigures:
    """What the local models have done since the start, and what they are doing at this moment."""

    hits: int = 0
    """Requests whose model was in memory."""
    loads: int = 0
    load_s: float = 0.0
    """Seconds of all loads together."""
    evictions: int = 0
    """Models put out of memory so that another one fits."""
    refused: int = 0
    """Requests for which no room was found, or not in time."""
    lost: int = 0
    """Models whose worker process died."""
    waiting: int = 0
    """Requests that wait for their model to be in memory."""
    answers_active: int = 0
    """Answers that are being written."""
    answers_waiting: int = 0
    """Answers that wait for a place beside those."""


class ModelHost(Protocol):
    """Keeps local models in memory. One process does it here; a cluster may do it elsewhere."""

    def resident(self) -> Sequence[ResidentModel]: ...

    async def load(
        self, model: ModelSpec, strategy: StrategySpec, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> ResidentModel:
        """Load a model, or wait for whoever loads it. `on_progress` is called in the caller's event loop."""
        ...

    async def unload(self, model_key: str | None = None) -> Sequence[str]:
        """Unload one model, or all that are not in use. Returns the keys unloaded."""
        ...

    def pin(self, model_key: str, *, pinned: bool) -> ResidentModel:
        """Keep a model in memory whatever else wants its place, or no longer. Raises NotFoundError."""
        ...


class Generator(Protocol):
    """Turns a request into a result, whoever serves it: the gateway, as flows and doors see it."""

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        """The whole answer at once. Requests with the same `sticky` go to the same side of a split."""
        ...

    def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncIterator[Piece]:
        """Pieces of the answer, and the result last."""
        ...

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        """The most that the request may cost at the models that may take it; None where no price is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """One device that models are put on: a GPU, or the RAM of a machine without any. GB (1e9 bytes)."""

    name: str
    """`cpu`, `cuda:0`, `cuda:1`, ..."""
    total_gb: float
    available_gb: float
    limit_gb: float
    """What models may take of it."""
    used_by_models_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the machine has free, over all devices. GB (1e9 bytes); `limit_gb` is what models may take of `memory`."""

    device: str
    memory: str
    """`vram` on a machine with a GPU, `ram` elsewhere."""
    total_gb: float
    available_gb: float
    limit_gb: float
    used_by_models_gb: float
    devices: tuple[DeviceMemory, ...] = ()

    @property
    def for_models_gb(self) -> float:
        """What models may take now: what is free and what they have already, up to their limit."""
        return min(self.limit_gb, self.available_gb + self.used_by_models_gb)


class ResourceMonitor(Protocol):
    """Looks at the machine."""

    def look(self) -> Resources: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a model was booked with on a day, as UTC has it."""

    day: date
    model_key: str
    usd: Decimal


class SpendingLog(Protocol):
    """What was spent on which day, kept for good and exact to a millionth of a millionth of a dollar."""

    async def add(self, day: date, model_key: str, usd: Decimal) -> None:
        """Add to what is there. Raises ValueError for what is no sum of money."""
        ...

    async def total(self, day: date) -> Decimal: ...

    async def by_model(self, since: date) -> Sequence[Spending]:
        """From that day on: by day, then by model."""
        ...
