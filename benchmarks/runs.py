"""What a run costs beyond its models: the challenge flow on a scripted model, in memory and durable on SQLite."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

from agent_lab.contracts.events import NodeStarted, RunStarted
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.run_ports import RunStore
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns
from support.runs import Bench, bench

NODES = 3
TIMES = 60


class _State(TypedDict):
    text: str


async def bare_langgraph() -> float:
    """Seconds of the same three steps in LangGraph alone, each a function that answers at once."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(_State)

    async def step(state: _State) -> _State:
        return {"text": state["text"] + "."}

    names = ("creator", "challenger", "refiner")
    for name in names:
        graph.add_node(name, step)
    for source, target in zip((START, *names), (*names, END), strict=True):
        graph.add_edge(source, target)
    began = time.perf_counter()
    await graph.compile().ainvoke({"text": ""})
    return time.perf_counter() - began


async def one_run(lab: Bench) -> tuple[float, float, float]:
    """Seconds of a run: until `start` returns, until the first node begins, until its end."""
    began = time.perf_counter()
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="What is 1 + 1?"))
    started, first = time.perf_counter() - began, 0.0
    async for event in lab.runs.watch(info.run_id):
        if not first and isinstance(event, RunStarted | NodeStarted):
            first = time.perf_counter() - began
    return started, first, time.perf_counter() - began


@asynccontextmanager
async def store_of(kind: str, folder: Path) -> AsyncIterator[RunStore]:
    """A store of that kind, closed at the end."""
    store: RunStore = MemoryRuns() if kind == "memory" else SqlRuns(await open_database(folder / "lab.db"))
    yield store
    await store.close()


async def figures(kind: str, folder: Path) -> tuple[float, float, float]:
    """Medians in ms: first event, the whole run, and what each node costs beyond bare LangGraph."""
    async with store_of(kind, folder) as store:
        lab = bench(folder, ScriptedProvider({"*": "ok"}), store=store)
        await one_run(lab)
        ours, floor = [], []
        for _ in range(TIMES):
            floor.append(await bare_langgraph())
            ours.append(await one_run(lab))
    first, whole = (statistics.median(run[part] for run in ours) * 1000 for part in (1, 2))
    return first, whole, (whole - statistics.median(floor) * 1000) / NODES


def lines() -> Iterator[str]:
    """Both stores."""
    for kind in ("memory", "SQLite"):
        with tempfile.TemporaryDirectory() as folder:
            first, whole, node = asyncio.run(figures(kind, Path(folder)))
        yield f"{kind:<8} first event {first:5.1f} ms   run {whole:6.1f} ms   {node:5.2f} ms a node over bare LangGraph"
