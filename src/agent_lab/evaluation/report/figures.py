"""Measures each arm alone: how often it was right, within which interval, and what its answers took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import fsum

import numpy as np

from agent_lab.contracts.evaluation import Cell
from agent_lab.contracts.evaluation_report import ArmFigures, Interval
from agent_lab.evaluation.report.differences import ResamplesByItems
from agent_lab.evaluation.report.frontier import frontier
from agent_lab.evaluation.report.table import ArmCells
from agent_lab.evaluation.statistics.proportions import wilson_interval
from agent_lab.evaluation.statistics.resampling import effective_items


def figures_of(table: Mapping[str, ArmCells], confidence: float, drawn: ResamplesByItems) -> list[ArmFigures]:
    """Each arm that has an answer, in their order. Arms whose cost is not known are not on the frontier."""
    shown = [arm for arm in table.values() if arm.by_item]
    priced = {arm.name: (_mean(arm.scores.values()), _mean(arm.costs.values())) for arm in shown if arm.cost_known}
    best = frontier(priced)
    return [_figures(arm, confidence, drawn, on_frontier=arm.name in best) for arm in shown]


def _figures(arm: ArmCells, confidence: float, drawn: ResamplesByItems, *, on_frontier: bool) -> ArmFigures:
    cells = arm.cells
    seconds = np.array([cell.seconds for cell in cells])
    costs = np.array(list(arm.costs.values()))
    return ArmFigures(
        arm=arm.name,
        kind=arm.kind,
        items=len(arm.by_item),
        answers=len(cells),
        mean_score=_mean(arm.scores.values()),
        interval=accuracy_interval(arm, confidence),
        failed=sum(cell.status != "completed" for cell in cells),
        unread=unread(cells),
        calls=_mean([cell.calls for cell in cells]),
        prompt_tokens=_mean([cell.prompt_tokens for cell in cells]),
        completion_tokens=_mean([cell.completion_tokens for cell in cells]),
        cost_usd=_usd(cells),
        cost=_mean(costs),
        cost_interval=drawn[len(costs)].intervals(costs, (confidence,))[0],
        seconds_p50=float(np.quantile(seconds, 0.5)),
        seconds_p95=float(np.quantile(seconds, 0.95)),
        on_frontier=on_frontier,
        origin=arm.origin,
    )


def accuracy_interval(arm: ArmCells, confidence: float) -> Interval:
    """Wilson's for one right or wrong answer an item; else the same with the number of answers that the items' means
    are worth. Chosen by coverage over the cluster bootstrap, which is too sure where few answers are wrong."""
    means = np.array(list(arm.scores.values()))
    number = float(len(means)) if arm.once else effective_items(means, confidence)
    return wilson_interval(_mean(means), number, confidence)


def unread(cells: list[Cell]) -> int:
    """Answers that came to their end and in which nothing could be read."""
    return sum(cell.status == "completed" and cell.choice is None for cell in cells)


def _usd(cells: list[Cell]) -> float | None:
    prices: list[Decimal] = [cell.cost_usd for cell in cells if cell.cost_usd is not None]
    unknown = any(
        cell.cost_usd is None and (cell.calls or cell.prompt_tokens or cell.completion_tokens) for cell in cells
    )
    return None if unknown or not prices else float(sum(prices)) / len(cells)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return fsum(numbers) / len(numbers) if numbers else 0.0
