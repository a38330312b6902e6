"""Puts rows of ended runs straight into a lab's database: lists as long as years make them, in a second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert

from agent_lab.contracts.run import RunInfo, RunStatus
from agent_lab.storage.database import open_database
from agent_lab.storage.rules import STORED
from agent_lab.storage.tables import RUN_MODELS, RUNS

FLOWS = ("challenge", "consensus", "multi_perspective", "debate", "iterative")
STATES: tuple[RunStatus, ...] = ("completed",) * 6 + ("failed", "cancelled", "declined", "limit_exceeded")  # type: ignore[assignment]
QUESTIONS = (
    "Ana has {n} apples and buys 30 more. How many has she now?",
    "Should the {n} services share one database, or each have its own? Weigh latency, cost and who is woken at night.",
    "Translate the release notes of version {n} into plain Spanish.",
    "Which of these {n} clauses contradict each other? Name the pairs, and say why.",
)


def rows(count: int, *, until: datetime | None = None) -> Iterator[RunInfo]:
    """Runs of every state and flow, a minute apart, the newest last."""
    newest = until or datetime.now(UTC) - timedelta(minutes=1)
    for number in range(count):
        begun = newest - timedelta(minutes=count - 1 - number)
        status = STATES[number % len(STATES)]
        yield RunInfo(
            run_id=f"{begun:%Y%m%dt%H%M%S}-{number:010d}",
            flow_id=FLOWS[number % len(FLOWS)],
            flow_hash="f00d",
            status=status,
            prompt=QUESTIONS[number % len(QUESTIONS)].format(n=number),
            request_id=f"q{number}",
            created_at=begun,
            finished_at=begun + timedelta(seconds=number % 90 + 1),
            calls=number % 9,
            cost_usd=None if number % 7 == 0 else Decimal(number % 1000) / 10_000,
            seconds=float(number % 90) + 0.4,
        )


async def fill(home: Path, count: int) -> list[RunInfo]:
    """The rows, oldest first, in the database of the lab in that folder; every third was answered by `voice`."""
    made = list(rows(count))
    database = await open_database(home / "agent-lab.db")
    answered = [{"run_id": run.run_id, "model_key": ("voice", "other", "demo")[n % 3]} for n, run in enumerate(made)]
    stored = [run.model_dump(include=set(STORED)) for run in made]
    await database.write(lambda connection: connection.execute(insert(RUNS), stored))
    await database.write(lambda connection: connection.execute(insert(RUN_MODELS), answered))
    await database.close()
    return made
