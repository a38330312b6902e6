"""A flow out of a file, for one run: it is checked as any other and stored nowhere but with its run."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent_lab.contracts.flow_ports import FlowRef, FlowSource

if TYPE_CHECKING:
    from agent_lab.runs.service import RunService
    from agent_lab.wiring import Lab


def is_file(flow: str) -> bool:
    """True for what can only be a file: ids of flows have neither dots nor slashes."""
    return flow.endswith(".json") or os.sep in flow or "/" in flow


@dataclass(frozen=True, slots=True)
class _OneMore:
    """A source of flows with one flow before all others."""

    first: FlowRef
    others: FlowSource

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """Raises what the others raise."""
        return self.first if name == self.first.flow.id else await self.others.resolve(name, only=only)


async def runs_with_file(lab: Lab, path: str) -> tuple[RunService, str]:
    """The runs, with the flow in that file among their flows, and its id. Raises ValidationError with its problems."""
    from agent_lab.flows.catalog import flow_hash

    flow = await asyncio.to_thread(lab.flows.load, Path(path))
    ref = FlowRef(flow=flow, flow_hash=await asyncio.to_thread(flow_hash, flow))
    return replace(lab.runs, flows=_OneMore(ref, lab.runs.flows)), flow.id
