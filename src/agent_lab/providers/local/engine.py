"""The seam between those who ask a local model and the loop that writes its answers: jobs in, pieces and an end out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import FinishReason
from agent_lab.contracts.registry import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One answer to be written. It can be pickled."""

    prompt_ids: tuple[int, ...]
    max_tokens: int
    """At least 1; prompt and answer together fit into the engine's context."""
    sampling: Sampling
    seed: int | None = None
    stops: tuple[str, ...] = ()
    """The answer ends before the first of these."""
    schema: str | None = None
    """A JSON Schema, as text, that the answer is made to fit."""
    adapter: str | None = None
    """The key of a LoRA adapter that `add_adapter` loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An answer as it was written. Seconds, tokens, GB."""

    text: str
    finish_reason: FinishReason
    completion_tokens: int
    cached_tokens: int
    """Of the prompt's tokens, those whose keys and values another answer had left in memory."""
    queue_s: float
    first_token_s: float | None
    """From the hand-over of the job."""
    inference_s: float
    """Without the time in the queue."""
    memory_gb: float
    """What the device's allocator holds; 0 on a CPU."""


Outcome = Written | AgentLabError | None
"""None: it was cancelled."""


class Reader(Protocol):
    """Reads one answer. Both methods are called in the engine's thread and must not block."""

    def show(self, text: str) -> None:
        """Take the next piece."""
        ...

    def end(self, outcome: Outcome) -> None:
        """Called once and last, when the answer's place in memory is free again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """What an engine is doing."""

    active: int
    waiting: int
    unused_bytes: int
    """Of the memory that is reserved for conversations, what is not allocated yet."""


class Engine(Protocol):
    """Writes answers with one model in memory, many at a time. Every method may be called from any thread."""

    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        """Begin an answer; the function returned cancels it within one step. Raises UnusableError when closed."""
        ...

    def add_adapter(self, key: str, folder: Path) -> None:
        """Put a LoRA adapter on the model, once; blocks until it can be used. Raises UnusableError, CapacityError."""
        ...

    def state(self) -> EngineState: ...

    def close(self) -> None:
        """End every answer with an UnusableError, let go of the model, and wait for the loop to end."""
        ...
