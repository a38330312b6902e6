"""Says whose turn is next: a pure state machine over the turns that have ended, without a clock or a task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent_lab.flows.graph import FlowGraph


@dataclass(frozen=True, slots=True)
class Turn:
    """A node's turn; `visit` counts its turns from 1."""

    node: str
    visit: int


class Walking:
    """One way through one graph.

    Nodes without an incoming edge start. When a turn has ended, each target that its chosen edges lead to has a turn;
    one that joins (`FlowGraph.joined`) has it once all the sources that it waits for have arrived since the last time.
    The turns of one node never overlap. Branches wait for each other at joins and nowhere else. The same ends in the
    same order lead to the same turns, which is what a replay relies on.
    """

    def __init__(self, graph: FlowGraph, only: str | None = None) -> None:
        """`only`: that node alone has a turn, whatever leads to it or away from it."""
        self._graph = graph
        self._only = only
        self._due: deque[str] = deque(graph.starts if only is None else [only])
        self._going: set[str] = set()
        self._visits: dict[str, int] = {}
        self._awaited: dict[str, frozenset[str]] = {}
        self._arrived: dict[str, set[str]] = {}

    def due(self) -> list[Turn]:
        """The turns that may begin now; from here on they are going on."""
        turns, held = [], []
        while self._due:
            node = self._due.popleft()
            if node in self._going:
                held.append(node)
                continue
            self._going.add(node)
            self._visits[node] = self._visits.get(node, 0) + 1
            turns.append(Turn(node, self._visits[node]))
        self._due.extend(held)
        return turns

    def end(self, node: str, targets: Iterable[str]) -> None:
        """The node's turn has ended, and leads to these."""
        self._going.discard(node)
        for target in targets if self._only is None else ():
            self._arrive(node, target)

    def _arrive(self, source: str, target: str) -> None:
        awaited = self._awaited.get(target)
        if awaited is None:
            awaited = self._awaited[target] = frozenset(self._graph.joined(target))
        if source in awaited:
            arrived = self._arrived.setdefault(target, set())
            arrived.add(source)
            if len(arrived) < len(awaited):
                return
            arrived.clear()
        self._due.append(target)

    @property
    def over(self) -> bool:
        """True where no turn is going on or due."""
        return not self._going and not self._due
