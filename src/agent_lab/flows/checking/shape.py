"""Checks the graph: names, edges, conditions, loops, joins, ends, and the limits beside them."""

from __future__ import annotations

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.flow import EdgeConfig, Predicate
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.flows.checking.examined import Examined, no_node
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
            check.say(path, said("two_nodes", "Two nodes are called {node!r}; give one another name.", node=node.id))
        if node.id in check.flow.inputs:
            check.say(path, said("is_input", "{node!r} is an input's name already; rename the node.", node=node.id))
        if f"{node.id}_output" in check.flow.inputs:
            form = "'{node}_output' is an input's name and this node's text; rename one of them."
            check.say(path, said("output_is_input", form, node=node.id))
        if f"{node.id}_output" in RESERVED:
            form = "'{node}_output' stands for what led to a node; give this one another name."
            check.say(path, said("output_reserved", form, node=node.id))
        seen.add(node.id)
    for name in check.flow.inputs:
        if name in RESERVED:
            form = "{{{name}}} has a meaning of its own; give the input another name."
            check.say(pointer("inputs", name), said("input_reserved", form, name=name))


def check_edges(check: Examined) -> None:
    """Each edge by itself, and beside the others of its node."""
    for position, edge in enumerate(check.flow.edges):
        path = pointer("edges", position)
        for end, node in (("from", edge.source), ("to", edge.target)):
            if node not in check.graph:
                check.say(f"{path}/{end}", no_node(node, check.report.nearest(node, check.graph.ids)).capital())
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
            check.say(path, said("when_and_otherwise", "An edge has either `when` or `otherwise`; take one out."))
        elif edge.otherwise and edge.source not in conditional:
            form = "`otherwise` stands beside no condition of {node!r}; take it out or add one."
            check.say(path, said("otherwise_alone", form, node=edge.source))
        if key in told:
            form = "This edge from {source!r} to {target!r} is there twice; take one out."
            check.say(path, said("edge_twice", form, source=edge.source, target=edge.target))
        elif is_choice(edge) and (edge.source, edge.target) in always:
            form = "Another edge always leads from {source!r} to {target!r}; take one of them out."
            check.say(path, said("edge_always", form, source=edge.source, target=edge.target))
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
        check.say(f"{path}/value", problem.capital())
    elif edge.source in check.graph and node != edge.source and not check.graph.surely_before(edge.source, [node]):
        form = "{named!r} has not run on every path to {node!r}; ask a node that has."
        check.say(f"{path}/value", said("asked_unsure", form, named=node, node=edge.source))


def never_holds(when: Predicate) -> Sentence | None:
    """Says why a comparison can never hold, whatever the field's value; None where it can."""
    than = when.than
    if when.op in {"<", "<=", ">", ">="} and (isinstance(than, bool) or not isinstance(than, int | float | str)):
        form = "`{op}` compares with a number or a text; give one, or use `==`."
        return said("compares_with", form, op=when.op)
    if when.op == "in" and not isinstance(than, list | str):
        return said("looks_into", "`in` looks into a list or a text; give one, or use `==`.")
    return None


def check_shape(check: Examined) -> None:
    """Loops, starts, nodes that nothing leads to, joins that may wait for ever."""
    graph = check.graph
    if graph.unbounded_cycle:
        form = "A loop through {names} has no bound; give the edge back `max_rounds`."
        check.say("/edges", said("no_bound", form, names=graph.unbounded_cycle[:MOST_NAMED]))
    for position, edge in enumerate(check.flow.edges):
        known = edge.source in graph and edge.target in graph
        if known and edge.max_rounds is not None and graph.loops[edge.source] != graph.loops[edge.target]:
            form = "`max_rounds` is for edges back, and from {target!r} no way leads to {source!r}; take it out."
            told = said("no_edge_back", form, target=edge.target, source=edge.source)
            check.say(pointer("edges", position, "max_rounds"), told)
    if not graph.starts:
        check.say("/nodes", said("no_start", "No node starts the flow; one must have no incoming edge."))
        return
    for node in graph.ids:
        if node not in graph.reachable:
            told = said("never_reached", "{node!r} is never reached; connect it or take it out.", node=node)
            check.say(check.place(node), told)
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
            form = (
                "{node!r} waits for {source!r}, which a condition may leave out or take again, while the others that "
                "it waits for come on another way; {way}"
            )
            check.say(path, said("waits_for_choice", form, node=node, source=left_out, way=way))
        else:
            form = (
                "{node!r} waits for {sources} together, and a loop takes some of them more often than others: after "
                "the first time it would wait for ever; {way}"
            )
            check.say(path, said("waits_for_ever", form, node=node, sources=sources[:MOST_NAMED], way=way))


def _way_out(sources: tuple[str, ...]) -> Sentence:
    example = f'`"when": {{"value": "{sources[0]}.visits", "op": ">=", "than": 1}}`'
    form = "lead those edges elsewhere, or give them a condition ({example}): then each of them gives a turn."
    return said("lead_elsewhere", form, example=example)


def _steps(check: Examined) -> None:
    least = sum(check.graph.rates.certain(node) for node in check.graph.ids)
    if least > check.flow.limits.max_steps:
        form = "Every run takes at least {least} turns and is ended after {most}; raise it, or take nodes out."
        check.say("/limits/max_steps", said("too_few_steps", form, least=least, most=check.flow.limits.max_steps))


def check_ends(check: Examined) -> None:
    """The nodes that give the answer and the draft."""
    graph = check.graph
    for name in ("answer", "draft"):
        node = getattr(check.flow, name)
        if node is not None and node not in graph:
            check.say(f"/{name}", no_node(node, check.report.nearest(node, graph.ids)).capital())
    if check.flow.answer is None and len(graph.ends) > 1 and not _one_end(check):
        form = "The flow ends in several nodes ({ends}); name the one whose text is the answer."
        check.say("/answer", said("several_ends", form, ends=graph.ends[:MOST_NAMED]))
    if check.flow.answer is not None and _may_be_left_out(check):
        form = (
            "A condition may leave out {node!r}, whose text is the answer: such a run fails; lead every path to it "
            "(`otherwise`), or name another node."
        )
        tell = check.say if set(graph.ends) <= {check.flow.answer} else check.report.warn
        tell("/answer", said("answer_left_out", form, node=check.flow.answer))


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
            told = said("nothing_drawn", "There is no node {node!r} to be drawn there; {hint}", node=name, hint=hint)
            check.report.warn(pointer("layout", name), told)
