"""What a run says as it goes: tagged, numbered events, of which it consists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import Contract, GenerationRequest, GenerationResult
from agent_lab.contracts.run import Fault, NodeOutput, RunRequest, RunStatus, RunTotals


class EventBase(Contract):
    """What every event has. `seq` counts from 1 without gaps in a run; live tokens have none of their own."""

    seq: int = 0
    at: datetime


class RunStarted(EventBase):
    """The run has begun, or stands in the queue; everything that it will need is in here."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    request_id: str
    flow: FlowConfig
    flow_hash: str
    flow_version: int | None = None
    subflows: dict[str, FlowConfig] = Field(default_factory=dict)
    """Every flow that a node of this one runs, by the name that the node gives, at the version of this moment."""
    request: RunRequest
    parent_run_id: str | None = None
    from_node: str | None = None
    """Of a fork: the node from which everything is asked anew."""


class RunQueued(EventBase):
    """The run waits for its turn: as many are going on as may at once."""

    type: Literal["run_queued"] = "run_queued"
    ahead: int
    """Runs that were waiting before it."""


class RunAdmitted(EventBase):
    """A queued run's turn has come."""

    type: Literal["run_admitted"] = "run_admitted"


class RunPaused(EventBase):
    """Somebody asked the run to stop for a while; the calls in flight were let end."""

    type: Literal["run_paused"] = "run_paused"


class RunWaits(EventBase):
    """Nothing can go on until a person has answered; nobody works on the run meanwhile."""

    type: Literal["run_waits"] = "run_waits"


class RunResumed(EventBase):
    """The run was taken up where its record ends: by another process, after a pause, or with a person's answer."""

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


class WaitingForPerson(EventBase):
    """A node has a question to a person."""

    type: Literal["waiting_for_person"] = "waiting_for_person"
    node: str
    visit: int
    question: str
    choices: tuple[str, ...] = ()
    """What may be answered; empty: any text."""
    default: str | None = None
    """What an empty answer means; None: there can be no empty answer."""


class PersonAnswered(EventBase):
    """A person has answered a node's question."""

    type: Literal["person_answered"] = "person_answered"
    node: str
    visit: int
    text: str


class VoteCast(EventBase):
    """A vote was counted: what was chosen, by whom, with which weight."""

    type: Literal["vote_cast"] = "vote_cast"
    node: str
    visit: int
    voter: str
    choice: str
    weight: float = 1.0


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
    reused: bool = False
    """True where the answer is the first run's, and nothing was paid for it."""


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
    reused: bool = False
    """True where the whole turn is the first run's."""


class RunFinished(EventBase):
    """The run has ended, and stays so."""

    type: Literal["run_finished"] = "run_finished"
    status: RunStatus
    answer: str | None = None
    fault: Fault | None = None
    seconds: float = 0.0
    totals: RunTotals | None = None


RunEvent = Annotated[
    RunStarted
    | RunQueued
    | RunAdmitted
    | RunPaused
    | RunWaits
    | RunResumed
    | NodeStarted
    | WaitingForPerson
    | PersonAnswered
    | VoteCast
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
