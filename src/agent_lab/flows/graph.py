"""The shape of a flow: who leads where, who waits for whom, and what has certainly run before a node."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from agent_lab.contracts.flow import EdgeConfig, FlowConfig


class FlowGraph:
    """A flow's nodes and edges with the questions that checks, compiler and state ask of them.

    Edges that name a node which does not exist are left out: the checks report them.
    """

    def __init__(self, flow: FlowConfig) -> None:
        self.flow = flow
        self.ids = tuple(dict.fromkeys(node.id for node in flow.nodes))
        self._out: dict[str, list[EdgeConfig]] = {node: [] for node in self.ids}
        self._in: dict[str, list[EdgeConfig]] = {node: [] for node in self.ids}
        for edge in flow.edges:
            if edge.source in self._out and edge.target in self._in:
                self._out[edge.source].append(edge)
                self._in[edge.target].append(edge)

    def outgoing(self, node: str) -> tuple[EdgeConfig, ...]:
        """The edges that leave a node, in the document's order."""
        return tuple(self._out[node])

    def incoming(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge to this one."""
        return tuple(dict.fromkeys(edge.source for edge in self._in[node]))

    def chooses(self, node: str) -> bool:
        """True where a node's next steps depend on a condition or a bound."""
        return node in self._choosing

    @cached_property
    def _choosing(self) -> frozenset[str]:
        return frozenset(node for node, edges in self._out.items() if any(is_choice(edge) for edge in edges))

    def joined(self, node: str) -> tuple[str, ...]:
        """The nodes that this one waits for together: its unconditional sources, where there are two or more."""
        always = tuple(dict.fromkeys(e.source for e in self._in[node] if not self.chooses(e.source)))
        return always if len(always) > 1 else ()

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """Nodes without an incoming edge. Edges back do not count: a loop may lead to the start."""
        return tuple(n for n in self.ids if all(edge.max_rounds is not None for edge in self._in[n]))

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """Nodes without an outgoing edge (the seeds' terminal nodes)."""
        return tuple(node for node in self.ids if not self._out[node])

    @cached_property
    def reachable(self) -> frozenset[str]:
        """Nodes that some path from a start leads to."""
        seen, queue = set(self.starts), deque(self.starts)
        while queue:
            for edge in self._out[queue.popleft()]:
                if edge.target not in seen:
                    seen.add(edge.target)
                    queue.append(edge.target)
        return frozenset(seen)

    @cached_property
    def _sorter(self) -> TopologicalSorter[str]:
        return TopologicalSorter({n: [e.source for e in self._in[n] if e.max_rounds is None] for n in self.ids})

    @cached_property
    def unbounded_cycle(self) -> tuple[str, ...]:
        """A cycle of edges without `max_rounds`; empty where every loop is bounded."""
        try:
            self._sorter.prepare()
        except CycleError as error:
            return tuple(dict.fromkeys(error.args[1]))
        return ()

    @cached_property
    def unconditional(self) -> frozenset[str]:
        """Nodes that run in every run: no condition stands between the starts and them."""
        if self.unbounded_cycle:  # that is told first
            return frozenset(self.ids)
        found: set[str] = set()
        for node in self._order:
            sources = [edge.source for edge in self._in[node] if edge.max_rounds is None]
            if all(source in found and source not in self._choosing for source in sources):
                found.add(node)
        return frozenset(found)

    @cached_property
    def _order(self) -> list[str]:
        """The nodes, each behind those that lead to it; edges back do not count."""
        order: list[str] = []
        while self._sorter.is_active():
            ready = self._sorter.get_ready()
            order.extend(ready)
            self._sorter.done(*ready)
        return order

    @cached_property
    def _index(self) -> dict[str, int]:
        return {node: position for position, node in enumerate(self.ids)}

    @cached_property
    def _certain(self) -> dict[str, int]:
        """For each node a bit set of the nodes that have run whenever it runs.

        The dominator fixpoint (Allen and Cocke), but a join takes the union over those that it waits for. Integers
        serve as sets: 10,000 nodes stay within a dozen MB.
        """
        everything = (1 << len(self.ids)) - 1
        certain = dict.fromkeys(self.ids, everything)
        if self.unbounded_cycle:  # that is told first, and until it is mended nothing else is claimed
            return certain
        order, changed = self._order, True
        while changed:  # in this order the second pass changes only what edges back lead to
            changed = False
            for node in order:
                before = self._before(node, certain)
                changed = changed or before != certain[node]
                certain[node] = before
        return certain

    def _before(self, node: str, certain: dict[str, int]) -> int:
        joined = self.joined(node)
        ways = [self._after(source, certain) for source in self.incoming(node) if source not in joined]
        if joined:
            together = 0
            for source in joined:
                together |= self._after(source, certain)
            ways.append(together)
        if node in self.starts or not ways:
            return 0
        result = ways[0]
        for way in ways[1:]:
            result &= way
        return result

    def _after(self, node: str, certain: dict[str, int]) -> int:
        return certain[node] | (1 << self._index[node])

    def certainly_before(self, node: str) -> Iterator[str]:
        """Nodes that have run on every path by the time this one runs."""
        bits = self._certain[node]
        return (other for other, index in self._index.items() if bits >> index & 1)

    def surely_before(self, node: str, others: Iterable[str]) -> bool:
        """True where all the others have run whenever this node runs."""
        bits = self._certain[node]
        return all(other in self._index and bits >> self._index[other] & 1 for other in others)


def is_choice(edge: EdgeConfig) -> bool:
    """True where the edge is taken or not by what happened in the run."""
    return edge.when is not None or edge.otherwise or edge.max_rounds is not None


_LATEST: dict[int, FlowGraph] = {}
_MOST = 256


def graph_of(flow: FlowConfig) -> FlowGraph:
    """The graph of a flow, made once for as long as the flow is in use."""
    found = _LATEST.get(id(flow))
    if found is None or found.flow is not flow:
        while len(_LATEST) >= _MOST:
            _LATEST.pop(next(iter(_LATEST)))
        found = _LATEST[id(flow)] = FlowGraph(flow)
    return found
