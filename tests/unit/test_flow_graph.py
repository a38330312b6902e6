import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.graph import FlowGraph
from agent_lab.flows.routing import choose_edges, compare, edge_key


def flow(nodes: str, *edges: Any) -> FlowConfig:
    """Nodes by their letters; an edge is `"ab"` or `("ab", {...more})`."""
    rows = [(edge, {}) if isinstance(edge, str) else edge for edge in edges]
    return FlowConfig.model_validate(
        {
            "id": "f",
            "name": "f",
            "nodes": [{"id": letter, "kind": "generate"} for letter in nodes],
            "edges": [{"from": pair[0], "to": pair[1], **more} for pair, more in rows],
        }
    )


WHEN = {"when": {"value": "a.ok", "op": "==", "than": True}}


def test_a_node_with_two_plain_sources_waits_for_both() -> None:
    graph = FlowGraph(flow("abcd", "ab", "ac", "bd", "cd"))
    assert graph.joined("d") == ("b", "c")
    assert graph.starts == ("a",)
    assert graph.ends == ("d",)


def test_what_a_join_waits_for_has_surely_run() -> None:
    graph = FlowGraph(flow("abcd", "ab", "ac", "bd", "cd"))
    assert set(graph.certainly_before("d")) == {"a", "b", "c"}


def test_a_branch_that_may_be_left_out_is_not_sure() -> None:
    graph = FlowGraph(flow("abc", ("ab", WHEN), ("ac", {"otherwise": True}), "bc"))
    assert set(graph.certainly_before("c")) == {"a"}


def test_a_loop_back_makes_nothing_sure_that_the_first_round_did_not_have() -> None:
    graph = FlowGraph(flow("abc", "ab", ("ba", {"max_rounds": 2}), ("bc", {"otherwise": True})))
    assert set(graph.certainly_before("a")) == set()
    assert set(graph.certainly_before("b")) == {"a"}
    assert graph.starts == ("a",)


def test_a_loop_without_a_bound_is_found() -> None:
    assert set(FlowGraph(flow("abc", "ab", "bc", "cb")).unbounded_cycle) == {"b", "c"}
    assert FlowGraph(flow("abc", "ab", "bc", ("cb", {"max_rounds": 1}))).unbounded_cycle == ()


def test_conditional_edges_are_chosen_else_otherwise() -> None:
    graph = FlowGraph(flow("abc", ("ab", WHEN), ("ac", {"otherwise": True})))

    def chosen(ok: object) -> list[str]:
        outputs = {"a": NodeOutput(text="", fields={"ok": ok})}
        return [edge.target for edge in choose_edges(graph, "a", outputs, {}, {})]

    assert chosen(True) == ["b"]
    assert chosen(False) == ["c"]
    assert chosen(1) == ["c"]


def test_an_edge_back_is_taken_no_more_often_than_its_bound() -> None:
    graph = FlowGraph(flow("ab", "ab", ("ba", {"max_rounds": 2})))
    edge = graph.outgoing("b")[0]
    assert choose_edges(graph, "b", {}, {edge_key(edge): 1}, {}) == (edge,)
    assert choose_edges(graph, "b", {}, {edge_key(edge): 2}, {}) == ()


def test_an_otherwise_that_leads_back_keeps_to_its_bound() -> None:
    graph = FlowGraph(flow("abc", "ab", ("bc", WHEN), ("ba", {"otherwise": True, "max_rounds": 2})))
    back = graph.outgoing("b")[1]
    assert choose_edges(graph, "b", {}, {edge_key(back): 1}, {}) == (back,)
    assert choose_edges(graph, "b", {}, {edge_key(back): 2}, {}) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=4
)


@given(JSON, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "contains"]), JSON)
def test_any_two_values_compare_without_an_error(value: Any, op: Any, than: Any) -> None:
    assert compare(value, op, than) in {True, False}
    assert compare(value, "==", than) is not compare(value, "!=", than)


@st.composite
def graphs(draw: st.DrawFn) -> FlowConfig:
    letters = "abcdefg"[: draw(st.integers(1, 7))]
    pairs = [low + high for low, high in itertools.combinations(letters, 2) if draw(st.booleans())]
    edges = [(pair, draw(st.sampled_from([{}, WHEN, {"max_rounds": 3}]))) for pair in pairs]
    return flow(letters, *edges)


@given(graphs())
def test_sure_predecessors_lie_on_every_path(config: FlowConfig) -> None:
    graph = FlowGraph(config)
    for node in graph.ids:
        for sure in graph.certainly_before(node):
            assert sure != node
            # Taking the sure one away must cut every way from the starts, unless a join still waits for it.
            assert not reaches(graph, node, without=sure) or waits(graph, node, sure)


def reaches(graph: FlowGraph, node: str, *, without: str) -> bool:
    seen = {start for start in graph.starts if start != without}
    stack = list(seen)
    while stack:
        for edge in graph.outgoing(stack.pop()):
            if edge.target != without and edge.target not in seen:
                seen.add(edge.target)
                stack.append(edge.target)
    return node in seen


def waits(graph: FlowGraph, node: str, sure: str) -> bool:
    ancestors, stack = set[str](), [node]
    while stack:
        for source in graph.incoming(stack.pop()):
            if source not in ancestors:
                ancestors.add(source)
                stack.append(source)
    return any(sure in graph.certainly_before(n) or sure in graph.joined(n) for n in ancestors | {node})
