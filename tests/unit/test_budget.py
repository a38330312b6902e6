"""A day's budget: never exceeded by more than the call in flight, exact, and remembered."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import EnvironmentFaultError, LimitExceededError
from agent_lab.gateway.budget import Budget, BudgetHold
from agent_lab.gateway.ledger import Ledger
from agent_lab.storage.spending import MemorySpending
from support.skipped_time import skipping_time

TODAY = date(2026, 3, 1)
USD = Decimal
ONE = Decimal(1)
AMOUNTS = st.decimals(0, 2, places=7)


def test_a_spent_budget_says_when_it_starts_anew_and_how_to_raise_it() -> None:
    budget = Budget(USD(5))
    budget.settle(budget.hold(USD("0.10"), TODAY), USD("5.01"))
    with pytest.raises(LimitExceededError) as caught:
        budget.hold(USD("0.10"), TODAY)
    assert caught.value.message == (
        "Today's budget of $5.00 is spent ($5.01); it starts anew at 00:00 UTC, or raise AGENT_LAB_DAILY_BUDGET_USD."
    )
    budget.hold(USD("0.10"), TODAY + timedelta(days=1))


def test_calls_in_flight_count_as_what_they_may_cost() -> None:
    budget = Budget(USD(1))
    first = budget.hold(USD("0.60"), TODAY)
    budget.hold(USD("0.60"), TODAY)
    with pytest.raises(LimitExceededError, match=r"\$0.00 are spent and calls in flight may cost \$1.20; try again"):
        budget.hold(USD("0.01"), TODAY)
    budget.release(first)
    budget.hold(USD("0.01"), TODAY)


def test_what_costs_nothing_goes_on_when_the_budget_is_spent_and_what_is_unknown_does_not() -> None:
    budget = Budget(USD(0))
    budget.hold(USD(0), TODAY)
    with pytest.raises(LimitExceededError, match="is spent"):
        budget.hold(None, TODAY)


def test_a_call_that_nobody_counted_is_booked_with_its_estimate() -> None:
    budget = Budget(USD(1))
    hold = budget.hold(USD("0.25"), TODAY)
    budget.settle(hold, None)
    budget.settle(hold, USD(9))  # a second time changes nothing
    assert budget.spent_usd(TODAY) == USD("0.25")


def test_a_call_over_midnight_is_booked_to_the_day_on_which_it_began() -> None:
    budget = Budget(USD(1))
    hold = budget.hold(USD("0.5"), TODAY)
    budget.hold(USD("0.5"), TODAY + timedelta(days=1))
    budget.settle(hold, USD("0.5"))
    assert budget.spent_usd(TODAY) == USD("0.5")
    assert budget.spent_usd(TODAY + timedelta(days=1)) == 0


@given(
    limit=AMOUNTS,
    calls=st.lists(st.tuples(AMOUNTS, st.integers(0, 100), st.sampled_from(["settle", "unknown", "release", "open"]))),
)
def test_a_budget_is_exceeded_by_one_call_at_the_most(limit: Decimal, calls: list[tuple[Decimal, int, str]]) -> None:
    budget = Budget(limit)
    in_flight: list[BudgetHold] = []
    largest = booked = USD(0)
    for estimate, percent, end in calls:
        try:
            in_flight.append(budget.hold(estimate, TODAY))
            largest = max(largest, estimate)
        except LimitExceededError:
            assert booked + sum(hold.estimate_usd for hold in in_flight) >= limit
        if in_flight and end != "open":
            hold = in_flight.pop(percent % len(in_flight))
            actual = {"settle": hold.estimate_usd * percent / 100, "unknown": None, "release": USD(0)}[end]
            budget.settle(hold, actual)
            booked += hold.estimate_usd if actual is None else actual
    for hold in in_flight:
        budget.settle(hold, hold.estimate_usd)
        booked += hold.estimate_usd
    assert budget.spent_usd(TODAY) == booked  # exact, in any order
    assert booked <= limit + largest


# --- the ledger ---------------------------------------------------------------------------------------------------


class Days:
    def __init__(self) -> None:
        self.day = TODAY

    def __call__(self) -> date:
        return self.day


class BrokenDisk(MemorySpending):
    """Takes nothing until it is mended."""

    broken = True

    async def add(self, day: date, model_key: str, usd: Decimal) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise EnvironmentFaultError("The disk is full; make room on it.")
        await super().add(day, model_key, usd)


class CountedWrites(MemorySpending):
    writes = 0

    async def add(self, day: date, model_key: str, usd: Decimal) -> None:
        self.writes += 1
        await super().add(day, model_key, usd)


async def spend(ledger: Ledger, usd: Decimal | None, *, estimate: Decimal | None = ONE, model: str = "m") -> None:
    async with ledger.spending(model, estimate) as account:
        account.settle(usd)


async def test_what_was_spent_is_remembered_by_the_next_process() -> None:
    spending = MemorySpending()
    ledger = Ledger(spending, daily_budget_usd=USD(5), today=Days())
    await spend(ledger, USD("4.999999999"))
    await spend(ledger, USD("0.000000001"), model="other")
    await ledger.close()
    assert [(one.model_key, one.usd) for one in await spending.by_model(TODAY)] == [
        ("m", USD("4.999999999")),
        ("other", USD("0.000000001")),
    ]
    with pytest.raises(LimitExceededError, match=r"\$5.00 is spent \(\$5.00\)"):
        await spend(Ledger(spending, daily_budget_usd=USD(5), today=Days()), USD(1))


async def test_a_new_day_starts_anew() -> None:
    days, spending = Days(), MemorySpending()
    ledger = Ledger(spending, daily_budget_usd=USD(1), today=days)
    await spend(ledger, USD(1))
    with pytest.raises(LimitExceededError):
        await spend(ledger, USD(1))
    days.day += timedelta(days=1)
    await spend(ledger, USD("0.5"))
    await ledger.close()
    assert await spending.total(TODAY) == 1
    assert await spending.total(days.day) == USD("0.5")


async def test_a_failed_or_cancelled_call_gives_its_hold_back() -> None:
    spending = MemorySpending()
    ledger = Ledger(spending, daily_budget_usd=USD(1), today=Days())
    with pytest.raises(ZeroDivisionError):
        async with ledger.spending("m", USD(1)):
            raise ZeroDivisionError
    task = asyncio.create_task(_hang(ledger))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await spend(ledger, USD("0.1"))
    await ledger.close()
    assert await spending.total(TODAY) == USD("0.1")


async def _hang(ledger: Ledger) -> None:
    async with ledger.spending("m", USD(1)):
        await asyncio.sleep(60)


async def test_a_hundred_calls_side_by_side_cannot_overspend_together() -> None:
    spending = MemorySpending()
    ledger = Ledger(spending, daily_budget_usd=USD(1), today=Days())
    outcomes = await asyncio.gather(*(_slow(ledger, USD("0.03")) for _ in range(100)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes if outcome} == {LimitExceededError}
    await ledger.close()
    assert await spending.total(TODAY) == USD("1.02")


async def _slow(ledger: Ledger, usd: Decimal) -> None:
    async with ledger.spending("m", usd) as account:
        await asyncio.sleep(0.001)
        account.settle(usd)


@skipping_time
async def test_a_storm_of_calls_is_written_in_a_few_strokes() -> None:
    spending = CountedWrites()
    ledger = Ledger(spending, today=Days())
    for _ in range(100):
        await spend(ledger, USD("0.01"))
        await asyncio.sleep(0)
    await ledger.close()
    assert await spending.total(TODAY) == 1
    assert spending.writes <= 3


async def test_without_a_budget_costs_are_written_and_nothing_is_refused() -> None:
    spending = MemorySpending()
    ledger = Ledger(spending, today=Days())
    await spend(ledger, USD(1000))
    await spend(ledger, None, estimate=USD("0.5"))
    await spend(ledger, None, estimate=None)
    await spend(ledger, USD(0), model="free")
    await ledger.close()
    assert [(one.model_key, one.usd) for one in await spending.by_model(TODAY)] == [("m", USD("1000.5"))]


async def test_a_full_disk_fails_no_call_and_what_it_cost_is_written_later() -> None:
    spending = BrokenDisk()
    ledger = Ledger(spending, daily_budget_usd=USD(5), today=Days())
    await spend(ledger, USD(1))
    await asyncio.sleep(0.01)
    with pytest.raises(EnvironmentFaultError, match="full"):
        await ledger.close()
    spending.broken = False
    await spend(ledger, USD(2))
    await ledger.close()
    assert await spending.total(TODAY) == 3
