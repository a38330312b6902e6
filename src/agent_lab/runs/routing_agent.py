"""One call for one deliberation: starts a run, waits for its end, hands back what the front end shows."""

from __future__ import annotations

from typing import Any

from agent_lab.contracts.run import RunOptions, RunRequest, RunView
from agent_lab.flows.metrics import build_api_response
from agent_lab.runs.service import RunService


async def run_routing_agent(
    user_input: str, runs: RunService, flow_type: str = "linear", options: RunOptions | None = None
) -> RunView:
    """The ended run of that flow on that question. Raises what `RunService.start` raises."""
    info = await runs.start(RunRequest(flow=flow_type, prompt=user_input, options=options or RunOptions()))
    return await runs.wait(info.run_id)


async def run_orchestrator(prompt: str, runs: RunService, flow_type: str = "linear") -> dict[str, Any]:
    """The same as the answer of `/orchestrate`: result, flow and metrics, or the error and all that there was."""
    return build_api_response(await run_routing_agent(prompt, runs, flow_type))
