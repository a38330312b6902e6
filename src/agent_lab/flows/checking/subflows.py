"""Checks the flows that a flow runs: they exist, and the chain of them is neither a circle nor too deep."""

from __future__ import annotations

from collections.abc import Callable

from agent_lab.contracts.flow import FlowConfig
from agent_lab.flows.checking.examined import Examined, subflows_of

MOST_DEEP = 4
"""A flow in a flow in a flow in a flow, in the one that is run."""


def check_subflows(check: Examined) -> None:
    """Every flow that a node names, and those that these name."""
    find = check.flows
    if find is None:
        return
    chains = _Chains(check, find)
    for node, named in subflows_of(check.flow, check.kinds):
        if check.report.full:
            return
        path = check.place(node.id) + named.pointer
        if _is(named.name, check.flow.id):
            check.say(path, f"{named.name!r} is this flow itself, which would never end; name another one.")
        elif find(named.name) is None:
            text = f"There is no flow {named.name[:80]!r} that can be run"
            check.say(path, f"{text}; `agent-lab flows list` shows those that there are.")
        else:
            _chain(check, path, named.name, chains)


def _chain(check: Examined, path: str, name: str, chains: _Chains) -> None:
    depth = chains.depth(name, (check.flow.id,))
    if depth is None:
        text = f"The flow {name!r} comes back to a flow that it is part of, which would never end"
        check.say(path, f"{text}; name another one.")
    elif depth > MOST_DEEP:
        text = f"With {name!r} flows are inside flows more than {MOST_DEEP} deep"
        check.say(path, f"{text}; put what the inner ones do into one of them.")


class _Chains:
    """How deep the flows below a flow go."""

    def __init__(self, check: Examined, find: Callable[[str], FlowConfig | None]) -> None:
        self._check = check
        self._find = find
        self._known: dict[str, int | None] = {}

    def depth(self, name: str, above: tuple[str, ...]) -> int | None:
        """Flows one in the other from this one down, itself counted; None for a circle."""
        if any(_is(name, other) for other in above):
            return None
        if name in self._known or len(above) > MOST_DEEP + 1:
            return self._known.get(name, 1)
        flow = self._find(name)
        deepest = 0
        for _, named in subflows_of(flow, self._check.kinds) if flow else ():
            below = self.depth(named.name, (*above, name))
            if below is None:
                self._known[name] = None
                return None
            deepest = max(deepest, below)
        self._known[name] = deepest + 1
        return deepest + 1


def _is(name: str, other: str) -> bool:
    """True where both name the same flow, of whatever version."""
    return name.partition("@")[0] == other.partition("@")[0]
