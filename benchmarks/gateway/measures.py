"""What is measured of a server: CPU per call and per chunk, the wait for the first word, calls a second, memory."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from benchmarks.gateway.loopback import FIRST_WORD, Caller, Reply, chat_request
from benchmarks.gateway.servers import Server

CHUNKS = 400
LONG_HISTORY = 40
CALLERS = 32
MEMORY_CALLS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many calls each figure rests on."""

    rounds: int = 7
    calls: int = 300
    streams: int = 60
    paced_streams: int = 4
    per_s_calls: int = 1000

    @classmethod
    def quick(cls) -> Effort:
        """Enough to see that the bench itself works, too little to quote."""
        return cls(rounds=3, calls=60, streams=20, paced_streams=2, per_s_calls=200)


def question(server: Server, model: str, *, messages: int = 1, stream: bool = False) -> bytes:
    """A chat completion's request. Histories end with the user, as a conversation does."""
    turns = [
        {
            "role": "user" if (messages - number) % 2 else "assistant",
            "content": f"This is what turn {number} says. " * 4,
        }
        for number in range(messages)
    ]
    body: dict[str, Any] = {"model": model, "messages": turns}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return chat_request("/v1/chat/completions", body, server.token)


async def drive(server: Server, request: bytes, calls: int, *, callers: int = 1) -> list[Reply]:
    """Make so many calls, so many at a time. Ends the bench where one is not answered whole."""
    replies: list[Reply] = []

    async def work(share: int) -> None:
        caller = Caller(server.port)
        replies.extend([await caller.ask(request) for _ in range(share)])
        caller.close()

    shares = [calls // callers + (number < calls % callers) for number in range(callers)]
    async with asyncio.TaskGroup() as group:
        for share in shares:
            group.create_task(work(share))
    for reply in replies:
        if reply.status != 200 or not reply.whole or FIRST_WORD not in reply.body:
            raise SystemExit(f"{server.name} did not answer: {reply.status} {reply.body[:500]!r}")
    return replies


async def _cpu_us(server: Server, request: bytes, calls: int) -> float:
    before_s = server.cpu_s()
    await drive(server, request, calls)
    return (server.cpu_s() - before_s) / calls * 1e6


async def call_us(server: Server, effort: Effort) -> float:
    """Microseconds of CPU for a whole answer to one message."""
    return await _cpu_us(server, question(server, "burst-1"), effort.calls)


async def long_call_us(server: Server, effort: Effort) -> float:
    """The same with a history."""
    return await _cpu_us(server, question(server, "burst-1", messages=LONG_HISTORY), effort.calls)


async def _chunk_us(server: Server, kind: str, streams: int) -> float:
    """What a long stream costs beyond one of a single chunk, a chunk."""
    long = await _cpu_us(server, question(server, f"{kind}-{CHUNKS}", stream=True), streams)
    short = await _cpu_us(server, question(server, f"{kind}-1", stream=True), streams)
    return (long - short) / (CHUNKS - 1)


async def burst_chunk_us(server: Server, effort: Effort) -> float:
    """Microseconds of CPU for a chunk of a stream that comes at once."""
    return await _chunk_us(server, "burst", effort.streams)


async def paced_chunk_us(server: Server, effort: Effort) -> float:
    """Microseconds of CPU for a chunk that comes in a packet of its own."""
    return await _chunk_us(server, "paced", effort.paced_streams)


async def first_word_ms(server: Server, effort: Effort) -> float:
    """Median milliseconds from the request to the first word of a stream."""
    replies = await drive(server, question(server, "burst-1", stream=True), effort.calls)
    return statistics.median(reply.first_word_s or 0.0 for reply in replies) * 1e3


async def calls_per_s(server: Server, effort: Effort) -> float:
    """Whole answers a second, 32 callers at a time."""
    request, began_s = question(server, "burst-1"), time.perf_counter()
    await drive(server, request, effort.per_s_calls, callers=CALLERS)
    return effort.per_s_calls / (time.perf_counter() - began_s)


Measure = Callable[[Server, Effort], Coroutine[Any, Any, float]]
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {one.__name__: one for one in (call_us, long_call_us, burst_chunk_us, paced_chunk_us, first_word_ms, calls_per_s)}
)


async def memory_mb(server: Server) -> dict[str, float]:
    """MB of RAM as started, after the first call, and after a thousand. To be asked before anything else."""
    found, request = {"rss_start_mb": server.rss_mb()}, question(server, "burst-1")
    await drive(server, request, 1)
    found["rss_first_call_mb"] = server.rss_mb()
    await drive(server, request, MEMORY_CALLS - 1, callers=CALLERS)
    found["rss_1000_calls_mb"] = server.rss_mb()
    return found


async def rounds(servers: Sequence[tuple[str, Server]], effort: Effort) -> dict[str, dict[str, list[float]]]:
    """Every measure of every server, interleaved; each other round goes through them backwards."""
    found: dict[str, dict[str, list[float]]] = {name: {label: [] for label, _ in servers} for name in MEASURES}
    for number in range(effort.rounds):
        for name, measure in MEASURES.items():
            for label, server in servers[:: -1 if number % 2 else 1]:
                found[name][label].append(await measure(server, effort))
    return found
