"""A run: what is asked for, the row that lists it, and what its events add up to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from agent_lab.contracts.flow import Name
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Contract, Message
from agent_lab.contracts.registry import Usd
from agent_lab.contracts.sentences import Told

RunStatus = Literal[
    "queued", "running", "waiting", "paused", "completed", "declined", "failed", "cancelled", "limit_exceeded"
]
"""`waiting`: nothing can go on until a person has answered. `paused`: somebody asked it to stop for a while."""
TERMINAL: frozenset[RunStatus] = frozenset({"completed", "declined", "failed", "cancelled", "limit_exceeded"})
MOST_MODELS = 20
"""So many names of models stand in a row of the list at the most."""


class RunLimits(Contract):
    """What a run may use, beside the limits of its flow: of the two the tighter one holds."""

    max_cost_usd: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    max_steps: int | None = Field(default=None, ge=1)


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
    limits: RunLimits = RunLimits()


class NodeOutput(Contract):
    """What a node leaves: a text, and the fields that its kind declares."""

    text: str
    fields: dict[str, JsonValue] = Field(default_factory=dict)


class Pin(NodeOutput):
    """What a node is taken to have said, in a run that does not run it."""

    text: str = Field(max_length=MAX_PROMPT_CHARS)
    fields: dict[str, JsonValue] = Field(default_factory=dict, max_length=1000)


class RunRequest(Contract):
    """A run to be: which flow, on what question, with which options."""

    flow: str = Field(min_length=1, max_length=80)
    """`id` for the published version, `id@3` for the third, `id@draft` for the newest."""
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    inputs: dict[Name, Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]] = Field(default_factory=dict)
    """Values for the flow's inputs other than `user_input`, which is the prompt."""
    options: RunOptions = RunOptions()
    only: Name | None = None
    """A trial: this node alone has one turn, and its text is the answer."""
    pins: dict[Name, Pin] = Field(default_factory=dict, max_length=1000)
    """Of a trial: what other nodes are taken to have said, and the node itself in a turn before. Where order counts
    they said it in the flow's order."""


class Fault(Contract):
    """Why a run ended without an answer: the error's slug, its sentence, and the node where one is to blame."""

    type: str
    message: str
    node: str | None = None
    said: Told | None = None
    """What the message says, for those who say it in another language; None of what is told in English alone."""


class RunInfo(Contract):
    """A row of the list of runs."""

    run_id: str
    flow_id: str
    flow_hash: str
    flow_version: int | None = None
    """The number of the stored version; None for a flow of the library or of a file."""
    status: RunStatus
    prompt: str
    request_id: str
    parent_run_id: str | None = None
    """The run that this one was forked from."""
    only_node: str | None = None
    """Of a trial: the node that alone was run; None for a run of the whole flow."""
    caller: str = ""
    """The name of the key that it was started with; empty: the owner's."""
    created_at: datetime
    finished_at: datetime | None = None
    calls: int | None = None
    """Model calls that were paid for; None until the end, as the two below."""
    cost_usd: Usd | None = None
    seconds: float | None = None
    models: tuple[str, ...] = Field(default=(), max_length=MOST_MODELS)
    """The models that have answered in it so far, in the order of their first answers (a fork took some over)."""


class ForkRequest(Contract):
    """A run once more with something changed. What the change does not touch is taken from the first run, unpaid."""

    from_node: str | None = None
    """From this node on everything is asked anew, also what is not changed."""
    nodes: dict[Name, dict[str, JsonValue]] = Field(default_factory=dict, max_length=1000)
    """Settings to change, by node; null takes one away."""
    prompt: str | None = Field(default=None, min_length=1, max_length=MAX_PROMPT_CHARS)
    inputs: dict[Name, Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]] = Field(default_factory=dict)
    options: RunOptions | None = None
    """In place of the first run's; None keeps those."""


class ForkPreview(Contract):
    """What a fork would take, before it is begun."""

    run_id: str
    nodes: tuple[str, ...]
    """The nodes that would be run again, in the flow's order."""
    calls: int
    """Model calls that would be made, where the run takes the same way as the first."""
    reused_calls: int
    cost_usd: Usd | None
    """What those calls cost in the first run; None where a price is not known, or another model would answer."""
    saved_usd: Usd | None


class RunTotals(Contract):
    """What a run took. `cost_usd` is None as soon as one price in it is not known."""

    reused_calls: int = 0
    """Answers taken from the run that this one was forked from; in none of the sums below."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Usd | None = None
    seconds: float = 0.0


class VoteView(Contract):
    """A vote of a node's newest turn."""

    voter: str
    choice: str
    weight: float = 1.0


class NodeView(Contract):
    """A node as the events have left it."""

    id: str
    kind: str
    label: str
    role: str
    status: Literal["waiting", "pinned", "running", "waiting_for_person", "completed", "failed", "skipped"] = "waiting"
    """`pinned`: it is not run, and its text and fields were given with the request."""
    visits: int = 0
    text: str = ""
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0
    reused_calls: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    cost_usd: Usd | None = None
    cache_hit: bool | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()
    question: str | None = None
    """What a person is asked, while nobody has answered."""
    choices: tuple[str, ...] = ()
    default: str | None = None
    """What an empty answer to the question means."""
    votes: tuple[VoteView, ...] = ()


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
    flow_version: int | None = None
    parent_run_id: str | None = None
    only_node: str | None = None
    """Of a trial: the node that alone is run."""
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
