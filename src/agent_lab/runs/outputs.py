"""The file that a finished run leaves: its whole structure, under the names of the seeds."""

from __future__ import annotations

from typing import Any

from agent_lab.contracts.run import RunView
from agent_lab.flows.state import STATE_VERSION


def output_document(view: RunView) -> dict[str, Any]:
    """The content of `outputs/<flow>_flows/<execution_id>.json`.

    `<flow>_flow` holds each node's part (`challenge_flow["creator"]`), and `<node>_output` its text.
    """
    nodes = {node.id: node.model_dump(mode="json", exclude={"id"}) for node in view.nodes}
    return {
        "version": STATE_VERSION,
        "execution_id": view.run_id,
        "request_id": view.request_id,
        "flow_type": view.flow_id,
        "flow_hash": view.flow_hash,
        "status": view.status,
        "user_input": view.prompt,
        f"{view.flow_id}_flow": nodes,
        **{f"{node.id}_output": node.text for node in view.nodes if node.visits},
        "final_output": view.answer,
        "draft": view.draft,
        "fault": view.fault.model_dump(mode="json") if view.fault else None,
        "edges": [edge.model_dump(mode="json") for edge in view.edges],
        "metrics": view.totals.model_dump(mode="json"),
        "created_at": view.created_at.isoformat() if view.created_at else None,
        "finished_at": view.finished_at.isoformat() if view.finished_at else None,
    }
