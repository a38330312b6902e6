"""A lab whose scripted model solves sums, with evaluations over it, as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.evaluation import AnyArm, Cell, EvaluationInfo, EvaluationSpec, FlowArm, SingleArm
from agent_lab.evaluation.service import EvaluationService
from support.evaluating import GatedProvider, Solver, service, sums
from support.evaluation_stores import Kept, in_memory
from support.runs import Bench, bench
from support.stores import Clock

CHALLENGE = FlowArm(name="challenge", flow="challenge")
SINGLE = SingleArm(name="single", like="challenge")


@pytest.fixture
def solver() -> Solver:
    return Solver()


@pytest.fixture
def kept() -> Kept:
    return in_memory(Clock())


@pytest.fixture
async def lab(tmp_path: Path, solver: Solver) -> Bench:
    return bench(tmp_path, GatedProvider(solver))


@pytest.fixture
async def evaluations(lab: Bench, kept: Kept) -> AsyncIterator[EvaluationService]:
    await kept.datasets.put(sums())
    found = service(lab, kept)
    yield found
    await found.close()


def spec(*arms: AnyArm, **more: Any) -> EvaluationSpec:
    return EvaluationSpec(dataset="sums", arms=arms, **{"baseline": arms[0].name, **more})


async def carried(evaluations: EvaluationService, what: EvaluationSpec) -> tuple[EvaluationInfo, dict[str, list[Cell]]]:
    """The evaluation at its end, and its cells by arm."""
    info = await evaluations.start(what)
    ended = await evaluations.wait(info.evaluation_id)
    return ended, await by_arm(evaluations, info.evaluation_id)


async def by_arm(evaluations: EvaluationService, evaluation_id: str) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in await evaluations.cells(evaluation_id):
        found.setdefault(cell.arm, []).append(cell)
    return found
