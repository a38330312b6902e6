"""A planner over the library, and whatever else evaluations need of a lab, with scripted models at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_lab.contracts.errors import unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.evaluation.arms.plans import Planner
from agent_lab.flows.catalog import flow_hash
from support.runs import Bench


class SomeFlows:
    """Finds these flows by their ids."""

    def __init__(self, flows: Mapping[str, FlowConfig]) -> None:
        self._flows = flows

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """Raises NotFoundError."""
        if name not in self._flows:
            raise unknown_name("flow", name, self._flows, where="flow")
        flow = self._flows[name]
        return FlowRef(flow=flow, flow_hash=flow_hash(flow))


def planner(lab: Bench, *flows: FlowConfig | Mapping[str, Any]) -> Planner:
    """A planner over the library, or over these flows."""
    shop = lab.runs.shop
    found = [one if isinstance(one, FlowConfig) else FlowConfig.model_validate(one) for one in flows]
    return Planner(
        flows=SomeFlows({one.id: one for one in found}) if found else lab.runs.flows,
        admission=lab.runs.admission,
        kinds=shop.kinds,
        check=lab.runs.check,
    )
