"""Says how often nodes have their turn, one in relation to another, from the graph alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from agent_lab.contracts.flow import EdgeConfig
from agent_lab.flows.choices import condition, is_choice, options

ONCE = 1
PRIME = 2**127 - 1
MOST_NESTED = 64
"""Branches within branches deeper than this are taken to be unrelated."""
MOST_MERGED = 64
"""Of more branches than these that lead to one node none is taken to exclude another."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Part of what may follow a choice: the node that chooses, and which of its options."""

    chooser: str
    options: frozenset[int]


class Rates:
    """How often each node has its turn in a run, as a sum of unknowns: one for each condition, one for each loop.

    A node behind both sides of an `otherwise` has as many turns as the one that chose, and what follows a loop as many
    as what came before it: the unknowns cancel. Sums are kept as their value for random figures (Schwartz, 1980, Fast
    probabilistic algorithms for verification of polynomial identities), so that to compare two costs nothing however
    long they are. Where a join waits for nodes that have their turns differently often it may wait for ever: `starved`.
    """

    def __init__(
        self,
        order: Iterable[str],
        starts: frozenset[str],
        incoming: Mapping[str, Sequence[EdgeConfig]],
        outgoing: Mapping[str, Sequence[EdgeConfig]],
    ) -> None:
        self.of: dict[str, int] = {}
        """The rate of each node. Equal figures: as many turns in every run."""
        self.joins: dict[str, tuple[str, ...]] = {}
        """For each node that waits for several the ones that it waits for."""
        self.starved: dict[str, tuple[str, ...]] = {}
        """Of those the ones whose sources do not have their turns equally often."""
        self._chance = random.Random(0)
        self._starts = starts
        self._incoming = incoming
        self._edges = dict(self._bounded(outgoing))
        self._branches: dict[int, Branch | None] = {ONCE: None}
        self._certain: set[int] = {ONCE}
        for node in order:
            self.of[node] = rate = self._arriving(node)
            self._branches.setdefault(rate, None)
            self._leave(node, rate, outgoing[node])

    def certain(self, node: str) -> bool:
        """True where the node has a turn in every run that comes to its end."""
        return self.of[node] in self._certain

    def edge(self, edge: EdgeConfig) -> int:
        """The rate of an edge: how often it is taken."""
        return self._edges[id(edge)] if is_choice(edge) else self.of[edge.source]

    def apart(self, rates: Sequence[int]) -> bool:
        """True where no two of these are due to the same turn of whoever chose between them."""
        if len(rates) > MOST_MERGED or len(set(rates)) < len(rates):
            return False
        chains = [self._chain(rate) for rate in rates]
        return all(_apart(one, other) for one, other in combinations(chains, 2))

    def merged(self, rates: Sequence[int]) -> Branch | None:
        """The smallest part of a choice that all of these belong to."""
        first, *others = [self._chain(rate) for rate in rates]
        for chooser, chosen in first.items():
            if all(chooser in other for other in others):
                return Branch(chooser, chosen.union(*(other[chooser] for other in others)))
        return None

    def _bounded(self, outgoing: Mapping[str, Sequence[EdgeConfig]]) -> Iterator[tuple[int, int]]:
        for edges in outgoing.values():
            known: dict[object, int] = {}
            for edge in edges:
                if edge.max_rounds is not None:
                    yield id(edge), known.setdefault(condition(edge), self._unknown())

    def _unknown(self) -> int:
        return self._chance.getrandbits(126)

    def _arriving(self, node: str) -> int:
        edges = self._incoming[node]
        plain = tuple(dict.fromkeys(edge.source for edge in edges if not is_choice(edge)))
        chosen = [self._edges[id(edge)] for edge in edges if is_choice(edge) and edge.max_rounds is None]
        back = [self._edges[id(edge)] for edge in edges if edge.max_rounds is not None]
        waited = [self.of[source] for source in plain]
        if len(plain) > 1 and not self.apart(waited):
            self.joins[node] = plain
            if len(set(waited)) > 1:
                self.starved[node] = plain
                waited = [self._unknown()]
        if node in self._starts:
            chosen.append(ONCE)
        # Where one of equals is certain all are; of branches that exclude one another none is, but all together may.
        forward = self._sum([*chosen, *dict.fromkeys(waited)])
        total = (forward + sum(back)) % PRIME
        if forward in self._certain:
            self._certain.add(total)
        return total

    def _sum(self, parts: Sequence[int]) -> int:
        total = sum(parts) % PRIME
        if len(parts) > 1 and total not in self._branches and self.apart(parts):
            self._branches[total] = self.merged(parts)
        if any(part in self._certain for part in parts):
            self._certain.add(total)
        return total

    def _leave(self, node: str, rate: int, edges: Sequence[EdgeConfig]) -> None:
        found = options(edges)
        rest = rate
        self._edges.update((id(edge), rate) for edge in found.always)
        for number, group in enumerate(found.conditions):
            is_rest = found.opposite and number == 1
            taken = rest if is_rest else self._unknown()
            taken = self._choose(node, group, taken, number if found.exclusive else 0)
            rest = (rest - taken) % PRIME
        self._choose(node, found.otherwise, rest if found.exclusive else self._unknown(), len(found.conditions))

    def _choose(self, node: str, edges: Sequence[EdgeConfig], rate: int, number: int) -> int:
        own = rate
        for edge in edges:
            own = self._edges.setdefault(id(edge), rate)  # a bounded one has its own
            self._branches.setdefault(own, Branch(node, frozenset({number})))
        return own

    def _chain(self, rate: int) -> dict[str, frozenset[int]]:
        """The choices that this rate hangs on, the nearest first."""
        chain: dict[str, frozenset[int]] = {}
        branch = self._branches.get(rate)
        while branch is not None and len(chain) < MOST_NESTED and branch.chooser not in chain:
            chain[branch.chooser] = branch.options
            branch = self._branches.get(self.of[branch.chooser])
        return chain


def _apart(one: Mapping[str, frozenset[int]], other: Mapping[str, frozenset[int]]) -> bool:
    return next((one[chooser].isdisjoint(chosen) for chooser, chosen in other.items() if chooser in one), False)
