"""Says what an answer cost in the one unit in which the arms of an evaluation are compared."""

from __future__ import annotations

from collections.abc import Iterable

from agent_lab.contracts.evaluation import Cell, CostUnit, EvaluationSpec

UNIT_WORDS: dict[CostUnit, str] = {"usd": "USD", "tokens": "tokens", "generated_tokens": "generated tokens"}


def unit_of(spec: EvaluationSpec, cells: Iterable[Cell]) -> CostUnit:
    """The unit that was asked for; else USD where every answer has a price and some are not 0, else tokens."""
    if spec.cost_unit is not None:
        return spec.cost_unit
    prices = [cell.cost_usd for cell in cells if has_usage(cell)]
    return "usd" if prices and None not in prices and any(prices) else "tokens"


def has_usage(cell: Cell) -> bool:
    """Whether anything is known of what the answer took: not so where it failed before its first call, or was
    imported without any such figure."""
    return bool(cell.calls or cell.prompt_tokens or cell.completion_tokens or cell.cost_usd is not None)


def cost_of(cell: Cell, unit: CostUnit) -> float:
    """What the answer cost its arm, whoever paid; 0 where the price is not known."""
    if unit == "usd":
        return float(cell.cost_usd or 0)
    if unit == "generated_tokens":
        return float(cell.completion_tokens)
    return float(cell.prompt_tokens + cell.completion_tokens)
