import gc
import itertools
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.bounds import most_turns
from agent_lab.flows.graph import FlowGraph, graph_of
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


OK, NOT = {"when": {"value": "a.ok", "op": "==", "than": True}}, {"when": {"value": "a.ok", "op": "!=", "than": True}}
SAME = {"when": {"value": "a.ok", "op": "==", "than": True}}
THREE = [{"when": {"value": "a.kind", "op": "==", "than": kind}} for kind in ("x", "y", "z")]


@pytest.mark.parametrize(
    "ways",
    [(OK, {"otherwise": True}), (OK, NOT), (THREE[0], THREE[1]), (THREE[0], {"otherwise": True})],
    ids=["otherwise", "opposite", "two of several", "one or otherwise"],
)
def test_branches_that_exclude_one_another_meet_without_waiting(ways: tuple[Any, Any]) -> None:
    graph = FlowGraph(flow("abcd", ("ab", ways[0]), ("ac", ways[1]), "bd", "cd"))
    assert graph.joined("d") == ()
    assert graph.rates.starved == {}
    assert graph.rates.certain("d") is (ways[1] in ({"otherwise": True}, NOT))


def test_a_condition_that_always_holds_gives_turns_without_being_waited_for() -> None:
    def always(node: str) -> Any:
        return {"when": {"value": f"{node}.visits", "op": ">=", "than": 1}}

    graph = FlowGraph(flow("abcd", "ab", "ac", ("bd", always("b")), ("cd", always("c"))))
    assert graph.joined("d") == ()
    assert graph.rates.certain("d")
    assert most_turns(graph, 100)["d"] == 2


def test_branches_under_one_condition_are_waited_for() -> None:
    graph = FlowGraph(flow("abcd", ("ab", OK), ("ac", SAME), "bd", "cd"))
    assert graph.joined("d") == ("b", "c")
    assert graph.rates.starved == {}
    assert not graph.rates.certain("d")


def test_branches_that_may_both_be_taken_would_wait_for_ever() -> None:
    other = {"when": {"value": "a.tokens", "op": ">", "than": 1}}
    graph = FlowGraph(flow("abcd", ("ab", OK), ("ac", other), "bd", "cd"))
    assert graph.rates.starved == {"d": ("b", "c")}


def test_what_follows_a_loop_meets_what_ran_beside_it() -> None:
    loop = ["ab", ("ba", {**OK, "max_rounds": 3}), ("bc", {"otherwise": True})]
    graph = FlowGraph(flow("abcxyz", "xa", "xy", *loop, "cz", "yz"))
    assert graph.joined("z") == ("c", "y")
    assert graph.rates.starved == {}
    assert graph.rates.certain("z")


def test_a_loop_that_two_ways_lead_to_is_certain() -> None:
    ways = [("ab", OK), ("ac", {"otherwise": True}), "bc"]
    graph = FlowGraph(flow("abcde", *ways, "cd", ("dc", {**OK, "max_rounds": 2}), ("de", {"otherwise": True})))
    assert all(graph.rates.certain(node) for node in "acde")
    assert not graph.rates.certain("b")
    assert most_turns(graph, 100) == {"a": 1, "b": 1, "c": 3, "d": 3, "e": 1}


def test_a_join_in_a_loop_with_a_source_outside_would_wait_for_ever() -> None:
    graph = FlowGraph(flow("abcx", "ab", "xb", ("ba", {**OK, "max_rounds": 3}), ("bc", {"otherwise": True})))
    assert graph.rates.starved == {"b": ("a", "x")}


def test_a_fork_within_a_branch_meets_again() -> None:
    graph = FlowGraph(flow("abpqjc", ("ab", OK), "bp", "bq", "pj", "qj", ("ac", {"otherwise": True}), "jc"))
    assert graph.joined("j") == ("p", "q")
    assert graph.joined("c") == ()
    assert graph.rates.starved == {}
    assert graph.rates.certain("c")


def test_a_plain_edge_beside_a_condition_is_waited_for() -> None:
    graph = FlowGraph(flow("abcd", ("ab", OK), "ac", "ad", "cd"))
    assert graph.joined("d") == ("a", "c")


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


def test_graphs_of_flows_that_nobody_uses_any_more_are_let_go() -> None:
    def made(count: int) -> list[weakref.ref[FlowGraph]]:
        return [weakref.ref(graph_of(flow("ab", "ab"))) for _ in range(count)]

    mine = flow("ab", "ab")
    held, gone = graph_of(mine), made(100)
    gc.collect()
    assert graph_of(mine) is held
    assert sum(graph() is not None for graph in gone) <= 10
