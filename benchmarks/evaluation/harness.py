"""What a model call of an evaluation costs beyond the gateway: CPU of the whole evaluation, less that of its calls."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent_lab.contracts.evaluation import AnyArm, EvaluationSpec, FlowArm, SingleArm, VoteArm
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.evaluation.service import EvaluationService
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.database import open_database
from agent_lab.storage.evaluation_sources import SqlAnswers, SqlBadges, SqlDatasets
from agent_lab.storage.evaluations import SqlEvaluations
from agent_lab.storage.place import Place
from support.evaluating import service, sums
from support.evaluation_stores import Kept
from support.runs import Bench, bench

ARMS: tuple[AnyArm, ...] = (
    SingleArm(name="single", like="challenge"),
    VoteArm(name="vote", k=5, like="challenge"),
    FlowArm(name="challenge", flow="challenge"),
)
BOUND_MS = 2.0


def lines(*, quick: bool) -> Iterator[str]:
    """Of each arm by itself, on SQLite: milliseconds a call, and the same with every answer in the cache."""
    head = "".join(f"{name:>10}" for name in ("calls", "gateway", "harness", "cached"))
    yield f"{'arm':<12}{head}   ms CPU a call (the bound is {BOUND_MS:g})"
    for arm in ARMS:
        calls, gateway_ms, harness_ms, cached_ms = asyncio.run(_measured(arm, items=60 if quick else 300))
        yield f"{arm.name:<12}{calls:>10}{gateway_ms:>10.2f}{harness_ms:>10.2f}{cached_ms:>10.2f}"


async def _measured(arm: AnyArm, *, items: int) -> tuple[int, float, float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = await open_database(Place.of_file(folder / "lab.db"))
        kept = Kept(SqlEvaluations(database), SqlDatasets(database), SqlAnswers(database), SqlBadges(database))
        await kept.datasets.put(sums(items))
        asked: list[ModelCall] = []
        lab = bench(folder, ScriptedProvider(lambda call: asked.append(call) or f"Let me see. Answer: {len(asked)}"))
        evaluations = service(lab, kept)
        await _carry_out(evaluations, arm, seed=1)  # what is imported and compiled once is not counted
        asked.clear()
        first_s, calls = await _carry_out(evaluations, arm, seed=0), len(asked)
        again_s = await _carry_out(evaluations, arm, seed=0)
        gateway_s = await _gateway(lab, [call.request for call in asked])
        await database.close()
    return calls, 1000 * gateway_s / calls, 1000 * (first_s - gateway_s) / calls, 1000 * again_s / calls


async def _carry_out(evaluations: EvaluationService, arm: AnyArm, *, seed: int) -> float:
    """CPU seconds from the start to the last answer; the report is measured by itself."""
    began, took_s = time.process_time(), 0.0
    info = await evaluations.start(EvaluationSpec(dataset="sums", arms=(arm,), baseline=arm.name, seed=seed))
    async for told in evaluations.watch(info.evaluation_id):
        if told.progress.cells == told.progress.of and not took_s:
            took_s = time.process_time() - began
    return took_s


async def _gateway(lab: Bench, requests: list[GenerationRequest]) -> float:
    """The same calls made of the gateway alone, eight at a time."""
    began = time.process_time()
    for start in range(0, len(requests), 8):
        await asyncio.gather(*(lab.runs.shop.generator.generate(one) for one in requests[start : start + 8]))
    return time.process_time() - began
