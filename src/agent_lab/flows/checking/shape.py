"""Checks the graph: names, edges, conditions, loops, joins, ends, and the limits beside them."""

from __future__ import annotations

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.flow import EdgeConfig, Predicate
from agent_lab.flows.checking.examined import Examined
from agent_lab.flows.checking.report import pointer
from agent_lab.flows.choices import is_choice

RESERVED = frozenset({"round", "history", "previous_output"})
"""Names that templates have from the run itself."""
MOST_NAMED = 6


def check_names(check: Examined) -> None:
    """Ids of nodes and names of inputs, each once."""
    seen: set[str] = set()
    for position, node in enumerate(check.flow.nodes):
        path = pointer("nodes", position, "id")
        if node.id in seen:
            check.say(path, f"Two nodes are called {node.id!r}; give one another name.")
        if node.id in check.flow.inputs:
            check.say(path, f"{node.id!r} is an input's name already; rename the node.")
        if f"{node.id}_output" in check.flow.inputs:
            check.say(path, f"'{node.id}_output' is an input's name and this node's text; rename one of them.")
        if f"{node.id}_output" in RESERVED:
            check.say(path, f"'{node.id}_output' stands for what led to a node; give this one another name.")
        seen.add(node.id)
    for name in check.flow.inputs:
        if name in RESERVED:
            check.say(pointer("inputs", name), f"{{{name}}} has a meaning of its own; give the input another name.")


def check_edges(check: Examined) -> None:
    """Each edge by itself, and beside the others of its node."""
    for position, edge in enumerate(check.flow.edges):
        path = pointer("edges", position)
        for end, node in (("from", edge.source), ("to", edge.target)):
            if node not in check.graph:
                check.say(f"{path}/{end}", f"There is no node {node!r}; {check.report.nearest(node, check.graph.ids)}")
        if edge.when:
            _predicate(check, edge, edge.when, f"{path}/when")
    _beside(check)


def _beside(check: Examined) -> None:
    told: set[object] = set()
    always = {(edge.source, edge.target) for edge in check.flow.edges if not is_choice(edge)}
    conditional = {edge.source for edge in check.flow.edges if _is_condition(edge)}
    for position, edge in enumerate(check.flow.edges):
        path, key = pointer("edges", position), _key(edge)
        if edge.when and edge.otherwise:
            check.say(path, "An edge has either `when` or `otherwise`; take one out.")
        elif edge.otherwise and edge.source not in conditional:
            check.say(path, f"`otherwise` stands beside no condition of {edge.source!r}; take it out or add one.")
        if key in told:
            check.say(path, f"This edge from {edge.source!r} to {edge.target!r} is there twice; take one out.")
        elif is_choice(edge) and (edge.source, edge.target) in always:
            check.say(path, f"Another edge always leads from {edge.source!r} to {edge.target!r}; take one of them out.")
        told.add(key)


def _is_condition(edge: EdgeConfig) -> bool:
    return edge.when is not None or (edge.max_rounds is not None and not edge.otherwise)


def _key(edge: EdgeConfig) -> object:
    when = edge.when and (edge.when.value, edge.when.op, canonical_json(edge.when.than))
    return edge.source, edge.target, when, edge.otherwise


def _predicate(check: Examined, edge: EdgeConfig, when: Predicate, path: str) -> None:
    wrong = never_holds(when)
    if wrong:
        check.say(f"{path}/than", wrong)
    node, field_name = when.value.split(".", 1)
    problem = check.field_problem(node, field_name)
    if problem:
        check.say(f"{path}/value", problem[0].upper() + problem[1:])
    elif edge.source in check.graph and node != edge.source and not check.graph.surely_before(edge.source, [node]):
        check.say(f"{path}/value", f"{node!r} has not run on every path to {edge.source!r}; ask a node that has.")


def never_holds(when: Predicate) -> str | None:
    """Says why a comparison can never hold, whatever the field's value; None where it can."""
    than = when.than
    if when.op in {"<", "<=", ">", ">="} and (isinstance(than, bool) or not isinstance(than, int | float | str)):
        return f"`{when.op}` compares with a number or a text; give one, or use `==`."
    if when.op == "in" and not isinstance(than, list | str):
        return "`in` looks into a list or a text; give one, or use `==`."
    return None


def check_shape(check: Examined) -> None:
    """Loops, starts, nodes that nothing leads to, joins that may wait for ever."""
    graph = check.graph
    if graph.unbounded_cycle:
        names = ", ".join(graph.unbounded_cycle[:MOST_NAMED])
        check.say("/edges", f"A loop through {names} has no bound; give the edge back `max_rounds`.")
    for position, edge in enumerate(check.flow.edges):
        known = edge.source in graph and edge.target in graph
        if known and edge.max_rounds is not None and graph.loops[edge.source] != graph.loops[edge.target]:
            text = f"`max_rounds` is for edges back, and from {edge.target!r} no way leads to {edge.source!r}"
            check.say(pointer("edges", position, "max_rounds"), f"{text}; take it out.")
    if not graph.starts:
        check.say("/nodes", "No node starts the flow; one must have no incoming edge.")
        return
    for node in graph.ids:
        if node not in graph.reachable:
            check.say(check.place(node), f"{node!r} is never reached; connect it or take it out.")
    if not graph.unbounded_cycle:
        _joins(check)
        _steps(check)


def _joins(check: Examined) -> None:
    rates = check.graph.rates
    for node, sources in rates.starved.items():
        if check.report.full:
            return
        path, way = check.place(node), _way_out(sources)
        left_out = next((source for source in sources if not rates.certain(source)), None)
        if left_out is not None:
            text = f"{node!r} waits for {left_out!r}, which a condition may leave out or take again"
            check.say(path, f"{text}, while the others that it waits for come on another way; {way}")
        else:
            names = ", ".join(sources[:MOST_NAMED])
            text = f"{node!r} waits for {names} together, and a loop takes some of them more often than others"
            check.say(path, f"{text}: after the first time it would wait for ever; {way}")


def _way_out(sources: tuple[str, ...]) -> str:
    example = f'`"when": {{"value": "{sources[0]}.visits", "op": ">=", "than": 1}}`'
    return f"lead those edges elsewhere, or give them a condition ({example}): then each of them gives a turn."


def _steps(check: Examined) -> None:
    least = sum(check.graph.rates.certain(node) for node in check.graph.ids)
    if least > check.flow.limits.max_steps:
        text = f"Every run takes at least {least} turns and is ended after {check.flow.limits.max_steps}"
        check.say("/limits/max_steps", f"{text}; raise it, or take nodes out.")


def check_ends(check: Examined) -> None:
    """The nodes that give the answer and the draft."""
    graph = check.graph
    for name in ("answer", "draft"):
        node = getattr(check.flow, name)
        if node is not None and node not in graph:
            check.say(f"/{name}", f"There is no node {node!r}; {check.report.nearest(node, graph.ids)}")
    if check.flow.answer is None and len(graph.ends) > 1 and not _one_end(check):
        ends = ", ".join(graph.ends[:MOST_NAMED])
        check.say("/answer", f"The flow ends in several nodes ({ends}); name the one whose text is the answer.")
    if _may_be_left_out(check):
        text = f"A condition may leave out {check.flow.answer!r}, whose text is the answer: such a run fails"
        tell = check.say if set(graph.ends) <= {check.flow.answer} else check.report.warn
        tell("/answer", f"{text}; lead every path to it (`otherwise`), or name another node.")


def _one_end(check: Examined) -> bool:
    """True where conditions let a run come to one of the ends alone: then its text is the answer."""
    graph = check.graph
    return not graph.unbounded_cycle and graph.rates.apart([graph.rates.of[end] for end in graph.ends])


def _may_be_left_out(check: Examined) -> bool:
    """True where a run may come to its end without the node whose text is the answer."""
    answer, graph = check.flow.answer, check.graph
    if answer is None or answer not in graph or graph.unbounded_cycle:
        return False
    return not graph.rates.certain(answer)


def check_layout(check: Examined) -> None:
    """Positions of nodes that are not there. They harm no run."""
    for name in check.flow.layout:
        if name not in check.graph:
            hint = check.report.nearest(name, check.graph.ids)
            check.report.warn(pointer("layout", name), f"There is no node {name!r} to be drawn there; {hint}")
