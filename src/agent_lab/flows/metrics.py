"""What the front end is told of a run: the answer, the flow as it went, and the figures (the seeds' flow_metrics)."""

from __future__ import annotations

from typing import Any

from agent_lab.contracts.run import NodeView, RunView


def build_api_response(view: RunView) -> dict[str, Any]:
    """The answer of `/orchestrate`, the same for every flow."""
    if view.status not in {"completed", "declined"}:
        return build_error_response(view)
    return {"success": True, "result": view.answer, **_common(view)}


def build_error_response(view: RunView) -> dict[str, Any]:
    """The same for a run that ended without an answer: all that it had, and why it ended."""
    error = view.fault.model_dump(mode="json") if view.fault else {"type": view.status, "message": view.status}
    return {"success": False, "result": view.answer, "error": error, **_common(view)}


def _common(view: RunView) -> dict[str, Any]:
    return {
        "execution_id": view.run_id,
        "request_id": view.request_id,
        "flow_type": view.flow_id,
        "status": view.status,
        "draft": view.draft,
        "final_summary": _final_summary(view),
        "flow": {
            "nodes": build_flow_nodes(view),
            "edges": [{"from": edge.source, "to": edge.target, "taken": edge.taken} for edge in view.edges],
        },
        "metrics": build_execution_metrics(view),
    }


def build_flow_nodes(view: RunView) -> list[dict[str, Any]]:
    """Each node with its status, text and figures. Seconds; tokens; USD, null where unknown."""
    return [
        {
            **node.model_dump(mode="json", exclude={"visits", "text"}),
            "output": node.text,
            "visits": node.visits,
            "retries": max(0, node.visits - 1),
        }
        for node in view.nodes
    ]


def build_execution_metrics(view: RunView) -> dict[str, Any]:
    """Totals of the run. `cache_hit_rate` is the share of model nodes whose model was in memory already."""
    asked = [node for node in view.nodes if node.calls]
    return {
        "total_time_sec": view.totals.seconds,
        "model_calls": view.totals.calls,
        "prompt_tokens": view.totals.prompt_tokens,
        "tokens_generated": view.totals.completion_tokens,
        "cost_usd": None if view.totals.cost_usd is None else float(view.totals.cost_usd),
        "cache_hit_rate": _cache_hit_rate(asked),
        "models": sorted({node.model for node in asked if node.model}),
        "retries": sum(max(0, node.visits - 1) for node in view.nodes),
        "validator_score": next((n.fields["score"] for n in view.nodes if "score" in n.fields), None),
    }


def _cache_hit_rate(asked: list[NodeView]) -> float | None:
    return round(sum(bool(node.cache_hit) for node in asked) / len(asked), 3) if asked else None


def _final_summary(view: RunView) -> str | None:
    return next((node.text for node in view.nodes if node.kind == "summary" and node.visits), None)
