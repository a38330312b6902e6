"""What a call passes before it may be made: the day's budget, then the limits of its provider and its model."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from agent_lab.contracts.errors import AgentLabError, SilentError
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.gateway.estimate import estimated_tokens
from agent_lab.gateway.ledger import Account, Ledger
from agent_lab.gateway.pricing import Price, cost_usd, worst_case_usd
from agent_lab.gateway.tour import Tour
from agent_lab.gateway.turnstile import Hold, Turnstile


@dataclass(slots=True)
class Passage:
    """A call that may be made. What it took is told when it is answered."""

    price: Price | None
    estimate_usd: Decimal | None
    hold: Hold
    account: Account | None

    def settle(self, answer: ModelAnswer) -> Decimal | None:
        """Book what the answer took; its cost in USD, None where that is not known."""
        usd = cost_usd(self.price, answer)
        self.hold.settle(answer.prompt_tokens + answer.completion_tokens)
        if self.account is not None:
            self.account.settle(usd)
        return usd

    def broke_off(self) -> Decimal:
        """The model wrote for nothing: that is paid for, and nobody says how much. The most that it may have cost."""
        if self.account is not None:
            self.account.settle(None)
        return self.estimate_usd or Decimal(0)


class Toll:
    """The limits and the budget of all calls. Without a ledger nothing is booked."""

    def __init__(self, turnstile: Turnstile | None = None, ledger: Ledger | None = None) -> None:
        self._turnstile = turnstile or Turnstile(providers={}, models={})
        self._ledger = ledger

    @asynccontextmanager
    async def paid(self, call: ModelCall, price: Price | None, tour: Tour) -> AsyncGenerator[Passage, None]:
        """Waits for the call's turn, and holds its share of every limit while the block runs.

        Raises LimitExceededError where a budget or a minute's tokens do not suffice, RateLimitedError where the turn
        does not come in time.
        """
        prompt_tokens = estimated_tokens(call.request)
        came_s = tour.elapsed_s
        async with AsyncExitStack() as stack:
            account = None
            estimate_usd = worst_case_usd(price, prompt_tokens, call.max_tokens)
            if self._ledger is not None:
                account = await stack.enter_async_context(self._ledger.spending(call.model.key, estimate_usd))
            turn = self._turnstile.pass_(
                call.model.provider,
                call.model.key,
                tokens=prompt_tokens + call.max_tokens,
                deadline_s=tour.left_s,
            )
            passage = Passage(price, estimate_usd, await stack.enter_async_context(turn), account)
            tour.queued_s += tour.elapsed_s - came_s
            try:
                yield passage
            except BaseException as error:
                if _has_worked(tour, error):
                    tour.lost_usd += passage.broke_off()
                raise

    def waiting(self) -> dict[str, int]:
        """How many callers wait for their turn, by provider."""
        return self._turnstile.waiting()

    async def close(self) -> None:
        """Write down what is not written yet."""
        if self._ledger is not None:
            await self._ledger.close()


def _has_worked(tour: Tour, error: BaseException) -> bool:
    """Whether the model wrote something before it was given up: of an answer in one piece that is not seen."""
    if tour.has_spoken:
        return True
    return (
        tour.asked and not tour.streamed and not (isinstance(error, AgentLabError) and type(error) is not SilentError)
    )
