"""Keeps what was spent on which day, in the database or in memory, exact to 1e-12 USD."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, func, select

from agent_lab.contracts.ports import Spending
from agent_lab.storage.database import Database, insert_into
from agent_lab.storage.tables import PICO, SPENDING, pico_of


class SqlSpending:
    """The spending log (`contracts.ports.SpendingLog`) on a database that others use too, and close."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, day: date, model_key: str, usd: Decimal) -> None:
        """Add to the day's row of the model, in one statement. Raises ValueError for what is no sum of money."""
        row = {"day": day, "model_key": model_key, "pico_usd": _pico(usd)}

        def work(connection: Connection) -> None:
            new = insert_into(connection, SPENDING).values(row)
            more = SPENDING.c.pico_usd + new.excluded.pico_usd
            connection.execute(new.on_conflict_do_update(index_elements=["day", "model_key"], set_={"pico_usd": more}))

        await self._database.write(work)

    async def total(self, day: date) -> Decimal:
        """USD of all models on a day."""
        query = select(func.coalesce(func.sum(SPENDING.c.pico_usd), 0)).where(SPENDING.c.day == day)

        def work(connection: Connection) -> int:
            return int(connection.execute(query).scalar_one())

        return await self._database.read(work) * PICO

    async def by_model(self, since: date) -> Sequence[Spending]:
        """From that day on: by day, then by model."""
        query = select(SPENDING).where(SPENDING.c.day >= since).order_by(SPENDING.c.day, SPENDING.c.model_key)

        def work(connection: Connection) -> Sequence[Spending]:
            rows = connection.execute(query)
            return [Spending(day=row.day, model_key=row.model_key, usd=row.pico_usd * PICO) for row in rows]

        return await self._database.read(work)


class MemorySpending:
    """The spending log without a disk. No method awaits, so each is one transaction."""

    def __init__(self) -> None:
        self._pico: dict[tuple[date, str], int] = {}

    async def add(self, day: date, model_key: str, usd: Decimal) -> None:
        """Add to what is there. Raises ValueError for what is no sum of money."""
        self._pico[day, model_key] = self._pico.get((day, model_key), 0) + _pico(usd)

    async def total(self, day: date) -> Decimal:
        """USD of all models on a day."""
        return sum(pico for (its_day, _), pico in self._pico.items() if its_day == day) * PICO

    async def by_model(self, since: date) -> Sequence[Spending]:
        """From that day on: by day, then by model."""
        kept = sorted(self._pico.items())
        return [Spending(day=day, model_key=key, usd=pico * PICO) for (day, key), pico in kept if day >= since]


def _pico(usd: Decimal) -> int:
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no sum of money")
    return pico_of(usd)
