"""Runs a run once more with something changed: what the change does not touch is taken from the first run's record."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from agent_lab.contracts.errors import ConflictError, ValidationError, in_flow, unknown_name
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent, RunStarted
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.run import TERMINAL, ForkPreview, ForkRequest, RunInfo, RunOptions, RunRequest
from agent_lab.contracts.sentences import said
from agent_lab.flows.catalog import errors_in, in_the_way
from agent_lab.flows.checks import Checker
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.state import AgentState
from agent_lab.flows.templates import mentioned
from agent_lab.nodes.generate import model_for
from agent_lab.runs.record import CallKey, Record, beginning, outermost
from agent_lab.runs.reducer import add_cost
from agent_lab.runs.trial import asked_nodes, pinned


@dataclass(frozen=True, slots=True)
class Forked:
    """What a fork is to run."""

    flow: FlowConfig
    request: RunRequest
    changed_nodes: frozenset[str]


def forked(first: RunStarted, fork: ForkRequest, check: Checker) -> Forked:
    """The first run's flow and request with the changes made.

    Raises NotFoundError for a node that is not there, ValidationError for a flow that cannot be run that way.
    """
    ids = [node.id for node in first.flow.nodes]
    for name in (*fork.nodes, *filter(None, [fork.from_node])):
        if name not in ids:
            raise unknown_name("node", name, ids, place=in_flow(first.flow.id), where="nodes")
    flow = _changed_flow(first.flow, fork.nodes, check, first.request.only)
    request = first.request.model_copy(
        update={
            "prompt": fork.prompt if fork.prompt is not None else first.request.prompt,
            "inputs": {**first.request.inputs, **fork.inputs},
            "options": fork.options or first.request.options,
        }
    )
    changed = {new.id for new, old in zip(flow.nodes, first.flow.nodes, strict=True) if new != old}
    return Forked(flow, request, frozenset(changed))


def _changed_flow(
    flow: FlowConfig, changes: Mapping[str, Mapping[str, JsonValue]], check: Checker, only: str | None
) -> FlowConfig:
    if not any(changes.values()):
        return flow
    if any({"id", "kind"} & set(change) for change in changes.values()):
        raise ValidationError(
            said("fork_changes_words", "A fork changes what a node says, not its id or kind; change the flow for that.")
        )
    document = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for node in document["nodes"]:
        node.update(changes.get(node["id"], {}))
        for name in [name for name, value in node.items() if value is None]:
            del node[name]
    changed, problems = check(document)
    wrong = in_the_way(problems, changed, only) if changed and only else errors_in(problems)
    if changed is None or wrong:
        lines = [said("at_place", "{place}: {problem}", place=one.path, problem=one.message) for one in wrong]
        form = "The run cannot be forked that way: {lines:beside}"
        raise ValidationError(said("no_such_fork", form, lines=lines), where="nodes")
    return changed


def check_forkable(info: RunInfo) -> None:
    """Raises ConflictError for a run that has not ended."""
    if info.status not in TERMINAL:
        raise ConflictError(
            said(
                "run_not_ended",
                "Run {run} has not ended ({status}); wait for its end, or cancel it first.",
                run=info.run_id,
                status=info.status,
            )
        )


class FirstRun:
    """The record of the run that another one was forked from, and what of it still holds there."""

    def __init__(self, first: RunStarted, record: Record, second: RunStarted) -> None:
        self._record = record
        graph = graph_of(second.flow)
        start = [second.from_node] if second.from_node else []
        self._anew = reachable(graph, start)
        self._same_question = (first.request.prompt, first.request.inputs, first.request.options.history) == (
            second.request.prompt,
            second.request.inputs,
            second.request.options.history,
        )
        self._nodes = {node.id: node for node in first.flow.nodes}
        self._graph = graph
        self._pins = pinned(first.request, graph)

    def call(self, key: CallKey) -> GenerationResult | None:
        """The answer to that very call, where it is not to be asked anew."""
        if outermost(key[0]) in self._anew:
            return None
        known = self._record.calls.get(key)
        return known.result if known else None

    def turn(self, node: NodeConfig, path: str, visit: int, state: AgentState) -> NodeFinished | None:
        """The turn of a node that may say something else each time: taken over where all that it saw is the same."""
        found = self._record.turns.get((path, visit))
        if found is None or path != node.id or not self._same_question or self._nodes.get(node.id) != node:
            return None
        if node.id in self._anew or not self._saw_the_same(node.id, found, state):
            return None
        return found

    def _saw_the_same(self, node: str, found: NodeFinished, state: AgentState) -> bool:
        before = reachable(self._graph, [node], backwards=True)
        ended = self._record.ends.get("", [])
        theirs = {name: output for name, output in self._pins.items() if name in before}
        theirs |= {end.node: end.output for end in ended if end.seq < found.seq and end.node in before}
        ours = {name: output for name, output in state["outputs"].items() if name in before}
        return theirs == ours


def reachable(graph: FlowGraph, starts: Iterable[str], *, backwards: bool = False) -> frozenset[str]:
    """The nodes that some path leads to from these, or from which one leads to them; these too (forwards only)."""
    seen: set[str] = set() if backwards else set(starts)
    queue = deque(starts)
    while queue:
        node = queue.popleft()
        near = graph.incoming(node) if backwards else (edge.target for edge in graph.outgoing(node))
        for other in near:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return frozenset(seen)


def preview(events: Sequence[RunEvent], fork: ForkRequest, what: Forked, kinds: Mapping[str, NodeKind]) -> ForkPreview:
    """What the fork would take if it goes the way of the first run, whose figures are known."""
    first = beginning(events)
    asked = asked_nodes(what.flow, what.request)
    touched = [node.id for node in asked if _touched(node, first, fork, what, kinds)]
    anew = reachable(graph_of(what.flow), [*touched, *filter(None, [fork.from_node])]) & {node.id for node in asked}
    elsewhere = _with_another_model(first, what)
    made, spared = _Sum(), _Sum()
    for event in events:
        if isinstance(event, GenerationFinished):
            node, cost = outermost(event.node), event.result.usage.cost_usd
            if node in anew:
                made.add(None if node in elsewhere else cost)
            else:
                spared.add(cost)
    return ForkPreview(
        run_id=first.run_id,
        nodes=tuple(node.id for node in what.flow.nodes if node.id in anew),
        calls=made.calls,
        reused_calls=spared.calls,
        cost_usd=made.usd,
        saved_usd=spared.usd,
    )


@dataclass(slots=True)
class _Sum:
    """Calls and what they cost; None as soon as one price is not known."""

    calls: int = 0
    usd: Decimal | None = Decimal(0)

    def add(self, cost: Decimal | None) -> None:
        self.calls += 1
        self.usd = add_cost(self.usd, cost)


def _touched(
    node: NodeConfig, first: RunStarted, fork: ForkRequest, what: Forked, kinds: Mapping[str, NodeKind]
) -> bool:
    """Whether the change itself reaches a node; what follows from it is found along the edges."""
    kind = kinds.get(node.kind)
    if node.id in what.changed_nodes or kind is None:
        return True
    if what.request.prompt != first.request.prompt:
        return True
    names = mentioned(node.settings.get(name) for name in kind.templates)
    if any(name in names and value != first.request.inputs.get(name) for name, value in fork.inputs.items()):
        return True
    return kind.calls and _asks_otherwise(node, first, what)


def _asks_otherwise(node: NodeConfig, first: RunStarted, what: Forked) -> bool:
    old, new = first.request.options, what.request.options
    if _model(node, old) != _model(node, new):
        return True
    # The models are compared above, and limits change no question.
    alike: dict[str, object] = {"model": None, "models": {}, "limits": new.limits}
    return old.model_copy(update=alike) != new.model_copy(update=alike)


def _with_another_model(first: RunStarted, what: Forked) -> frozenset[str]:
    """Nodes whose price is not the first run's, because another model would answer."""
    pairs = zip(first.flow.nodes, what.flow.nodes, strict=True)
    return frozenset(
        new.id for old, new in pairs if _model(old, first.request.options) != _model(new, what.request.options)
    )


def _model(node: NodeConfig, options: RunOptions) -> str | None:
    own = node.settings.get("model")
    return model_for(node, own if isinstance(own, str) else None, options)
