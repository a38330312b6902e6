"""A run is its events: what is asked for, what is said while it goes on, and what they add up to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from agent_lab.contracts.flow import FlowConfig, Name
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Contract, GenerationRequest, GenerationResult, Message
from agent_lab.contracts.registry import Usd

RunStatus = Literal["queued", "running", "completed", "declined", "failed", "cancelled", "limit_exceeded"]
TERMINAL: frozenset[RunStatus] = frozenset({"completed", "declined", "failed", "cancelled", "limit_exceeded"})


class RunOptions(Contract):
    """What a run may choose beyond its flow. None leaves the flow's own word."""

    model: str | None = None
    models: dict[Name, str] = Field(default_factory=dict, max_length=1000)
    """Model by node id or by role; stronger than `model`."""
    strategy: str | None = None
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    language: Literal["en", "es"] = "en"
    history: tuple[Message, ...] = ()
    """Earlier turns of the conversation that this run belongs to."""


class RunRequest(Contract):
    """A run to be: which flow, on what question, with which options."""

    flow: str = Field(min_length=1, max_length=64)
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    inputs: dict[Name, Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]] = Field(default_factory=dict)
    """Values for the flow's inputs other than `user_input`, which is the prompt."""
    options: RunOptions = RunOptions()


class NodeOutput(Contract):
    """What a node leaves: a text, and the fields that its kind declares."""

    text: str
    fields: dict[str, JsonValue] = Field(default_factory=dict)


class Fault(Contract):
    """Why a run ended without an answer: the error's slug, its sentence, and the node where one is to blame."""

    type: str
    message: str
    node: str | None = None


class RunInfo(Contract):
    """A row of the list of runs."""

    run_id: str
    flow_id: str
    flow_hash: str
    status: RunStatus
    prompt: str
    request_id: str
    created_at: datetime
    finished_at: datetime | None = None


class EventBase(Contract):
    """What every event has. `seq` counts from 1 without gaps in a run; live tokens have none of their own."""

    seq: int = 0
    at: datetime


class RunStarted(EventBase):
    """The run has begun; everything that it will need is in here."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    request_id: str
    flow: FlowConfig
    flow_hash: str
    request: RunRequest


class RunResumed(EventBase):
    """Another process took the run up where its record ends."""

    type: Literal["run_resumed"] = "run_resumed"
    recorded_steps: int


class NodeStarted(EventBase):
    """A node's turn has come; `visit` counts its turns from 1."""

    type: Literal["node_started"] = "node_started"
    node: str
    visit: int
    kind: str
    label: str
    role: str


class GenerationStarted(EventBase):
    """A model is being asked."""

    type: Literal["generation_started"] = "generation_started"
    node: str
    visit: int
    sample: int
    request_hash: str
    request: GenerationRequest


class Token(EventBase):
    """A piece of an answer as it is written. Live only: never stored. `offset` counts the characters before it."""

    type: Literal["token"] = "token"
    node: str
    visit: int
    sample: int
    offset: int
    text: str


class GenerationRestarted(EventBase):
    """An answer broke off, and is asked for again from the start: its tokens so far are void."""

    type: Literal["restarted"] = "restarted"
    node: str
    visit: int
    sample: int
    reason: str


class GenerationFinished(EventBase):
    """A model has answered. With (node, visit, sample, request_hash) this is the record that a replay reads."""

    type: Literal["generation_finished"] = "generation_finished"
    node: str
    visit: int
    sample: int
    request_hash: str
    result: GenerationResult


class RouteTaken(EventBase):
    """A condition chose an edge."""

    type: Literal["route_taken"] = "route_taken"
    source: str
    target: str
    visit: int


class NodeFinished(EventBase):
    """A node is done: its output, and where the run goes next."""

    type: Literal["node_finished"] = "node_finished"
    node: str
    visit: int
    output: NodeOutput
    next: tuple[str, ...]
    seconds: float


class RunTotals(Contract):
    """What a run took. `cost_usd` is None as soon as one price in it is not known."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Usd | None = None
    seconds: float = 0.0


class RunFinished(EventBase):
    """The run has ended, and stays so."""

    type: Literal["run_finished"] = "run_finished"
    status: RunStatus
    answer: str | None = None
    fault: Fault | None = None
    seconds: float = 0.0


RunEvent = Annotated[
    RunStarted
    | RunResumed
    | NodeStarted
    | GenerationStarted
    | Token
    | GenerationRestarted
    | GenerationFinished
    | RouteTaken
    | NodeFinished
    | RunFinished,
    Field(discriminator="type"),
]
RUN_EVENT: TypeAdapter[RunEvent] = TypeAdapter(RunEvent)


class NodeView(Contract):
    """A node as the events have left it."""

    id: str
    kind: str
    label: str
    role: str
    status: Literal["waiting", "running", "completed", "failed", "skipped"] = "waiting"
    visits: int = 0
    text: str = ""
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    cost_usd: Usd | None = None
    cache_hit: bool | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()


class EdgeView(Contract):
    """An edge, and how often it was taken."""

    source: str
    target: str
    taken: int = 0


class RunView(Contract):
    """A run as its events add up: status, transcript, cost, answer."""

    run_id: str
    request_id: str
    flow_id: str
    flow_hash: str
    prompt: str
    status: RunStatus
    nodes: tuple[NodeView, ...] = ()
    edges: tuple[EdgeView, ...] = ()
    answer: str | None = None
    draft: str | None = None
    fault: Fault | None = None
    totals: RunTotals = RunTotals()
    created_at: datetime | None = None
    finished_at: datetime | None = None
    last_seq: int = 0
