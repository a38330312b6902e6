"""What holds for every flow: what passes the checks walks to its end within its bounds, what is broken is told."""

import copy
import random
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent_lab.contracts.flow import FlowConfig
from agent_lab.flows.bounds import bounds
from agent_lab.flows.checks import Problem, check_flow
from agent_lab.flows.graph import FlowGraph
from support.flows import KINDS
from support.random_flows import BREAKERS, MODEL, any_graphs, checked_flows, walked

SEEDS = st.integers(0, 2**32)


def problems(document: Any) -> list[Problem]:
    return check_flow(document, kinds=KINDS, models=[MODEL], strategies=["standard"])[1]


@given(checked_flows())
def test_what_is_built_by_the_rules_passes_the_checks(document: dict[str, Any]) -> None:
    assert problems(document) == []


@given(checked_flows(), SEEDS)
def test_a_checked_flow_walks_to_its_end_within_its_bounds(document: dict[str, Any], seed: int) -> None:
    flow = FlowConfig.model_validate(document)
    most = bounds(flow, KINDS)
    visits = walked(flow, random.Random(seed))
    for node in most.nodes:
        assert visits.get(node.node, 0) <= node.turns
    assert sum(visits.values()) <= most.turns
    assert visits[document["answer"]] == 1


@given(checked_flows(), SEEDS)
def test_nodes_of_one_rate_have_equally_many_turns(document: dict[str, Any], seed: int) -> None:
    flow = FlowConfig.model_validate(document)
    rates, visits = FlowGraph(flow).rates, walked(flow, random.Random(seed))
    turns = defaultdict(set)
    for node, rate in rates.of.items():
        turns[rate].add(visits.get(node, 0))
        assert visits.get(node, 0) >= rates.certain(node)
    assert all(len(counts) == 1 for counts in turns.values()), (rates.of, visits)


@settings(max_examples=300)
@given(any_graphs(), SEEDS)
def test_no_graph_at_all_has_more_turns_than_its_bounds(document: dict[str, Any], seed: int) -> None:
    flow = FlowConfig.model_validate(document)
    assume(not FlowGraph(flow).unbounded_cycle)
    most = bounds(flow, KINDS)
    assume(most.turns < 1_000)
    visits = walked(flow, random.Random(seed))
    for node in most.nodes:
        assert visits.get(node.node, 0) <= node.turns


@settings(max_examples=500)
@given(any_graphs(), SEEDS)
def test_what_the_checks_let_pass_never_waits_for_ever(document: dict[str, Any], seed: int) -> None:
    flow = FlowConfig.model_validate(document)
    wrong = [one for one in problems(document) if "ends in several" not in one.message]
    if wrong or bounds(flow, KINDS).turns > 1_000:
        return
    graph, visits = FlowGraph(flow), walked(flow, random.Random(seed))
    for node in graph.ids:
        assert visits.get(node, 0) >= graph.rates.certain(node)
        joined = [visits.get(source, 0) for source in graph.joined(node)]
        assert visits.get(node, 0) or not joined or not all(joined)


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("says", BREAKERS)
def test_every_fault_is_told(says: str, data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(checked_flows()))
    assume(BREAKERS[says](document))
    found = problems(document)
    assert any(says in problem.message for problem in found), found
    assert all(problem.path.startswith("/") for problem in found)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("n0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_whatever_is_no_flow_is_told_and_nothing_is_raised(value: Any) -> None:
    flow, found = check_flow(value, kinds=KINDS, models=[], strategies=[])
    assert flow is None
    assert found


@settings(max_examples=300)
@given(checked_flows(), st.data())
def test_a_flow_with_anything_in_any_place_is_checked_without_an_error(document: Any, data: st.DataObject) -> None:
    place = document = copy.deepcopy(document)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    flow, found = check_flow(document, kinds=KINDS, models=[MODEL], strategies=["standard"])
    if flow and not found:
        bounds(flow, KINDS)
