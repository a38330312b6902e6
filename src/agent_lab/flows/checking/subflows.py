"""Checks the flows that a flow runs: they exist, take what they are given, and are neither a circle nor too deep."""

from __future__ import annotations

from collections.abc import Callable

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import Named
from agent_lab.contracts.sentences import said
from agent_lab.flows.checking.examined import Examined, settings_of, subflows_of
from agent_lab.flows.graph import FlowGraph

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
            form = "{flow!r} is this flow itself, which would never end; name another one."
            check.say(path, said("flow_itself", form, flow=named.name))
        elif named.name in check.unusable:
            form = "The flow {flow!r} has problems and cannot be run; `agent-lab flows check {flow}` tells them."
            check.say(path, said("flow_has_problems", form, flow=named.name[:80]))
        elif (flow := find(named.name)) is None:
            form = "There is no flow {flow!r} that can be run; `agent-lab flows list` shows those that there are."
            check.say(path, said("no_flow_to_run", form, flow=named.name[:80]))
        else:
            _chain(check, path, named.name, chains)
            _inputs(check, path, flow, named)
            _fields(check, path, flow, named)


def _chain(check: Examined, path: str, name: str, chains: _Chains) -> None:
    depth = chains.depth(name, (check.flow.id,))
    if depth is None:
        form = "The flow {flow!r} comes back to a flow that it is part of, which would never end; name another one."
        check.say(path, said("flow_in_circle", form, flow=name))
    elif depth > MOST_DEEP:
        form = (
            "With {flow!r} flows are inside flows more than {most} deep; put what the inner ones do into one of them."
        )
        check.say(path, said("flows_too_deep", form, flow=name, most=MOST_DEEP))


def _inputs(check: Examined, path: str, flow: FlowConfig, named: Named) -> None:
    others = {name: given for name, given in flow.inputs.items() if name != "user_input"}
    for name in named.inputs:
        if name not in others:
            hint = check.report.nearest(name, others)
            form = "The flow {flow!r} has no input {input!r}; {hint}"
            check.say(path, said("flow_has_no_input", form, flow=named.name, input=name, hint=hint))
    for name, given in others.items():
        if given.default is None and name not in named.inputs:
            form = (
                "The flow {flow!r} needs a value for its input {input!r}, and this node gives none; give it one, or "
                "the input a default."
            )
            check.say(path, said("flow_needs_input", form, flow=named.name, input=name))


def _fields(check: Examined, path: str, flow: FlowConfig, named: Named) -> None:
    ends = [flow.answer] if flow.answer else FlowGraph(flow).ends if named.reads else ()
    known: set[str] = set()
    for end in ends:
        node = flow.node(end)
        kind = check.kinds.get(node.kind)
        settings = settings_of(node, kind)
        if kind and settings is not None:
            known |= {*kind.fields, *kind.declares(settings)}
    for name in named.reads:
        if name not in known:
            form = "The answer of the flow {flow!r} has no field {field!r}; {hint}"
            hint = check.report.nearest(name, known)
            check.say(path, said("flow_has_no_field", form, flow=named.name, field=name, hint=hint))


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
