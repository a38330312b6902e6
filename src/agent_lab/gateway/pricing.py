"""What an answer costs, and how long an answer a budget can pay: exact, in Decimal, None where the price is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agent_lab.contracts.ports import ModelAnswer
from agent_lab.contracts.registry import CostProfile

MTOK = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Tier:
    """The prices of a call whose prompt has more than so many tokens, for all of its tokens."""

    above_tokens: int
    prices: CostProfile


@dataclass(frozen=True, slots=True)
class TieredPrice:
    """Prices that rise with the length of the prompt: `base`, or those of the highest tier that it is above."""

    base: CostProfile
    tiers: tuple[Tier, ...]
    """By rising length."""

    def at(self, prompt_tokens: int) -> CostProfile:
        """The prices of a call with a prompt of that length."""
        reached = [tier.prices for tier in self.tiers if prompt_tokens > tier.above_tokens]
        return reached[-1] if reached else self.base


Price = CostProfile | TieredPrice


def prices_at(price: Price, prompt_tokens: int) -> CostProfile:
    """USD for a million tokens, for a call with a prompt of that length."""
    return price.at(prompt_tokens) if isinstance(price, TieredPrice) else price


def cost_usd(price: Price | None, answer: ModelAnswer) -> Decimal | None:
    """USD for what the answer counted; None where the model has no price or nobody counted."""
    if price is None or not answer.usage_known:
        return None
    prices = prices_at(price, answer.prompt_tokens)
    cached = min(answer.cached_tokens, answer.prompt_tokens)
    written = min(answer.cache_write_tokens, answer.prompt_tokens - cached)
    total = (answer.prompt_tokens - cached - written) * prices.input_usd_per_mtok
    total += cached * _or_input(prices.cached_input_usd_per_mtok, prices)
    total += written * _or_input(prices.cache_write_usd_per_mtok, prices)
    total += answer.completion_tokens * prices.output_usd_per_mtok
    return total / MTOK


def affordable_tokens(price: Price, prompt_tokens: int, budget_usd: Decimal) -> int | None:
    """Tokens of answer that the budget pays after the prompt: 0 where it pays none, None where they cost nothing."""
    prices = prices_at(price, prompt_tokens)
    left = budget_usd * MTOK - prompt_tokens * _dearest_input(prices)
    if left < 0:
        return 0
    return None if prices.output_usd_per_mtok == 0 else int(left // prices.output_usd_per_mtok)


def worst_case_usd(price: Price | None, prompt_tokens: int, max_tokens: int) -> Decimal | None:
    """The most that a call may cost: the whole prompt at its dearest, and the longest answer. None: not known."""
    if price is None:
        return None
    prices = prices_at(price, prompt_tokens)
    return (prompt_tokens * _dearest_input(prices) + max_tokens * prices.output_usd_per_mtok) / MTOK


def _or_input(usd_per_mtok: Decimal | None, prices: CostProfile) -> Decimal:
    return prices.input_usd_per_mtok if usd_per_mtok is None else usd_per_mtok


def _dearest_input(prices: CostProfile) -> Decimal:
    every = (prices.input_usd_per_mtok, prices.cached_input_usd_per_mtok, prices.cache_write_usd_per_mtok)
    return max(price for price in every if price is not None)
