"""What the routes of evaluations show in the description: one example of each document, the same everywhere."""

from __future__ import annotations

from typing import Any

from fastapi.openapi.models import Example

SPEC: dict[str, Any] = {
    "dataset": "demo",
    "limit": 200,
    "arms": [
        {"kind": "flow", "name": "challenge", "flow": "challenge"},
        {"kind": "vote", "name": "vote of 5", "k": 5, "like": "challenge"},
    ],
    "scorer": {"name": "number"},
}
EXAMPLES: dict[str, Example] = {
    "worth": {
        "summary": "Is this flow worth its price? Against what the same money buys without it",
        "value": {"dataset": "demo", "arms": SPEC["arms"][:1], "budget_usd": 5},
    },
    "arms": {"summary": "A flow and a vote on the first 200 items", "value": SPEC},
}
DATASET: dict[str, Any] = {
    "name": "demo",
    "content_hash": "5f1d7c0e9b6a4c52",
    "items": 500,
    "tune": 0,
    "test": 500,
    "columns": [],
    "source": "built-in",
    "created_at": None,
}
ITEM: dict[str, Any] = {
    "id": "17",
    "input": "Ana has 12 apples and buys 30 more. How many has she now?",
    "target": "42",
}
PROGRESS: dict[str, Any] = {
    "cells": 120,
    "of": 600,
    "paid_usd": 0.0,
    "calls": 310,
    "reused_calls": 40,
    "seconds": 12.5,
    "seconds_left": 48.0,
}
INFO: dict[str, Any] = {
    "evaluation_id": "20261121t090000-5f1d7c0e9b",
    "spec": SPEC,
    "dataset": DATASET,
    "status": "running",
    "progress": PROGRESS,
    "created_at": "2026-11-21T09:00:00Z",
    "finished_at": None,
}
DONE: dict[str, Any] = INFO | {
    "status": "completed",
    "progress": PROGRESS | {"cells": 600, "seconds_left": 0.0},
    "finished_at": "2026-11-21T09:01:05Z",
}
ESTIMATE: dict[str, Any] = {
    "items": 200,
    "cells": 600,
    "calls": 1600,
    "calls_at_most": 2200,
    "tokens": 180000,
    "cost_usd": 0.0,
    "cost_at_most_usd": 0.0,
    "seconds": 61.0,
    "smallest_difference": 0.08,
    "sentence": "With 200 items you can see a difference of 8 points.",
    "warnings": [],
}
IMPORT: dict[str, Any] = {
    "spec": {"dataset": "demo", "arms": [{"kind": "imported", "name": "elsewhere"}], "baseline": "elsewhere"},
    "answers": {"elsewhere": [{"item": "17", "answer": "42"}]},
}
CELL: dict[str, Any] = {
    "arm": "challenge",
    "item": "17",
    "sample": 0,
    "status": "completed",
    "answer": "12 + 30 = 42\nAnswer: 42",
    "choice": "42",
    "score": 1.0,
    "calls": 3,
    "prompt_tokens": 150,
    "completion_tokens": 60,
    "cost_usd": 0.0,
    "paid_usd": 0.0,
    "seconds": 0.8,
}
MARK: dict[str, Any] = {
    "score": 1.0,
    "samples": 1,
    "failed": 0,
    "choice": "42",
}
DIFFERENCE: dict[str, Any] = {
    "arm": "challenge",
    "against": "equal-cost:challenge",
    "items": 200,
    "difference": 0.045,
    "interval": {"low": -0.01, "high": 0.1},
    "both": 130,
    "only_arm": 21,
    "only_against": 12,
    "neither": 37,
    "binary": True,
    "p_value": 0.16,
    "p_adjusted": 0.16,
    "method": "exact McNemar; interval of the paired bootstrap",
    "smallest_difference": 0.08,
    "cost_difference": 3.0,
    "cost_interval": {"low": -4.0, "high": 9.0},
    "cost_match": {
        "ratio": 0.99,
        "tolerance": 0.05,
        "equal": True,
        "sentence": "The baseline costs 1 % less: equal within the tolerance of 5 %.",
    },
    "verdict": "inconclusive",
    "sentence": "Inconclusive: 200 items cannot tell 4.5 points from none.",
}
GATE: dict[str, Any] = {
    "passed": True,
    "sentence": "Passed: no significant loss against equal-cost:challenge.",
    "difference": DIFFERENCE,
}
ARM: dict[str, Any] = {
    "arm": "challenge",
    "kind": "flow",
    "items": 200,
    "answers": 200,
    "mean_score": 0.755,
    "interval": {"low": 0.69, "high": 0.81},
    "failed": 0,
    "unread": 1,
    "calls": 3.0,
    "prompt_tokens": 150.0,
    "completion_tokens": 60.0,
    "cost_usd": 0.0,
    "cost": 210.0,
    "cost_interval": {"low": 204.0, "high": 216.0},
    "seconds_p50": 0.8,
    "seconds_p95": 1.4,
    "on_frontier": True,
    "origin": None,
}
BADGE: dict[str, Any] = {
    "flow": "challenge",
    "evaluation_id": INFO["evaluation_id"],
    "dataset": "demo",
    "items": 200,
    "verdict": "inconclusive",
    "difference": 0.045,
    "interval": {"low": -0.01, "high": 0.1},
    "cost_ratio": 0.99,
    "baseline": "equal-cost:challenge",
    "sentence": "200 items of demo cannot tell whether it is worth its price.",
    "measured_at": "2026-11-21T09:01:05Z",
    "expired": [],
}
REPORT: dict[str, Any] = {
    "evaluation": DONE,
    "scorer": "number@1",
    "unit": "tokens",
    "confidence": 0.95,
    "arms": [ARM],
    "differences": [DIFFERENCE],
    "debates": [],
    "badges": [BADGE],
    "warnings": [],
    "paid_usd": 0.0,
    "calls": 1600,
    "reused_calls": 200,
}
_AGREEMENTS: dict[str, Any] = {"same": 30, "other": 9, "untold": 1, "missing": 0}
TALLY: dict[str, Any] = {
    "flow_id": "challenge",
    "now": {
        "flow_id": "challenge",
        "flow_hash": "9f2c",
        "flow_version": 3,
        "runs": 40,
        "first_draft": _AGREEMENTS,
        "vote": {"missing": 40},
        "ties": 0,
        "best_draft": _AGREEMENTS,
        "compared": 40,
        "draft_tokens": 2800,
        "drafts_tokens": 2800,
        "run_tokens": 8400,
        "priced": 40,
        "draft_usd": 0.0,
        "drafts_usd": 0.0,
        "run_usd": 0.0,
        "sentence": "In 30 of 39 runs the first draft said what the flow said, for 33 % of the tokens.",
    },
    "before": [],
    "uncounted": 0,
}
