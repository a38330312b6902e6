"""Evaluation stores of each kind, on the clock of the run stores, and things to keep in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.evaluation import Dataset, DatasetInfo, EvaluationInfo, EvaluationSpec, FlowArm, Item
from agent_lab.contracts.evaluation_ports import AnswerCache, BadgeStore, DatasetStore, EvaluationStore
from agent_lab.storage.database import open_database
from agent_lab.storage.evaluation_sources import SqlAnswers, SqlBadges, SqlDatasets
from agent_lab.storage.evaluations import SqlEvaluations
from agent_lab.storage.memory_evaluations import MemoryAnswers, MemoryBadges, MemoryDatasets, MemoryEvaluations
from support.stores import NOON, Clock, place_of

SPEC = EvaluationSpec(dataset="sums", arms=(FlowArm(name="challenge", flow="challenge"),))


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that evaluations keep, in one place."""

    evaluations: EvaluationStore
    datasets: DatasetStore
    answers: AnswerCache
    badges: BadgeStore


def in_memory(clock: Clock) -> Kept:
    """All of it without a disk."""
    return Kept(MemoryEvaluations(clock=clock), MemoryDatasets(clock=clock), MemoryAnswers(), MemoryBadges())


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Kept]:
    if request.param == "memory":
        yield in_memory(clock)
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    yield Kept(
        SqlEvaluations(database, clock=clock),
        SqlDatasets(database, clock=clock),
        SqlAnswers(database, clock=clock),
        SqlBadges(database),
    )
    await database.close()


def items(count: int = 3) -> tuple[Item, ...]:
    """Sums, in their order."""
    return tuple(Item(id=f"q{n}", input=f"{n} + 1?", target=str(n + 1), columns={"level": n}) for n in range(count))


def dataset(name: str = "sums", *, content: str = "f00d", count: int = 3) -> Dataset:
    """A dataset of sums."""
    return Dataset(info=DatasetInfo(name=name, content_hash=content, items=count), items=items(count))


def evaluation(evaluation_id: str = "e1", *, minutes: float = 0, **more: Any) -> EvaluationInfo:
    """One that has not begun."""
    return EvaluationInfo(
        evaluation_id=evaluation_id,
        spec=SPEC,
        dataset=dataset().info,
        created_at=NOON + timedelta(minutes=minutes),
        **more,
    )
