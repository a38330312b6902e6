"""What the routes of runs show in the description: one example of each document, the same everywhere."""

from __future__ import annotations

from typing import Any

from fastapi.openapi.models import Example

REQUEST: dict[str, Any] = {"flow": "challenge", "prompt": "Ana has 12 apples and buys 30 more. How many has she now?"}
TRIAL: dict[str, Any] = {
    "flow": "challenge@draft",
    "prompt": REQUEST["prompt"],
    "only": "challenger",
    "pins": {"creator": {"text": "12 + 30 = 42"}},
}
EXAMPLES: dict[str, Example] = {
    "challenge": {"summary": "A debate", "value": REQUEST},
    "trial": {"summary": "One node alone, on what another one is taken to have said", "value": TRIAL},
}
INFO: dict[str, Any] = {
    "run_id": "20261121t090000-5f1d7c0e9b",
    "flow_id": "challenge",
    "flow_hash": "9f2c",
    "status": "running",
    "prompt": REQUEST["prompt"],
    "request_id": "5f1d7c0e9b6a4c52",
    "created_at": "2026-11-21T09:00:00Z",
    "finished_at": None,
    "models": ["demo"],
}
FORKED: dict[str, Any] = INFO | {"run_id": "20261121t091500-a0c4419b3e", "parent_run_id": INFO["run_id"]}
TOTALS: dict[str, Any] = {
    "calls": 3,
    "prompt_tokens": 150,
    "completion_tokens": 60,
    "cost_usd": 0.0,
    "seconds": 0.8,
}
VIEW: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "request_id": INFO["request_id"],
    "flow_id": "challenge",
    "flow_hash": "9f2c",
    "prompt": REQUEST["prompt"],
    "status": "completed",
    "nodes": [{"id": "creator", "kind": "generate", "label": "Creator", "role": "creator", "status": "completed"}],
    "edges": [{"source": "creator", "target": "challenger", "taken": 1}],
    "answer": "Answer: 42",
    "totals": TOTALS,
    "last_seq": 14,
}
STREAM = (
    "id: 2\r\nevent: node_started\r\ndata: "
    '{"seq":2,"at":"2026-11-21T09:00:00Z","type":"node_started","node":"creator","visit":1,'
    '"kind":"generate","label":"Creator","role":"creator"}\r\n\r\n'
)
FORK: dict[str, Any] = {"nodes": {"refiner": {"model": "qwen3-8b"}}}
PREVIEW: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "nodes": ["refiner"],
    "calls": 1,
    "reused_calls": 2,
    "cost_usd": None,
    "saved_usd": 0.0,
}
_SIDE: dict[str, Any] = {
    "status": "completed",
    "model": "demo",
    "visits": 1,
    "calls": 1,
    "reused_calls": 0,
    "prompt_tokens": 90,
    "tokens": 20,
    "cost_usd": 0.0,
    "seconds": 0.3,
}
_RUN: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "parent_run_id": None,
    "flow_id": "challenge",
    "flow_hash": "9f2c",
    "flow_version": None,
    "status": "completed",
    "totals": TOTALS,
}
COMPARISON: dict[str, Any] = {
    "left": _RUN,
    "right": _RUN | {"run_id": FORKED["run_id"], "parent_run_id": INFO["run_id"], "flow_hash": "41d8"},
    "same_flow": False,
    "prompt": {"same": True},
    "answer": {"same": False, "lines": ["@@ -1 +1 @@", "-Answer: 32", "+Answer: 42"]},
    "nodes": [
        {
            "id": "refiner",
            "label": "Refiner",
            "kind": "generate",
            "left": _SIDE,
            "right": _SIDE | {"model": "qwen3-8b", "cost_usd": None},
            "text": {"same": False, "lines": ["@@ -1 +1 @@", "-Answer: 32", "+Answer: 42"]},
            "same_fields": False,
        }
    ],
    "first_difference": "refiner",
    "changes": {
        "flow": {
            "nodes_changed": [
                {"id": "refiner", "changes": [{"path": "/model", "before": None, "after": "qwen3-8b", "text": None}]}
            ]
        },
        "request": [],
    },
    "difference": {"calls": -2, "prompt_tokens": -60, "completion_tokens": -40, "cost_usd": None, "seconds": -0.5},
}
BEGINNING: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "parent_run_id": None,
    "from_node": None,
    "flow": {
        "id": "challenge",
        "name": "Challenge",
        "nodes": [{"id": "creator", "kind": "generate", "prompt": "{user_input}"}],
    },
    "flow_hash": "9f2c",
    "flow_version": None,
    "request": REQUEST,
}
_VOICE: dict[str, Any] = {
    "voter": "agent_1",
    "node": "agent_1",
    "label": "Agent 1",
    "model": "demo",
    "text": "Answer: 32",
    "choice": "32",
    "agrees": False,
}
ALTERNATIVES: dict[str, Any] = {
    "run_id": INFO["run_id"],
    "status": "completed",
    "answer": "Answer: 42",
    "choice": "42",
    "normalize": "answer",
    "draft": {"node": "agent_1", "text": "Answer: 32", "choice": "32", "agrees": False},
    "vote": {
        "voices": [_VOICE, _VOICE | {"voter": "agent_2", "node": "agent_2", "label": "Agent 2"}],
        "counts": [{"choice": "32", "votes": 2, "voters": ["agent_1", "agent_2"], "agrees": False}],
        "winner": "32",
        "tied": False,
        "abstained": 0,
        "agrees": False,
    },
    "missing": None,
    "best": {
        "voter": "agent_1",
        "node": "agent_1",
        "text": "Answer: 32",
        "choice": "32",
        "agrees": False,
        "by": "agreement",
        "score": 1.0,
    },
    "note": "Counted from what was said in this run; it does not say which answer is right.",
}


def answers(status: int, description: str, example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What a route says of its answer in the OpenAPI document."""
    return {status: {"description": description, "content": {"application/json": {"example": example}}}}
