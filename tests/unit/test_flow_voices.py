"""Whose words are the answer while they are still being written, and how voices of inner flows are named."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agent_lab.compat.flow_models import _Listener, certain_voice
from agent_lab.contracts.events import Token
from agent_lab.contracts.flow import FlowConfig

WHEN = {"when": {"value": "a.tokens", "op": ">", "than": 1}}


def flow(*edges: dict[str, Any]) -> FlowConfig:
    nodes = [{"id": letter, "kind": "generate", "prompt": "x"} for letter in "abcd"]
    return FlowConfig.model_validate({"id": "f", "name": "f", "nodes": nodes, "edges": edges, "answer": "d"})


def edge(pair: str, **more: Any) -> dict[str, Any]:
    return {"from": pair[0], "to": pair[1], **more}


@pytest.mark.parametrize(
    ("edges", "voice"),
    [
        ([edge("ab"), edge("ac"), edge("bd"), edge("cd")], "d"),
        ([edge("ab", **WHEN), edge("ac", otherwise=True), edge("bd"), edge("cd")], "d"),
        ([edge("ab"), edge("ba", **WHEN, max_rounds=2), edge("bc", otherwise=True), edge("cd")], "d"),
        ([edge("ab"), edge("bc"), edge("cd"), edge("da", **WHEN, max_rounds=2)], None),
    ],
    ids=["fork", "choice", "behind a loop", "in a loop"],
)
def test_a_node_that_speaks_once_is_heard_while_it_speaks(edges: list[dict[str, Any]], voice: str | None) -> None:
    assert certain_voice(flow(*edges)) == voice


def test_a_voice_of_a_flow_within_is_named_by_its_own_node() -> None:
    listener = _Listener(flow(edge("ab")), "d", with_roles=True)
    token = Token(at=datetime.now(UTC), node="b[2]/creator", visit=1, sample=0, offset=0, text="Hi")
    piece = listener.hear(token)
    assert piece is not None
    assert piece.role == "creator"  # type: ignore[union-attr]
