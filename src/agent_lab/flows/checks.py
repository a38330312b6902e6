"""Checks a flow document and tells all that is wrong with it at once, each with its place and a way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError, nearest
from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.templates import needed, parse

ALWAYS_BOUND = frozenset({"round"})
NEVER_SURE = frozenset({"history"})
"""Names that may have no value: a template may use them inside a block of their own only."""
MAX_PROBLEMS = 500
"""More than anybody reads; a document that is wrong everywhere must not cost an answer without end."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where (a JSON pointer), and what would do."""

    path: str
    message: str


@dataclass(slots=True)
class _Check:
    """One flow under examination."""

    flow: FlowConfig
    kinds: Mapping[str, NodeKind]
    models: Collection[str]
    strategies: Collection[str]
    graph: FlowGraph
    by_id: dict[str, NodeConfig] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def say(self, path: str, message: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, message))

    def names(self) -> Iterator[str]:
        yield from self.flow.inputs
        yield from ("previous_output", "round", "history")
        yield from (f"{node}_output" for node in self.by_id)


def check_flow(
    document: JsonValue,
    *,
    kinds: Mapping[str, NodeKind],
    models: Collection[str],
    strategies: Collection[str],
) -> tuple[FlowConfig | None, list[Problem]]:
    """The flow, where its shape is right, and every problem found. A flow may run where the list is empty."""
    try:
        flow = FlowConfig.model_validate(document)
    except pydantic.ValidationError as error:
        return None, shape_problems(error, FlowConfig)
    check = _Check(flow, kinds, models, strategies, FlowGraph(flow))
    check.by_id = {node.id: node for node in flow.nodes}
    check.positions = {node.id: position for position, node in enumerate(flow.nodes)}
    for examine in (_ids, _edges, _shape, _ends, _nodes):
        examine(check)
    return flow, check.problems


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def shape_problems(error: pydantic.ValidationError, model: type[pydantic.BaseModel], base: str = "") -> list[Problem]:
    """Pydantic's complaints in our words. Unknown fields are told with the nearest known one."""
    problems = []
    for one in error.errors(include_url=False):
        # Branches of a union show up in pydantic's place as names that are not in the document.
        place = [part for part in one["loc"] if part not in {"str", "mapping[literal['en','es'],str]"}]
        path = base + pointer(*place)
        if one["type"] == "extra_forbidden":
            known = [info.alias or name for name, info in model.model_fields.items()] if len(place) == 1 else ()
            hint = nearest(str(place[-1]), known) if known else "take it out."
            problems.append(Problem(path, f"{place[-1]!r} is not a field here; {hint}"))
        elif one["type"] == "missing":
            problems.append(Problem(path, f"{place[-1]!r} is missing; give it."))
        else:
            problems.append(Problem(path, f"{_short(one['input'])} is not usable: {one['msg']}."))
    return problems


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _ids(check: _Check) -> None:
    seen: set[str] = set()
    for position, node in enumerate(check.flow.nodes):
        if node.id in seen:
            check.say(pointer("nodes", position, "id"), f"Two nodes are called {node.id!r}; give one another name.")
        seen.add(node.id)
        if node.id in check.flow.inputs:
            check.say(pointer("nodes", position, "id"), f"{node.id!r} is an input's name already; rename the node.")


def _edges(check: _Check) -> None:
    for position, edge in enumerate(check.flow.edges):
        path = pointer("edges", position)
        for end, node in (("from", edge.source), ("to", edge.target)):
            if node not in check.by_id:
                check.say(f"{path}/{end}", f"There is no node {node!r}; {nearest(node, check.by_id)}")
        if edge.when and edge.otherwise:
            check.say(path, "An edge has either `when` or `otherwise`; take one out.")
        if edge.otherwise and not any(
            other.when or other.max_rounds for other in check.graph.outgoing(edge.source) if other is not edge
        ):
            check.say(path, f"`otherwise` stands beside no condition of {edge.source!r}; take it out or add one.")
        if edge.when and edge.source in check.by_id:
            _predicate(check, edge, f"{path}/when")


def _predicate(check: _Check, edge: EdgeConfig, path: str) -> None:
    when = edge.when
    assert when is not None
    node, field_name = when.value.split(".", 1)
    if node not in check.by_id:
        check.say(f"{path}/value", f"There is no node {node!r}; {nearest(node, check.by_id)}")
        return
    kind = check.kinds.get(check.by_id[node].kind)
    if kind and field_name not in kind.fields:
        hint = nearest(field_name, kind.fields)
        check.say(f"{path}/value", f"A node of kind {kind.name!r} has no field {field_name!r}; {hint}")
    if node != edge.source and not check.graph.surely_before(edge.source, [node]):
        check.say(f"{path}/value", f"{node!r} has not run on every path to {edge.source!r}; ask a node that has.")


def _shape(check: _Check) -> None:
    graph = check.graph
    cyclic = graph.unbounded_cycle
    if cyclic:
        names = ", ".join(cyclic[:6])
        check.say("/edges", f"A loop through {names} has no bound; give the edge back `max_rounds`.")
    if not graph.starts:
        check.say("/nodes", "No node starts the flow; one must have no incoming edge.")
        return
    for position, node in enumerate(check.flow.nodes):
        if node.id not in graph.reachable:
            check.say(pointer("nodes", position), f"{node.id!r} is never reached; connect it or take it out.")
    for node_id in graph.ids:
        for source in graph.joined(node_id):
            if source not in graph.unconditional:
                check.say(
                    pointer("nodes", check.positions[node_id]),
                    f"{node_id!r} waits for {source!r}, which a condition may leave out; lead that edge elsewhere.",
                )


def _ends(check: _Check) -> None:
    for name in ("answer", "draft"):
        node = getattr(check.flow, name)
        if node is not None and node not in check.by_id:
            check.say(f"/{name}", f"There is no node {node!r}; {nearest(node, check.by_id)}")
    if check.flow.answer is None and len(check.graph.ends) > 1:
        ends = ", ".join(check.graph.ends[:6])
        check.say("/answer", f"The flow ends in several nodes ({ends}); name the one whose text is the answer.")


def _nodes(check: _Check) -> None:
    for position, node in enumerate(check.flow.nodes):
        path = pointer("nodes", position)
        kind = check.kinds.get(node.kind)
        if kind is None:
            check.say(f"{path}/kind", f"There is no node kind {node.kind!r}; {nearest(node.kind, check.kinds)}")
        else:
            _settings(check, node, kind, path)
        # From here on by what the document says, so that one wrong field hides no other problem.
        _known(check, f"{path}/model", "model", node.settings.get("model"), check.models)
        _known(check, f"{path}/strategy", "strategy", node.settings.get("strategy"), check.strategies)
        for name in kind.templates if kind else ("prompt", "system"):
            _template(check, node, f"{path}/{name}", node.settings.get(name))


def _settings(check: _Check, node: NodeConfig, kind: NodeKind, path: str) -> None:
    try:
        kind.settings.model_validate(node.settings)
    except pydantic.ValidationError as error:
        for problem in shape_problems(error, kind.settings, path):
            check.say(problem.path, problem.message)


def _known(check: _Check, path: str, what: str, name: JsonValue, known: Collection[str]) -> None:
    if isinstance(name, str) and name not in known:
        check.say(path, f"There is no {what} {name!r}; {nearest(name, known)}")


def _template(check: _Check, node: NodeConfig, path: str, text: JsonValue) -> None:
    texts = {"": text} if isinstance(text, str) else text if isinstance(text, dict) else {}
    for language, template in texts.items():
        place = f"{path}/{language}" if language else path
        if not isinstance(template, str):  # the settings' own model has told so
            continue
        try:
            parts = parse(template)
        except ValidationError as error:
            check.say(place, error.message)
            continue
        told: set[str] = set()
        for name, must in needed(parts):
            if name not in told:
                told.add(name)
                _name(check, node, place, name, must)


def _name(check: _Check, node: NodeConfig, path: str, name: str, must: bool) -> None:
    if name in check.flow.inputs or name in ALWAYS_BOUND:
        return
    if name in NEVER_SURE:
        _shelter(check, path, name, must)
    elif name == "previous_output":
        if node.id in check.graph.starts:
            check.say(path, f"{{previous_output}} has no value in {node.id!r}, which starts the flow.")
    elif "." in name:
        _field_name(check, node, path, name, must)
    else:
        source = name.removesuffix("_output")
        if source == name or source not in check.by_id:
            check.say(path, f"{{{name}}} is no name that {node.id!r} can use; {nearest(name, check.names())}")
        elif must and not check.graph.surely_before(node.id, [source]):
            _unsure(check, path, node, name, source)


def _field_name(check: _Check, node: NodeConfig, path: str, name: str, must: bool) -> None:
    source, field_name = name.split(".", 1)
    if source not in check.by_id:
        check.say(path, f"{{{name}}}: there is no node {source!r}; {nearest(source, check.by_id)}")
        return
    kind = check.kinds.get(check.by_id[source].kind)
    if kind and field_name not in kind.fields:
        hint = nearest(field_name, kind.fields)
        check.say(path, f"{{{name}}}: a node of kind {kind.name!r} has no field {field_name!r}; {hint}")
    elif must and not check.graph.surely_before(node.id, [source]):
        _unsure(check, path, node, name, source)


def _shelter(check: _Check, path: str, name: str, must: bool) -> None:
    if must:
        check.say(path, f"{{{name}}} may have no value; write {{?{name}}}...{{/{name}}} around what speaks of it.")


def _unsure(check: _Check, path: str, node: NodeConfig, name: str, source: str) -> None:
    sure = [f"{{{other}_output}}" for other in islice(check.graph.certainly_before(node.id), 6)]
    would_do = f" Sure here: {', '.join(sure)}." if sure else ""
    check.say(
        path,
        f"{{{name}}}: {source!r} has not run on every path to {node.id!r}; "
        f"write {{?{name}}}...{{/{name}}} around what speaks of it.{would_do}",
    )


Checker = Callable[[JsonValue], tuple[FlowConfig | None, list[Problem]]]
"""`check_flow` with everything that is known here bound to it."""
