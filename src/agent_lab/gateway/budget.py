"""Says whether a day's budget in USD lets another call begin; calls in flight count as what they may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.sentences import said

SETTING = "AGENT_LAB_DAILY_BUDGET_USD"


@dataclass(frozen=True, slots=True, eq=False)
class BudgetHold:
    """A call in flight: the day that it is booked to, and the most that it may cost; 0 where that is not known."""

    day: date
    estimate_usd: Decimal


@dataclass(slots=True)
class _Day:
    spent_usd: Decimal
    held_usd: Decimal = Decimal(0)
    held: set[BudgetHold] = field(default_factory=set)


class Budget:
    """The budget of each day anew. No clock inside: the day, as UTC has it, is an argument.

    A call begins while what is spent and held is below the limit. So a day ends above it by one call at the most,
    however many go side by side, as far as each keeps to its estimate.
    """

    def __init__(self, limit_usd: Decimal) -> None:
        self.limit_usd = limit_usd
        self._days: dict[date, _Day] = {}

    def knows(self, day: date) -> bool:
        """Whether `begin` was called for that day."""
        return day in self._days

    def begin(self, day: date, spent_usd: Decimal) -> None:
        """Start a day with what is spent on it already. Earlier days are forgotten once nothing is in flight."""
        self._days = {known: kept for known, kept in self._days.items() if kept.held}
        self._days.setdefault(day, _Day(spent_usd))

    def spent_usd(self, day: date) -> Decimal:
        """What is booked to a day; 0 where it has not begun."""
        return self._days[day].spent_usd if day in self._days else Decimal(0)

    def hold(self, estimate_usd: Decimal | None, day: date) -> BudgetHold:
        """Let a call begin that costs no more than the estimate; None where nobody can tell.

        What is known to cost nothing is never refused. Raises LimitExceededError.
        """
        if day not in self._days:
            self.begin(day, Decimal(0))
        today = self._days[day]
        if estimate_usd != 0 and today.spent_usd + today.held_usd >= self.limit_usd:
            raise self._refusal(today)
        hold = BudgetHold(day, estimate_usd or Decimal(0))
        today.held.add(hold)
        today.held_usd += hold.estimate_usd
        return hold

    def settle(self, hold: BudgetHold, actual_usd: Decimal | None) -> None:
        """The call has ended. Where nobody knows what it cost it is booked with its estimate: a budget that took the
        unknown for nothing would never end. Settling twice changes nothing."""
        day = self._days.get(hold.day)
        if day is not None and hold in day.held:
            day.held.remove(hold)
            day.held_usd -= hold.estimate_usd
            day.spent_usd += hold.estimate_usd if actual_usd is None else actual_usd

    def release(self, hold: BudgetHold) -> None:
        """The call has ended and cost nothing."""
        self.settle(hold, Decimal(0))

    def _refusal(self, today: _Day) -> LimitExceededError:
        limit, spent = money(self.limit_usd), money(today.spent_usd)
        if today.spent_usd >= self.limit_usd:
            return LimitExceededError(
                said(
                    "day_spent",
                    "Today's budget of {limit} is spent ({spent}); it starts anew at 00:00 UTC, or raise {setting}.",
                    limit=limit,
                    spent=spent,
                    setting=SETTING,
                )
            )
        return LimitExceededError(
            said(
                "day_taken",
                "Today's budget of {limit} is taken: {spent} are spent and calls in flight may cost {held}; "
                "try again when they have ended, or raise {setting}.",
                limit=limit,
                spent=spent,
                held=money(today.held_usd),
                setting=SETTING,
            )
        )


def money(usd: Decimal) -> str:
    """$5.00, or $0.000123 where cents would say nothing."""
    return f"${usd:,.2f}" if usd == 0 or usd >= Decimal("0.01") else f"${usd:.6f}"
