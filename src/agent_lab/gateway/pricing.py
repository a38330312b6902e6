"""What an answer costs, and how long an answer a budget can pay: exact, in Decimal, None where the price is unknown."""

from __future__ import annotations

from decimal import Decimal

from agent_lab.contracts.ports import ModelAnswer
from agent_lab.contracts.registry import CostProfile

MTOK = Decimal(1_000_000)


def cost_usd(price: CostProfile | None, answer: ModelAnswer) -> Decimal | None:
    """USD for what the answer counted; None where the model has no price or nobody counted."""
    if price is None or not answer.usage_known:
        return None
    cached_price = price.cached_input_usd_per_mtok
    if cached_price is None:
        cached_price = price.input_usd_per_mtok
    cached = min(answer.cached_tokens, answer.prompt_tokens)
    total = (answer.prompt_tokens - cached) * price.input_usd_per_mtok
    total += cached * cached_price
    total += answer.completion_tokens * price.output_usd_per_mtok
    return total / MTOK


def affordable_tokens(price: CostProfile, prompt_tokens: int, budget_usd: Decimal) -> int | None:
    """Tokens of answer that the budget pays after the prompt: 0 where it pays none, None where they cost nothing."""
    left = budget_usd * MTOK - prompt_tokens * price.input_usd_per_mtok
    if left < 0:
        return 0
    return None if price.output_usd_per_mtok == 0 else int(left // price.output_usd_per_mtok)
