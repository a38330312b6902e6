"""What is told of names at each node is what the checks let pass there, of broken and of large documents too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from agent_lab.contracts.flow import FlowConfig
from agent_lab.flows.bounds import bounds
from agent_lab.flows.checks import check_flow
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.salvage import salvaged
from agent_lab.flows.scope import FlowScope, NodeScope, flow_scope
from agent_lab.lab.flow_scopes import scope_answer
from support.flows import KINDS, LIBRARY, library_document
from support.random_flows import MODEL, any_graphs, checked_flows

Document = dict[str, Any]


def scope_of(document: Document) -> FlowScope:
    return flow_scope(FlowConfig.model_validate(document), KINDS)


def at(scope: FlowScope) -> dict[str, NodeScope]:
    return {node.node: node for node in scope.nodes}


def named(scope: FlowScope, node: str) -> tuple[set[str], set[str]]:
    """The nodes that are sure at a node and those that may have run, as an editor adds them up."""
    nodes = at(scope)
    sure, may = set[str](), set[str]()
    one: str | None = node
    while one is not None:
        sure |= {*nodes[one].sure}
        may |= {*nodes[one].maybe}
        one = nodes[one].after
        sure |= {one} if one else set()
    return sure, may - sure


def ancestors(flow: FlowConfig, node: str) -> set[str]:
    found, waiting = set[str](), [node]
    while waiting:
        target = waiting.pop()
        for edge in flow.edges:
            if edge.target == target and edge.source not in found:
                found.add(edge.source)
                waiting.append(edge.source)
    return found


def agrees_with_the_graph(document: Document) -> None:
    flow = FlowConfig.model_validate(document)
    graph, scope = FlowGraph(flow), flow_scope(flow, KINDS)
    for node in graph.ids:
        sure, may = named(scope, node)
        assert sure == {*graph.certainly_before(node)}
        assert sure | may == ancestors(flow, node)


@given(any_graphs())
def test_what_is_sure_and_what_may_be_is_that_of_the_graph(document: Document) -> None:
    agrees_with_the_graph(document)


@given(checked_flows())
def test_the_same_of_flows_that_pass_the_checks(document: Document) -> None:
    agrees_with_the_graph(document)


def prompts(scope: FlowScope, node: str) -> Iterator[tuple[str, bool]]:
    """Each name that the scope gives a node, and whether it says that it is sure."""
    nodes = at(scope)
    yield from ((name.name, name.sure) for name in scope.names)
    if nodes[node].previous != "never":
        yield "previous_output", nodes[node].previous == "sure"
    for others, sure in zip(named(scope, node), (True, False), strict=True):
        for other in others:
            yield f"{other}_output", sure
            yield from ((f"{other}.{field.name}", sure) for field in scope.fields[nodes[other].fields])


@settings(max_examples=25, deadline=None)
@given(checked_flows())
def test_the_checks_take_every_name_that_is_told_as_it_is_told(document: Document) -> None:
    scope = scope_of(document)
    for place, node in enumerate(document["nodes"]):
        names = list(prompts(scope, node["id"]))
        bare = {name for name, sure in names if sure}
        asked = " ".join(f"{{{name}}}" if sure else f"{{?{name}}}{{{name}}}{{/{name}}}" for name, sure in names)
        changed = {**document, "nodes": [*document["nodes"]]}
        changed["nodes"][place] = {**node, "prompt": asked}
        found = check_flow(changed, kinds=KINDS, models=[MODEL], strategies=[])[1]
        assert [one for one in found if one.severity == "error"] == []
        for unsure in sorted({name for name, _ in names} - bare)[:3]:
            changed["nodes"][place] = {**node, "prompt": f"{{{unsure}}}"}
            found = check_flow(changed, kinds=KINDS, models=[MODEL], strategies=[])[1]
            assert [one.path for one in found if one.severity == "error"] == [f"/nodes/{place}/prompt"], unsure


@pytest.mark.parametrize("name", LIBRARY)
def test_the_bounds_are_those_of_a_run(name: str) -> None:
    flow = FlowConfig.model_validate(library_document(name))
    scope, most = flow_scope(flow, KINDS), bounds(flow, KINDS)
    assert (scope.turns, scope.calls) == (most.turns, most.calls)
    assert {node.node: node.calls for node in scope.nodes} == {node.node: node.calls for node in most.nodes}


def test_fields_have_types_and_follow_the_settings() -> None:
    schema = {"type": "object", "properties": {"good": {"type": "boolean"}, "issues": {"type": "array"}}}
    node = {"id": "a", "kind": "generate", "prompt": "{user_input}", "output_schema": schema, "samples": 3}
    scope = scope_of({"id": "x", "name": "X", "nodes": [node]})
    types = {field.name: field.type for field in scope.fields[at(scope)["a"].fields]}
    assert {"text": "text", "visits": "number", "good": "boolean", "issues": "list"}.items() <= types.items()
    assert (types["issues_count"], types["tokens"], types["samples"], types["parsed"]) == (
        "number",
        "number",
        "list",
        "boolean",
    )


def test_every_declared_field_of_every_kind_has_a_type_or_may_be_anything() -> None:
    untyped = {f"{kind.name}.{name}" for kind in KINDS.values() for name in kind.fields if name not in kind.types}
    assert untyped == {"tool.value", "transform.value"}
    assert all({*kind.types} <= {*kind.fields} for kind in KINDS.values())


def test_names_of_a_kind_s_own_are_told_at_its_nodes() -> None:
    nodes = [{"id": "a", "kind": "generate", "prompt": "x"}, {"id": "b", "kind": "map", "lines": "{a_output}"}]
    scope = scope_of({"id": "x", "name": "X", "nodes": nodes, "edges": [{"from": "a", "to": "b"}]})
    assert (at(scope)["a"].binds, at(scope)["b"].binds) == ((), ("item", "item_number"))


BROKEN: dict[str, Document] = {
    "half a condition": {"edges": [{"from": "a", "to": "b", "when": {"value": "", "op": "==", "than": 1}}]},
    "an unknown kind": {"nodes": [{"id": "a", "kind": "generat"}, {"id": "b", "kind": "generate"}]},
    "a label that is a number": {"nodes": [{"id": "a", "kind": "summary", "label": 5}, {"id": "b", "kind": "summary"}]},
    "a limit that is a word": {"limits": {"max_steps": "many"}},
    "a loop without a bound": {"edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]},
    "something that is no node": {"nodes": [None, {"id": "a", "kind": "summary"}, {"id": "b", "kind": "summary"}]},
    "a setting that cannot be": {
        "nodes": [{"id": "a", "kind": "generate", "samples": -1}, {"id": "b", "kind": "vote"}]
    },
    "no name": {"name": None},
}


@pytest.mark.parametrize("what", BROKEN)
def test_of_a_broken_document_is_told_what_can_be(what: str) -> None:
    nodes = [{"id": "a", "kind": "generate", "prompt": "x"}, {"id": "b", "kind": "generate", "prompt": "y"}]
    document = {"id": "x", "name": "X", "nodes": nodes, "edges": [{"from": "a", "to": "b"}], **BROKEN[what]}
    flow, _ = check_flow(document, kinds=KINDS, models=[], strategies=[])
    scope = flow_scope(flow or salvaged(document) or pytest.fail("nothing could be read"), KINDS)
    sure, may = named(scope, "b")
    assert "a" in sure | may


def test_of_an_edge_that_cannot_be_read_nothing_is_claimed() -> None:
    nodes = [{"id": name, "kind": "generate", "prompt": "x"} for name in "abc"]
    wrong = {"from": "b", "to": "c", "when": {"value": "b.", "op": "=="}}
    document = {"id": "x", "name": "X", "nodes": nodes, "edges": [{"from": "a", "to": "c"}, wrong]}
    flow = salvaged(document)
    assert flow is not None
    assert named(flow_scope(flow, KINDS), "c") == (set(), {"a", "b"})


@pytest.mark.parametrize("document", [None, [], "flow", {}, {"nodes": []}, {"nodes": {}}, {"nodes": [{"id": "A"}]}])
def test_of_what_is_no_flow_at_all_nothing_is_told(document: Any) -> None:
    assert salvaged(document) is None


def many(count: int, edges: Iterator[tuple[int, int]], **more: Any) -> Document:
    nodes = [{"id": f"the_node_number_{i}", "kind": "generate", "prompt": "{user_input}"} for i in range(count)]
    told = [{"from": f"the_node_number_{a}", "to": f"the_node_number_{b}", **more} for a, b in edges]
    return {"id": "large", "name": "Large", "nodes": nodes, "edges": told, "limits": {"max_steps": 10_000}}


CHOICE = {"when": {"value": "the_node_number_0.visits", "op": ">", "than": 0}}
LARGE = {
    "a row": many(500, ((i, i + 1) for i in range(499))),
    "a row with every step left out or not": many(500, ((i, j) for i in range(499) for j in (i + 1, i + 2) if j < 500)),
    "one to all to one": many(500, (pair for i in range(1, 499) for pair in ((0, i), (i, 499)))),
    "choices of all": many(500, (pair for i in range(1, 499) for pair in ((0, i), (i, 499))), **CHOICE),
    "layers": many(500, ((i, j) for i in range(490) for j in range(10 * (i // 10 + 1), 10 * (i // 10 + 2)))),
    "layers of choices": many(
        500, ((i, j) for i in range(490) for j in range(10 * (i // 10 + 1), 10 * (i // 10 + 2))), **CHOICE
    ),
}


@pytest.mark.parametrize("shape", LARGE)
def test_the_answer_for_500_nodes_stays_under_300_kb(shape: str) -> None:
    scope = scope_of(LARGE[shape])
    assert len(scope_answer(scope).model_dump_json()) < 300_000
    assert scope.whole or shape == "layers of choices"


def test_10_000_nodes_take_seconds_at_most() -> None:
    document = many(10_000, (pair for i in range(9_998) for pair in ((i, i + 1), (i, i + 2))))
    flow = FlowConfig.model_validate(document)
    begun = time.process_time()  # what others do on this machine meanwhile is not its cost
    flow_scope(flow, KINDS)
    assert time.process_time() - begun < 10
