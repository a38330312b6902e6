"""A process that evaluates and is there to be killed: takes up what it finds, or starts one evaluation.

Its model is scripted. Each call is counted in `calls.log` as it begins, by a write that a kill cannot take back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent_lab.contracts.evaluation import EvaluationSpec, FlowArm, NoiseArm, SingleArm
from agent_lab.storage.database import open_database
from agent_lab.storage.evaluation_sources import SqlAnswers, SqlBadges, SqlDatasets
from agent_lab.storage.evaluations import SqlEvaluations
from support.evaluating import service, sums
from support.evaluation_stores import Kept
from support.killed_lab import CountedProvider, place_of
from support.runs import bench

IN_FLIGHT = 4
CALLS_IN_FLIGHT = 4 * IN_FLIGHT
"""So many calls of one run go side by side (`limits.max_parallel`)."""
ITEMS = 20
SPEC = EvaluationSpec(
    dataset="sums",
    arms=(
        FlowArm(name="challenge", flow="challenge"),
        SingleArm(name="single", like="challenge"),
        NoiseArm(name="noise", flow="challenge"),
    ),
    concurrency=IN_FLIGHT,
)


async def work(folder: Path, url: str, *, start: bool) -> None:
    """Start the evaluation or take it up, and stay until it has ended."""
    database = await open_database(place_of(url))
    kept = Kept(SqlEvaluations(database), SqlDatasets(database), SqlAnswers(database), SqlBadges(database))
    evaluations = service(bench(folder, CountedProvider(folder / "calls.log")), kept)
    if start:
        await kept.datasets.put(sums(ITEMS))
        await evaluations.start(SPEC)
    else:
        await evaluations.recover()
    for info in await evaluations.list():
        await evaluations.wait(info.evaluation_id)
    await evaluations.close()
    await database.close()


def main(folder: str, url: str, start: bool) -> None:
    """For `multiprocessing`."""
    asyncio.run(work(Path(folder), url, start=start))
