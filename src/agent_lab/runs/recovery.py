"""Takes up, again and again, the runs that nobody works on any more."""

from __future__ import annotations

import asyncio

import structlog

from agent_lab.contracts.errors import AgentLabError
from agent_lab.runs.service import RENEW_S, RunService

log = structlog.get_logger(__name__)


async def watch_over(runs: RunService) -> None:
    """Recover until cancelled. Once is not enough: a killed worker's run is free only when its lease has ended."""
    while True:
        try:
            taken = await runs.recover()
        except AgentLabError as error:
            log.warning("recovery_failed", reason=error.message)
        else:
            if taken:
                log.info("runs_taken_up", runs=taken)
        await asyncio.sleep(RENEW_S)
