"""Says before a run what it may take at the most: turns of each node, and model calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.checking.subflows import MOST_DEEP
from agent_lab.flows.choices import is_choice
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.rates import ONCE

FindFlow = Callable[[str], FlowConfig | None]
"""The flow that a node names, as `subflows.get` does."""


@dataclass(frozen=True, slots=True)
class NodeBounds:
    """What one node may take in a run: turns and model calls, those of the flows that it runs with them."""

    node: str
    turns: int
    calls: int
    own_turns: int
    """Of the node itself."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may take. `turns` counts those of subflows too, as `limits.max_steps` does."""

    turns: int
    calls: int
    nodes: tuple[NodeBounds, ...]

    def sentence(self) -> str:
        """For people: "At most 5 turns and 3 model calls."."""
        return f"At most {_counted(self.turns, 'turn')} and {_counted(self.calls, 'model call')}."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def bounds(
    flow: FlowConfig,
    kinds: Mapping[str, NodeKind],
    find: FindFlow = lambda _: None,
    *,
    max_steps: int | None = None,
    only: str | None = None,
) -> Bounds:
    """The bounds of a checked flow, never too low. Flows that cannot be found are not counted.

    `max_steps`: of the run, where it is tighter than the flow's. `only`: that node has one turn, and no other has any.
    """
    limit = min(flow.limits.max_steps, max_steps or flow.limits.max_steps)
    turns = most_turns(graph_of(flow), limit) if only is None else {only: 1}
    counting = _Counting(kinds, find, limit)
    nodes, all_turns = [], Counter[int]()
    for node in flow.nodes if only is None else (flow.node(only),):
        found = counting.of_node(node, turns[node.id], 0)
        own = turns[node.id]
        nodes.append(NodeBounds(node.id, min(found.total(), limit), dearest(found, limit), own))
        all_turns.update(found)
    return Bounds(min(all_turns.total(), limit), dearest(all_turns, limit), tuple(nodes))


def dearest(turns: Mapping[int, int], limit: int) -> int:
    """The most that so many turns add up to. `turns`: what one takes, and how many take that."""
    total = 0
    for each in sorted(turns, reverse=True):
        taken = min(turns[each], limit)
        total += taken * each
        limit -= taken
    return total


class _Counting:
    """Counts turns by the model calls that each of them makes, a flow within a flow included."""

    def __init__(self, kinds: Mapping[str, NodeKind], find: FindFlow, limit: int) -> None:
        self._kinds = kinds
        self._find = find
        self._limit = limit
        self._known: dict[tuple[str, int], Counter[int]] = {}

    def of_node(self, node: NodeConfig, turns: int, deep: int) -> Counter[int]:
        """Of all the turns of a node, `deep` flows below the one that is run."""
        kind = self._kinds[node.kind]
        settings = settings_of(node, kind)
        if settings is None:
            return Counter()
        found = Counter({kind.most_calls(settings) if kind.calls else 0: turns})
        for named in kind.flows(settings):
            times = turns * kind.most_flows(settings)
            for calls, inner in self._of_flow(named.name, deep + 1).items():
                found[calls] += min(inner * times, self._limit)
        return found

    def _of_flow(self, name: str, deep: int) -> Counter[int]:
        flow = self._find(name) if deep <= MOST_DEEP else None
        if (name, deep) not in self._known:
            found = self._known[name, deep] = Counter()
            turns = most_turns(graph_of(flow), self._limit) if flow else {}
            for node in flow.nodes if flow else ():
                found.update(self.of_node(node, turns[node.id], deep))
        return self._known[name, deep]


def most_turns(graph: FlowGraph, limit: int) -> dict[str, int]:
    """How often each node may have its turn, up to the limit, which is the answer where no bound is found."""
    turns: dict[str, int] = dict.fromkeys(graph.ids, limit)
    least = {ONCE: 1}
    for node in graph.order:
        rate = graph.rates.of[node]
        most = min(_arriving(graph, node, turns, least), least.get(rate, limit), limit)
        turns[node] = least[rate] = most
    return turns


def _arriving(graph: FlowGraph, node: str, turns: Mapping[str, int], least: Mapping[int, int]) -> int:
    joined = graph.joined(node)
    edges = [edge for edge in graph.leading_to(node) if is_choice(edge) or edge.source not in joined]
    back = sum(edge.max_rounds for edge in edges if edge.max_rounds is not None)
    forward = [edge for edge in edges if edge.max_rounds is None]
    waited = min(turns[source] for source in joined) if joined else 0
    started = 1 if node in graph.started else 0
    return started + back + waited + _forward(graph, forward, turns, least)


def _forward(graph: FlowGraph, edges: Sequence[EdgeConfig], turns: Mapping[str, int], least: Mapping[int, int]) -> int:
    rates = [graph.rates.edge(edge) for edge in edges]
    most = sum(_taken(edges, rates, turns, least))
    # Of branches that exclude one another one is taken in each turn of the node that chooses.
    branch = graph.rates.merged(rates) if len(rates) > 1 and graph.rates.apart(rates) else None
    return min(most, turns[branch.chooser]) if branch else most


def _taken(
    edges: Sequence[EdgeConfig], rates: Sequence[int], turns: Mapping[str, int], least: Mapping[int, int]
) -> Iterator[int]:
    for edge, rate in zip(edges, rates, strict=True):
        yield min(turns[edge.source], least.get(rate, turns[edge.source]))
