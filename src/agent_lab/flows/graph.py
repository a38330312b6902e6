"""The shape of a flow: who leads where, who waits for whom, and what has certainly run before a node."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from weakref import WeakValueDictionary

from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.flows.choices import is_choice as is_choice
from agent_lab.flows.rates import Rates

MOST_PASSES = 32
"""Of the search for what is certain; documents that need more are claimed less of."""


class FlowGraph:
    """A flow's nodes and edges with the questions that checks, walk and state ask of them.

    Edges that name a node which does not exist are left out: the checks report them.
    """

    def __init__(self, flow: FlowConfig) -> None:
        self.flow = flow
        self._nodes = {node.id: node for node in reversed(flow.nodes)}
        self.ids = tuple(dict.fromkeys(node.id for node in flow.nodes))
        self._out: dict[str, list[EdgeConfig]] = {node: [] for node in self.ids}
        self._in: dict[str, list[EdgeConfig]] = {node: [] for node in self.ids}
        for edge in flow.edges:
            if edge.source in self._out and edge.target in self._in:
                self._out[edge.source].append(edge)
                self._in[edge.target].append(edge)

    def node(self, node: str) -> NodeConfig:
        """The node of that id. Raises KeyError."""
        return self._nodes[node]

    def __contains__(self, node: str) -> bool:
        return node in self._nodes

    def outgoing(self, node: str) -> tuple[EdgeConfig, ...]:
        """The edges that leave a node, in the document's order."""
        return tuple(self._out[node])

    def leading_to(self, node: str) -> tuple[EdgeConfig, ...]:
        """The edges that end in a node, in the document's order."""
        return tuple(self._in[node])

    def incoming(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge to this one."""
        return tuple(dict.fromkeys(edge.source for edge in self._in[node]))

    def chooses(self, node: str) -> bool:
        """True where a node's next steps depend on a condition or a bound."""
        return any(is_choice(edge) for edge in self._out[node])

    def joined(self, node: str) -> tuple[str, ...]:
        """The nodes that this one waits for together: the sources of its edges without a condition, where there are two
        or more. Branches that exclude one another (`otherwise`) are not waited for: each gives the node its turn."""
        if not self.unbounded_cycle:
            return self.rates.joins.get(node, ())
        always = tuple(dict.fromkeys(edge.source for edge in self._in[node] if not is_choice(edge)))
        return always if len(always) > 1 else ()

    @cached_property
    def rates(self) -> Rates:
        """How often nodes have their turn; of a flow without an unbounded cycle."""
        return Rates(self.order, self.started, self._in, self._out)

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
    def loops(self) -> dict[str, int]:
        """Nodes on a common cycle, of whatever edges, have the same figure (Kosaraju's two walks; no recursion)."""
        found: dict[str, int] = {}
        for root in reversed(self._left()):
            waiting, number = [root], len(found)
            while waiting:
                node = waiting.pop()
                if node not in found:
                    found[node] = number
                    waiting.extend(edge.source for edge in self._in[node])
        return found

    def _left(self) -> list[str]:
        """The nodes in the order in which a walk into the depth leaves them."""
        left: list[str] = []
        seen: set[str] = set()
        for root in self.ids:
            stack = [] if root in seen else [(root, iter(self._out[root]))]
            seen.add(root)
            while stack:
                node, edges = stack[-1]
                target = next((edge.target for edge in edges if edge.target not in seen), None)
                if target is None:
                    left.append(node)
                    stack.pop()
                else:
                    seen.add(target)
                    stack.append((target, iter(self._out[target])))
        return left

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
    def order(self) -> tuple[str, ...]:
        """The nodes, each behind those that lead to it; edges back do not count. Empty where a cycle is unbounded."""
        order: list[str] = []
        while not self.unbounded_cycle and self._sorter.is_active():
            ready = self._sorter.get_ready()
            order.extend(ready)
            self._sorter.done(*ready)
        return tuple(order)

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
        for _ in range(MOST_PASSES):  # in this order the second pass changes only what edges back lead to
            if not self._settle(certain, frozenset()):
                return certain
        back = frozenset(edge.target for edge in self.flow.edges if edge.max_rounds is not None)
        self._settle(certain, back)
        return certain

    def _settle(self, certain: dict[str, int], unclaimed: frozenset[str]) -> bool:
        changed = False
        for node in self.order:
            before = 0 if node in unclaimed else self._before(node, certain)
            changed = changed or before != certain[node]
            certain[node] = before
        return changed

    def _before(self, node: str, certain: dict[str, int]) -> int:
        if node in self.started:
            return 0
        joined = self.joined(node)
        ways = {edge.source for edge in self._in[node] if edge.source not in joined or is_choice(edge)}
        result = -1
        for source in ways:
            result &= self._after(source, certain)
        together = 0
        for source in joined:
            together |= self._after(source, certain)
        return result & together if joined else result

    @cached_property
    def started(self) -> frozenset[str]:
        """`starts`, to look up in."""
        return frozenset(self.starts)

    def _after(self, node: str, certain: dict[str, int]) -> int:
        return certain[node] | (1 << self._index[node])

    def certain_before(self, node: str) -> int:
        """The same as a set of bits, by place among `ids`: for those who ask of every node."""
        return self._certain[node]

    def certainly_before(self, node: str) -> Iterator[str]:
        """Nodes that have run on every path by the time this one runs."""
        bits = self._certain[node]
        return (other for other, index in self._index.items() if bits >> index & 1)

    def surely_before(self, node: str, others: Iterable[str]) -> bool:
        """True where all the others have run whenever this node runs."""
        bits = self._certain[node]
        return all(other in self._index and bits >> self._index[other] & 1 for other in others)


_IN_USE: WeakValueDictionary[int, FlowGraph] = WeakValueDictionary()
_LATEST: deque[FlowGraph] = deque(maxlen=8)
"""Kept while nobody has them in hand: whoever checks a flow asks for its graph again and again."""


def graph_of(flow: FlowConfig) -> FlowGraph:
    """The graph of a flow, made once for as long as it is in use."""
    found = _IN_USE.get(id(flow))
    if found is None or found.flow is not flow:
        found = _IN_USE[id(flow)] = FlowGraph(flow)
        _LATEST.append(found)
    return found
