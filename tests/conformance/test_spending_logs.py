"""Every spending log keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent_lab.contracts.ports import Spending, SpendingLog
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place
from agent_lab.storage.spending import MemorySpending, SqlSpending
from support.stores import place_of

DAY = date(2026, 3, 1)
NEXT = DAY + timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def spending(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SpendingLog]:
    if request.param == "memory":
        yield MemorySpending()
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    yield SqlSpending(database)
    await database.close()


async def test_a_day_without_spending_has_a_total_of_nothing(spending: SpendingLog) -> None:
    assert await spending.total(DAY) == 0
    assert list(await spending.by_model(DAY)) == []


async def test_amounts_add_up_exactly_by_day_and_by_model(spending: SpendingLog) -> None:
    for _ in range(10):
        await spending.add(DAY, "small", Decimal("0.0000000375"))
    await spending.add(DAY, "large", Decimal("1234.567890123456"))
    await spending.add(NEXT, "small", Decimal("0.1"))
    assert await spending.total(DAY) == Decimal("1234.567890498456")
    assert list(await spending.by_model(DAY)) == [
        Spending(day=DAY, model_key="large", usd=Decimal("1234.567890123456")),
        Spending(day=DAY, model_key="small", usd=Decimal("0.000000375")),
        Spending(day=NEXT, model_key="small", usd=Decimal("0.1")),
    ]
    assert [one.day for one in await spending.by_model(NEXT)] == [NEXT]


async def test_calls_side_by_side_lose_nothing(spending: SpendingLog) -> None:
    await asyncio.gather(*(spending.add(DAY, "m", Decimal("0.01")) for _ in range(50)))
    assert await spending.total(DAY) == Decimal("0.5")


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity"])
async def test_what_is_no_sum_of_money_is_refused(spending: SpendingLog, amount: str) -> None:
    with pytest.raises(ValueError, match="no sum of money"):
        await spending.add(DAY, "m", Decimal(amount))
    assert await spending.total(DAY) == 0


async def test_two_processes_on_one_database_add_to_the_same_row(place: Place) -> None:
    databases = [await open_database(place) for _ in range(2)]
    logs = [SqlSpending(database) for database in databases]
    await asyncio.gather(*(log.add(DAY, "m", Decimal("0.01")) for _ in range(10) for log in logs))
    assert await logs[0].total(DAY) == Decimal("0.2")
    for database in databases:
        await database.close()
