"""What flows need of others: the table of node kinds, a node's turn, history, and where flows are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, JsonValue

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.run import NodeOutput, RunOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A finished run as history shows it."""

    run_id: str
    prompt: str
    answer: str


class HistoryReader(Protocol):
    """Finds finished runs whose question is like this one."""

    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]: ...


class Step(Protocol):
    """What a node may do in its turn. Whatever goes through here is recorded, and answered from the record later."""

    @property
    def flow(self) -> FlowConfig: ...

    @property
    def node(self) -> NodeConfig: ...

    @property
    def visit(self) -> int: ...

    @property
    def options(self) -> RunOptions: ...

    async def generate(self, request: GenerationRequest, *, sample: int = 0) -> GenerationResult:
        """Ask a model. Calls of one turn may go side by side; `limits.max_parallel` bounds those of the whole run."""
        ...

    async def ask(self, question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        """A person's answer, which may take days: the turn is left here and begun anew once it is there."""
        ...

    async def run_flow(
        self, name: str, prompt: str, *, inputs: Mapping[str, str] | None = None, branch: int | None = None
    ) -> NodeOutput:
        """Run another flow inside this turn: its answer, and the fields of the node that gave it.

        `branch` tells several of one turn apart.
        """
        ...

    def vote(self, voter: str, choice: str, *, weight: float = 1.0) -> None:
        """Say that a vote was counted."""
        ...

    async def pause(self, seconds: float) -> None: ...


class Verdict(NamedTuple):
    """A score between 0 and 1, and a reason for each part that is missing."""

    score: float
    reasons: Sequence[str]


class Scorer(Protocol):
    """Scores an answer without asking a model."""

    def __call__(self, text: str, *, question: str, cut: bool) -> tuple[float, Sequence[str]]:
        """A verdict on `text`. `cut`: it stopped at the token limit. Quick, for the run waits; never raises."""
        ...


NodeFunction = Callable[[Any, Any, Step], Awaitable[NodeOutput]]
"""`(state: AgentState, settings: the kind's own model, step) -> NodeOutput`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something that a node's settings refer to by name, and where they do (a JSON pointer into the settings)."""

    pointer: str
    name: str
    field: str | None = None
    """Of a node: the declared field that is read; None: its text."""
    sure: bool = True
    """False for a node that may not have run yet, with which the kind can do without."""
    inputs: tuple[str, ...] = ()
    """Of a flow: the inputs that it is given beside its question."""
    reads: tuple[str, ...] = ()
    """Of a flow: the fields that are read of the node which gives its answer."""


FieldType = Literal["text", "number", "boolean", "list", "object", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Something that is registered here and that a setting may name."""

    name: str
    about: str = ""
    takes: Mapping[str, JsonValue] = field(default_factory=dict)
    """A JSON Schema of what it is given, where it is given anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """A row of the table of node kinds.

    The functions take the kind's own settings, already validated, and never raise.
    """

    name: str
    summary: str
    settings: type[BaseModel]
    run: NodeFunction
    fields: Mapping[str, str] = field(default_factory=dict)
    """Declared fields of its output, which conditions and templates may name: name -> what it holds."""
    types: Mapping[str, FieldType] = field(default_factory=dict)
    """Of those fields, where it can be told."""
    templates: tuple[str, ...] = ()
    """Names of those settings that are templates, or mappings whose texts are."""
    offers: Mapping[str, Sequence[Offered]] = field(default_factory=dict)
    """For a setting that names something registered: all that there is. An editor shows it; `problems` checks it."""
    binds: tuple[str, ...] = ()
    """Names that its own templates may use besides those of the flow, such as `item`."""
    calls: bool = False
    """True where a turn of it asks a model."""
    steady: bool = True
    """False where the same question may be answered otherwise tomorrow, and no model call records it: a person, the
    machine's memory, a tool. A fork takes such a turn from the first run as long as nothing before it has changed."""
    declares: Callable[[Any], Mapping[str, str]] = lambda _: {}
    """Fields that depend on the settings (an output schema), beside `fields`."""
    declares_types: Callable[[Any], Mapping[str, FieldType]] = lambda _: {}
    """Of the fields that `declares` tells."""
    most_calls: Callable[[Any], int] = lambda _: 1
    """Model calls of one turn at the most, without those of the flows that it runs. Asked where `calls` is true."""
    nodes: Callable[[Any], Iterable[Named]] = lambda _: ()
    """Nodes that it reads by name; they must have run on every path to it."""
    previous: Callable[[Any], bool] = lambda _: False
    """True where it reads what led to it without naming it."""
    models: Callable[[Any], Iterable[Named]] = lambda _: ()
    """Models that it names beside its setting `model`."""
    flows: Callable[[Any], Iterable[Named]] = lambda _: ()
    """Flows that it runs."""
    most_flows: Callable[[Any], int] = lambda _: 1
    """How often a turn runs each of those flows at the most."""
    problems: Callable[[Any], Iterable[tuple[str, str]]] = lambda _: ()
    """What is wrong with settings whose shape is right: (JSON pointer into them, sentence)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFlow:
    """A flow of the store as it stands. Versions count from 1; what is deleted keeps its versions for its runs."""

    flow_id: str
    newest: int
    """The number of the newest version: the draft, where it is not the published one."""
    published: int | None
    revision: int
    """Counts every change of this row; an edit that names another one is refused."""
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version that is to be kept."""

    document: dict[str, JsonValue]
    flow_hash: str
    note: str = ""
    created_at: datetime | None = None
    """None: now."""
    autosaved: bool = False
    """Kept by an editor on its own, and only until its next save of this kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A saved version as lists show it, without its document."""

    flow_id: str
    number: int
    flow_hash: str
    note: str
    created_at: datetime
    autosaved: bool = False
    """The next autosave takes its place, unless it was published or a run names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersion(VersionRow):
    """One saved version of a flow. Its content never changes, and its number never stands for another one."""

    document: dict[str, JsonValue]


class FlowStore(Protocol):
    """Where flows are kept. Every edit names the revision that it was made on, or None to be the last word."""

    async def list(self) -> Sequence[StoredFlow]:
        """Those that are not deleted, by id."""
        ...

    async def get(self, flow_id: str) -> StoredFlow | None: ...

    async def version(self, flow_id: str, number: int) -> FlowVersion | None:
        """Also of a deleted flow."""
        ...

    async def versions(self, flow_id: str, *, limit: int, before: int | None = None) -> Sequence[VersionRow]:
        """Newest first, those below `before`. Also of a deleted flow."""
        ...

    async def add(self, flow_id: str, versions: Sequence[NewVersion], *, published: int | None = None) -> StoredFlow:
        """Add a flow with its versions, oldest first, in one transaction; `published` is a place among them, from 1.

        Where a flow of that id was deleted its numbers go on. Raises ConflictError for a flow that exists.
        """
        ...

    async def save(self, flow_id: str, version: NewVersion, *, expected: int | None = None) -> StoredFlow:
        """Add a version to a flow, unless the newest one has that hash. Raises NotFoundError, StaleError.

        An autosaved newest version makes room where it was never published, no run names it, and the new one is
        autosaved too or has its content. Its number is not used again.
        """
        ...

    async def publish(self, flow_id: str, number: int | None, *, expected: int | None = None) -> StoredFlow:
        """Make a version the published one, which keeps it for good; None withdraws it.

        Raises NotFoundError, StaleError.
        """
        ...

    async def delete(self, flow_id: str, *, expected: int | None = None) -> None:
        """Raises NotFoundError, StaleError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRef:
    """A flow as a run takes it: the document, its content hash, and the number where it is a stored version."""

    flow: FlowConfig
    flow_hash: str
    version: int | None = None


class FlowSource(Protocol):
    """Finds the flow that a name stands for: `id`, `id@3`, `id@draft`."""

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """Raises NotFoundError with the nearest names, ValidationError where the flow cannot be run.

        `only`: where that node alone is to be run, the problems of other nodes and of edges do not matter.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool that the administrator registered. `parameters`: a JSON Schema of what it takes."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    call: Callable[[dict[str, JsonValue]], Awaitable[str]]
    """Raises AgentLabError, whose sentence the run shows."""
