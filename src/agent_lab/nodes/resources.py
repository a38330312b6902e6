"""Looks at the machine before a model is asked: how much memory is free, and whether that is little."""

from __future__ import annotations

from pydantic import Field

from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.ports import ResourceMonitor
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.settings import NodeSettings


class ResourcesSettings(NodeSettings):
    """`low_gb`: with less than this available the status is `low`."""

    low_gb: float = Field(default=1.0, ge=0)


def resources_kind(monitor: ResourceMonitor) -> NodeKind:
    """The kind, looking through that monitor."""

    async def look(state: AgentState, settings: ResourcesSettings, step: Step) -> NodeOutput:
        seen = monitor.look()
        status = "low" if seen.available_gb < settings.low_gb else "ok"
        text = f"{seen.device}: {seen.available_gb:.1f} of {seen.total_gb:.1f} GB {seen.memory} available ({status})."
        return NodeOutput(
            text=text,
            fields={
                "vram_status": status,
                "device": seen.device,
                "available_gb": round(seen.available_gb, 2),
                "used_by_models_gb": round(seen.used_by_models_gb, 2),
                "limit_gb": round(seen.limit_gb, 2),
            },
        )

    return NodeKind(
        name="resources",
        summary="Looks at the memory that is free.",
        settings=ResourcesSettings,
        run=look,
        fields={
            "vram_status": said("resources_vram_status", "ok or low"),
            "device": said("resources_device", "the device that models run on"),
            "available_gb": said("resources_available_gb", "free memory of the device, GB"),
            "used_by_models_gb": said("resources_used_by_models_gb", "memory that loaded models take, GB"),
            "limit_gb": said("resources_limit_gb", "memory that models may take, GB"),
        },
        types={
            "vram_status": "text",
            "device": "text",
            "available_gb": "number",
            "used_by_models_gb": "number",
            "limit_gb": "number",
        },
    )
