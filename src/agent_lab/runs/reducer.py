"""Folds a run's events into what there is to see of it: the one reducer, of which the web app has a twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from pydantic import JsonValue

from agent_lab.contracts.events import (
    GenerationFinished,
    GenerationRestarted,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RouteTaken,
    RunAdmitted,
    RunEvent,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
    RunWaits,
    Token,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.flow import in_language
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.run import EdgeView, Fault, NodeOutput, NodeView, RunStatus, RunTotals, RunView, VoteView

_NodeEvent = (
    NodeStarted
    | WaitingForPerson
    | PersonAnswered
    | VoteCast
    | GenerationStarted
    | GenerationRestarted
    | GenerationFinished
    | RouteTaken
    | NodeFinished
)
_STATUS: Mapping[str, RunStatus] = {
    "run_queued": "queued",
    "run_admitted": "running",
    "run_paused": "paused",
    "run_waits": "waiting",
    "run_resumed": "running",
}


def add_cost(total: Decimal | None, cost: Decimal | None) -> Decimal | None:
    """A sum that is unknown as soon as one part of it is."""
    return None if total is None or cost is None else total + cost


def stands_within(blamed: str | None, node: str) -> bool:
    """Whether a fault is the node's own or that of one within it (`each[2]/creator` within `each`), or nobody's."""
    return blamed is None or (blamed.startswith(node) and blamed[len(node) : len(node) + 1] in {"", "/", "[", "~"})


@dataclass(slots=True)
class _Node:
    """A node while events come in."""

    id: str
    kind: str
    label: str
    role: str
    status: Any = "waiting"
    visits: int = 0
    text: str = ""
    fields: dict[str, JsonValue] = field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0
    reused_calls: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    cache_hit: bool | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()
    question: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    votes: tuple[VoteView, ...] = ()

    def pin(self, output: NodeOutput) -> None:
        self.status, self.text, self.fields = "pinned", output.text, dict(output.fields)

    def ask_nothing(self) -> None:
        self.question, self.choices, self.default = None, (), None

    def reuse(self, result: GenerationResult) -> None:
        self.reused_calls += 1
        self.model, self.text = result.model_key, result.text

    def add(self, result: GenerationResult) -> None:
        self.calls += 1
        self.prompt_tokens += result.usage.prompt_tokens
        self.tokens += result.usage.completion_tokens
        self.cost_usd = add_cost(self.cost_usd, result.usage.cost_usd)
        self.cache_hit, self.model, self.text = result.cache_hit, result.model_key, result.text
        for sentence in result.notes:
            self.note(sentence)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes = (*self.notes, sentence)

    def view(self) -> NodeView:
        # A node that asked no model has no cost, rather than a cost of nothing.
        cost = self.cost_usd if self.calls else None
        values = {name: getattr(self, name) for name in self.__slots__ if name != "cost_usd"}
        return NodeView(**values, cost_usd=cost)


@dataclass(slots=True)
class RunFold:
    """A run so far. Feed it events in their order; ask it for a view at any time."""

    run_id: str = ""
    request_id: str = ""
    flow_id: str = ""
    flow_hash: str = ""
    flow_version: int | None = None
    parent_run_id: str | None = None
    only_node: str | None = None
    prompt: str = ""
    status: RunStatus = "queued"
    answer: str | None = None
    draft: str | None = None
    fault: Fault | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float = 0.0
    last_seq: int = 0
    _nodes: dict[str, _Node] = field(default_factory=dict)
    _edges: dict[tuple[str, str], int] = field(default_factory=dict)
    _draft_node: str | None = None

    def apply(self, event: RunEvent) -> None:
        """Take in one event. Events after the end change nothing: a terminal state stays."""
        if isinstance(event, Token) or self.finished_at is not None:
            return
        self.last_seq = max(self.last_seq, event.seq)
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, RunFinished):
            self._finish(event)
        elif isinstance(event, RunQueued | RunAdmitted | RunPaused | RunWaits | RunResumed):
            self.status = _STATUS[event.type]
        else:
            self._node_event(event)

    def _start(self, event: RunStarted) -> None:
        flow, language = event.flow, event.request.options.language
        self.run_id, self.request_id = event.run_id, event.request_id
        self.flow_id, self.flow_hash, self.prompt = flow.id, event.flow_hash, event.request.prompt
        self.flow_version, self.parent_run_id = event.flow_version, event.parent_run_id
        self.status, self.created_at, self._draft_node = "running", event.at, flow.draft
        self._nodes = {n.id: _Node(n.id, n.kind, in_language(n.label, language) or n.id, n.part) for n in flow.nodes}
        self._edges = {(edge.source, edge.target): 0 for edge in flow.edges}
        self.only_node = event.request.only
        for name, pin in event.request.pins.items():
            if name in self._nodes:
                self._nodes[name].pin(pin)

    def _node_event(self, event: _NodeEvent) -> None:
        if isinstance(event, NodeStarted):
            self._start_node(event)
        elif isinstance(event, GenerationFinished):
            node = self._nodes[event.node]
            (node.reuse if event.reused else node.add)(event.result)
        elif isinstance(event, GenerationRestarted):
            self._nodes[event.node].note(f"An answer broke off and was asked for again: {event.reason}")
        elif isinstance(event, NodeFinished):
            self._finish_node(event)
        elif isinstance(event, WaitingForPerson | PersonAnswered | VoteCast):
            self._people_event(event)
        elif not isinstance(event, GenerationStarted | RouteTaken):
            assert_never(event)

    def _start_node(self, event: NodeStarted) -> None:
        # A node of a flow inside this one is not in the document; its first turn makes it known.
        node = self._nodes.setdefault(event.node, _Node(event.node, event.kind, event.label, event.role))
        node.status, node.visits, node.votes = "running", event.visit, ()

    def _people_event(self, event: WaitingForPerson | PersonAnswered | VoteCast) -> None:
        node = self._nodes[event.node]
        if isinstance(event, WaitingForPerson):
            node.status, node.question = "waiting_for_person", event.question
            node.choices, node.default = event.choices, event.default
        elif isinstance(event, PersonAnswered):
            node.status = "running"
            node.ask_nothing()
        else:
            node.votes = (*node.votes, VoteView(voter=event.voter, choice=event.choice, weight=event.weight))

    def _finish_node(self, event: NodeFinished) -> None:
        node = self._nodes[event.node]
        node.status, node.visits, node.text = "completed", event.visit, event.output.text
        node.fields, node.seconds = dict(event.output.fields), node.seconds + event.seconds
        for target in event.next:
            self._edges[event.node, target] = self._edges.get((event.node, target), 0) + 1
        if event.node == self._draft_node and self.draft is None:
            self.draft = event.output.text

    def _finish(self, event: RunFinished) -> None:
        self.status, self.answer, self.fault = event.status, event.answer, event.fault
        self.finished_at, self.seconds = event.at, event.seconds
        for node in self._nodes.values():
            node.ask_nothing()
            if node.status in {"running", "waiting_for_person"}:
                to_blame = event.fault is not None and stands_within(event.fault.node, node.id)
                node.status = "failed" if to_blame else "skipped"
            elif node.status == "waiting":
                node.status = "skipped"

    def totals(self) -> RunTotals:
        """Sums over all generations."""
        cost: Decimal | None = Decimal(0)
        for node in self._nodes.values():
            cost = add_cost(cost, node.cost_usd)
        nodes = self._nodes.values()
        return RunTotals(
            calls=sum(node.calls for node in nodes),
            reused_calls=sum(node.reused_calls for node in nodes),
            prompt_tokens=sum(node.prompt_tokens for node in nodes),
            completion_tokens=sum(node.tokens for node in nodes),
            cost_usd=cost,
            seconds=self.seconds,
        )

    def view(self) -> RunView:
        """The run as it stands."""
        return RunView(
            run_id=self.run_id,
            request_id=self.request_id,
            flow_id=self.flow_id,
            flow_hash=self.flow_hash,
            flow_version=self.flow_version,
            parent_run_id=self.parent_run_id,
            only_node=self.only_node,
            prompt=self.prompt,
            status=self.status,
            nodes=tuple(node.view() for node in self._nodes.values()),
            edges=tuple(EdgeView(source=s, target=t, taken=n) for (s, t), n in self._edges.items()),
            answer=self.answer,
            draft=self.draft,
            fault=self.fault,
            totals=self.totals(),
            created_at=self.created_at,
            finished_at=self.finished_at,
            last_seq=self.last_seq,
        )


def fold(events: Iterable[RunEvent]) -> RunView:
    """The view that these events add up to."""
    run = RunFold()
    for event in events:
        run.apply(event)
    return run.view()
