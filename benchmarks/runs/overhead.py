"""What a node costs beyond its model: the same chain of calls in LangGraph alone, in memory, and durable on SQLite."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

from agent_lab.contracts.events import RunStarted
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.run_ports import RunStore
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns
from support.runs import Bench, bench

ANSWER = "one two three four five six seven eight"


class _State(TypedDict):
    text: str


def chain(nodes: int) -> dict[str, Any]:
    """A flow of that many calls, one after the other."""
    prompts = ["{user_input}", *(f"Better: {{n{i}_output}}" for i in range(nodes - 1))]
    return {
        "id": f"chain{nodes}",
        "name": "chain",
        "nodes": [{"id": f"n{i}", "kind": "generate", "prompt": prompt} for i, prompt in enumerate(prompts)],
        "edges": [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(nodes - 1)],
        "limits": {"max_steps": nodes},
    }


async def langgraph(gateway: ProviderGateway, nodes: int) -> float:
    """Seconds of the same calls through the same gateway, in a graph of LangGraph's own."""
    from langgraph.graph import END, START, StateGraph

    async def step(state: _State) -> _State:
        text = ""
        async for piece in gateway.stream(GenerationRequest(prompt=f"Better: {state['text']}")):
            text = getattr(piece, "text", text)
        return {"text": text}

    began = time.perf_counter()
    graph: Any = StateGraph(_State)
    names = [f"n{i}" for i in range(nodes)]
    for name in names:
        graph.add_node(name, step)
    for source, target in zip((START, *names), (*names, END), strict=True):
        graph.add_edge(source, target)
    await graph.compile().ainvoke({"text": "What is 1 + 1?"}, {"recursion_limit": nodes + 2})
    return time.perf_counter() - began


async def one_run(lab: Bench, flow: str) -> tuple[float, float]:
    """Seconds of a run: until its first event is there, and until its last."""
    began, first = time.perf_counter(), 0.0
    info = await lab.runs.start(RunRequest(flow=flow, prompt="What is 1 + 1?"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, RunStarted):
            first = time.perf_counter() - began
        last = time.perf_counter() - began
    return first, last


@asynccontextmanager
async def store_of(kind: str, folder: Path) -> AsyncIterator[RunStore]:
    """A store of that kind, closed at the end."""
    store: RunStore = MemoryRuns() if kind == "memory" else SqlRuns(await open_database(folder / "lab.db"))
    yield store
    await store.close()


async def figures(kind: str, nodes: int, folder: Path, times: int) -> tuple[float, float, float]:
    """Medians in ms: the first event, a node of ours, a node of LangGraph with the same call in it."""
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / "chain.json").write_text(json.dumps(chain(nodes)), "utf-8")
    async with store_of(kind, folder) as store:
        lab = bench(folder, ScriptedProvider({"*": ANSWER}), store=store)
        gateway = lab.runs.shop.generator
        assert isinstance(gateway, ProviderGateway)
        ours, theirs = [], []
        for turn in range(times + 3):
            seconds = await langgraph(gateway, nodes), await one_run(lab, f"chain{nodes}")
            if turn >= 3:  # the first ones import and compile
                theirs.append(seconds[0])
                ours.append(seconds[1])
    first = statistics.median(run[0] for run in ours) * 1000
    ours_ms = statistics.median(run[1] for run in ours) * 1000 / nodes
    return first, ours_ms, statistics.median(theirs) * 1000 / nodes


def lines(*, quick: bool = False) -> Iterator[str]:
    """Both stores, a short and a long chain. The run's own beginning and end, its file too, are in the figures."""
    for kind in ("memory", "SQLite"):
        for nodes in (3, 10, 50):
            times = 8 if quick else max(10, 240 // nodes)
            with tempfile.TemporaryDirectory() as folder:
                first, ours, theirs = asyncio.run(figures(kind, nodes, Path(folder), times))
            yield (
                f"{kind:<7}{nodes:>3} nodes  first event {first:4.1f} ms   a node {ours:5.2f} ms, "
                f"in LangGraph {theirs:5.2f} ms: {ours - theirs:+5.2f} ms, {(ours / theirs - 1) * 100:+4.0f} %"
            )
