"""A loop may lead back to several nodes at once: edges of one node with one bound and one condition go together."""

from typing import Any

import pytest

from agent_lab.contracts.flow import FlowConfig
from agent_lab.flows.checks import check_flow
from agent_lab.flows.graph import FlowGraph
from support.flows import KINDS


def rounds(*bounds: int | None, **more: Any) -> FlowConfig:
    """Two who answer, and one who waits for both and leads back to each, with these bounds."""
    back = [{"from": "both", "to": to, "max_rounds": most} for to, most in zip(("one", "two"), bounds, strict=True)]
    return FlowConfig.model_validate(
        {
            "id": "rounds",
            "name": "Rounds",
            "nodes": [
                {"id": "one", "kind": "generate", "prompt": "{user_input}{?both_output}{both_output}{/both_output}"},
                {"id": "two", "kind": "generate", "prompt": "{user_input}"},
                {"id": "both", "kind": "generate", "prompt": "{one_output}{two_output}"},
                {"id": "last", "kind": "generate", "prompt": "{both_output}"},
            ],
            "edges": [
                {"from": "one", "to": "both"},
                {"from": "two", "to": "both"},
                *({**edge, **more} for edge in back if edge["max_rounds"]),
                {"from": "both", "to": "last", "otherwise": True},
            ],
            "answer": "last",
        }
    )


def told(flow: FlowConfig) -> list[str]:
    document = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return [one.message for one in check_flow(document, kinds=KINDS, models=[], strategies=[])[1]]


@pytest.mark.parametrize("more", [{}, {"when": {"value": "both.tokens", "op": ">", "than": 10}}])
def test_two_edges_back_with_the_same_bound_give_both_nodes_as_many_turns(more: Any) -> None:
    flow = rounds(3, 3, **more)
    assert told(flow) == []
    assert FlowGraph(flow).joined("both") == ("one", "two")


def test_edges_back_with_different_bounds_starve_the_node_that_waits_for_both() -> None:
    assert any("it would wait for ever" in message for message in told(rounds(3, 2)))


def test_an_edge_back_to_one_of_two_starves_the_node_that_waits_for_both() -> None:
    assert any("it would wait for ever" in message for message in told(rounds(3, None)))
