"""What the server and a worker process say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.engine import EngineState, Job, Outcome
from agent_lab.providers.local.loading.loader import Loader, Prepared
from agent_lab.providers.local.plan import Placement


# --- to the worker ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Begin:
    """The first message: load this."""

    loader: Loader
    """The one of the server, as a copy."""
    spec: ModelSpec
    prepared: Prepared
    placement: Placement
    beat_s: float
    """Seconds between two signs of life."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Begin an answer."""

    number: int
    job: Job


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the answer with this number within one step."""

    number: int


@dataclass(frozen=True, slots=True)
class AddAdapter:
    """Put an adapter on the model; answered by `AdapterAdded`."""

    key: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Close:
    """End every answer, then the process."""


# --- from the worker ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Progress:
    """How far the load is."""

    progress: LoadProgress


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    loaded: bytes
    """A pickled `Loaded` without its model and its engine, which stay in the worker."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The model could not be loaded."""

    error: AgentLabError


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of an answer."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer."""

    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class AdapterAdded:
    """An adapter can be used, or why not."""

    key: str
    error: AgentLabError | None


@dataclass(frozen=True, slots=True)
class Beat:
    """The worker lives, and this is what its engine is doing."""

    state: EngineState
