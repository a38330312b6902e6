"""What was spent, by day and model."""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Self

import pytest

from agent_lab.lab import spending
from api.doors import Door


class Noon(datetime):
    """A clock of one day, which does not end while a test goes on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 3, 1, 12, tzinfo=tz)


async def test_what_each_model_cost_is_told_by_day(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "datetime", Noon)
    today = Noon.now(UTC).date()
    log = door.lab.spending
    for days_ago, model, usd in ((0, "a", "0.25"), (0, "b", "0.5"), (3, "a", "1"), (40, "a", "9")):
        await log.add(today - timedelta(days=days_ago), model, Decimal(usd))
    async with door.owner() as owner:
        told = (await owner.get("/api/spending")).json()
        year = (await owner.get("/api/spending", params={"days": 366})).json()
        refused = await owner.get("/api/spending", params={"days": 0})
    assert (told["today_usd"], told["daily_budget_usd"]) == (0.75, None)
    assert [(row["model_key"], row["usd"]) for row in told["days"]] == [("a", 1.0), ("a", 0.25), ("b", 0.5)]
    assert told["days"][1]["day"] == today.isoformat()
    assert len(year["days"]) == 4
    assert (refused.status_code, refused.json()["where"]) == (422, "days")
