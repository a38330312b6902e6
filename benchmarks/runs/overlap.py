"""Whether branches wait for each other: wall time of unbalanced graphs over the longest way through them."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.database import open_database
from agent_lab.storage.runs import SqlRuns
from support.runs import bench


class Slow(ScriptedProvider):
    """Takes as long for a call as its role says: `s_0_5` is half a second."""

    async def stream(self, call: ModelCall) -> Any:
        """One piece, late."""
        await asyncio.sleep(seconds_of(call.request.context.role or ""))
        async for piece in super().stream(call):
            yield piece


def seconds_of(role: str) -> float:
    """`s_1_25` is 1.25."""
    return float(role.removeprefix("s_").replace("_", "."))


def random_flow(seed: int, call_s: float) -> tuple[dict[str, Any], float]:
    """Twelve nodes in layers of unequal length, and the seconds of its longest way."""
    chance = random.Random(seed)
    nodes, edges, ends = [], [], {}
    for number in range(12):
        seconds = round(call_s * chance.choice([0.5, 1, 1, 2]), 3)
        before = [] if number == 0 else sorted(chance.sample(range(number), chance.randint(1, min(2, number))))
        nodes.append(
            {"id": f"n{number}", "kind": "generate", "prompt": "{user_input}", "role": f"s_{seconds}".replace(".", "_")}
        )
        edges += [{"from": f"n{source}", "to": f"n{number}"} for source in before]
        ends[number] = seconds + max((ends[source] for source in before), default=0.0)
    sources = {edge["from"] for edge in edges}
    last = [node["id"] for node in nodes if node["id"] not in sources]
    document = {"id": f"random{seed}", "name": "r", "nodes": nodes, "edges": edges, "answer": last[-1]}
    return document | {"limits": {"max_parallel": 12}}, max(ends.values())


async def ratio(seed: int, call_s: float) -> float:
    """Wall time over the longest way, durable on SQLite."""
    document, longest_s = random_flow(seed, call_s)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flows").mkdir()
        (folder / "flows" / "random.json").write_text(json.dumps(document), "utf-8")
        store = SqlRuns(await open_database(folder / "lab.db"))
        lab = bench(folder, Slow({"*": "text"}), store=store)
        began = time.perf_counter()
        info = await lab.runs.start(RunRequest(flow=str(document["id"]), prompt="x"))
        view = await lab.runs.wait(info.run_id)
        wall_s = time.perf_counter() - began
        assert view.status == "completed", view.fault
        await store.close()
    return wall_s / longest_s


def lines(*, quick: bool = False) -> Iterator[str]:
    """Nine random graphs for each length of a call."""
    for call_s, bound in ((1.0, 1.05), (0.05, 1.25)):
        asyncio.run(ratio(0, 0.01))  # the first run of a process loads what it needs
        ratios = sorted(asyncio.run(ratio(seed, call_s)) for seed in range(2 if quick else 9))
        yield (
            f"calls of about {call_s:g} s: wall time over the longest way {ratios[len(ratios) // 2]:.3f} "
            f"(worst {ratios[-1]:.3f}, bound {bound})"
        )
