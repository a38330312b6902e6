"""Counts what reaches a sick provider when its breaker half opens before a hundred callers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from itertools import islice

from benchmarks.gateway.loopback import Caller, chat_request
from benchmarks.gateway.servers import Server, agent_lab
from benchmarks.gateway_soak.upstream import Upstream, listening

CALLERS = 100
OPEN_S = 2.0
"""For how long the breaker of this server leaves a model alone."""
SETTLE_S = 10.0
TRIES_TO_OPEN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Arrivals while the probe was under way, once with a probe that fails and once with one that succeeds."""

    failing: int
    healing: int
    closed_again: bool
    """True where the next call after the good probe went to the model itself."""


def _rows(sick: Upstream, well: Upstream) -> str:
    rows = [
        f'[[provider]]\nkey = "{key}"\nkind = "openai_compatible"\nbase_url = "http://127.0.0.1:{one.port}/v1"\n'
        for key, one in (("sick", sick), ("well", well))
    ]
    rows.append('[[model]]\nkey = "sick"\nprovider = "sick"\nfallbacks = ["well"]\n')
    rows.append('[[model]]\nkey = "well"\nprovider = "well"\n')
    return "".join(rows)


async def _call(server: Server, call: int) -> None:
    caller = Caller(server.port)
    body = {"model": "sick", "messages": [{"role": "user", "content": f"Call {call}."}]}
    reply = await caller.ask(chat_request("/v1/chat/completions", body, server.token))
    caller.close()
    if reply.status != 200:
        raise SystemExit(f"A model with a living fallback did not answer: {reply.status} {reply.body[:300]!r}")


async def _open_breaker(server: Server, sick: Upstream) -> None:
    """Call until a call does not reach the sick provider any more."""
    sick.always, sick.held = "failing", None
    for call in range(TRIES_TO_OPEN):
        before = sick.arrivals
        await _call(server, call)
        if sick.arrivals == before:
            return
    raise SystemExit(f"The breaker of a model that always fails has not opened after {TRIES_TO_OPEN} calls.")


async def _crowd(server: Server, sick: Upstream, fault: str | None) -> int:
    """Arrivals at the provider while its first visitor still waits, of a hundred callers who come together."""
    await asyncio.sleep(OPEN_S * 1.2)
    before, sick.always, sick.held = sick.arrivals, fault, asyncio.Event()
    callers = [asyncio.create_task(_call(server, call)) for call in range(CALLERS)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            for answered in islice(asyncio.as_completed(callers), CALLERS - 1):
                await answered
    arrived = sick.arrivals - before
    sick.held.set()
    await asyncio.gather(*callers)
    # A probe that failed must not be tried again either; after a good one the rest may come.
    return sick.arrivals - before if fault else arrived


async def half_open() -> Probes:
    """Open a breaker, let it half open before a crowd, twice."""
    sick, well = Upstream(seed="sick"), Upstream(seed="well")
    async with listening(sick, well):
        settings = {"CIRCUIT_BREAKER_TIMEOUT": str(OPEN_S), "CIRCUIT_BREAKER_MAX_FAILURES": "3"}
        with agent_lab(_rows(sick, well), settings=settings) as server:
            await _open_breaker(server, sick)
            failing = await _crowd(server, sick, "failing")
            healing = await _crowd(server, sick, None)
            before, sick.held = sick.arrivals, None
            await _call(server, CALLERS)
            return Probes(failing=failing, healing=healing, closed_again=sick.arrivals == before + 1)
