"""Draws the next token of each answer, each by its own rules and its own chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from agent_lab.contracts.registry import Sampling

COLDEST = 1e-4
"""Below this temperature the likeliest token is taken: dividing by it would overflow."""


def is_drawn(sampling: Sampling) -> bool:
    """Whether chance has a part in it."""
    return sampling.temperature >= COLDEST


def draw(scores: Any, samplings: Sequence[Sampling], chances: Sequence[float]) -> list[int | None]:
    """The next token of each row of scores [rows, vocabulary]; None where the model's scores are no numbers.

    `chances` are numbers in [0, 1): a row with the same scores, rules and chance gets the same token whatever the other
    rows are. The distribution is cut as transformers cuts it: temperature, then top_k, then top_p (nucleus sampling,
    Holtzman et al. 2020).
    """
    best, tokens = scores.max(dim=-1)
    drawn = [row for row, sampling in enumerate(samplings) if is_drawn(sampling)]
    if drawn:
        rules = [samplings[row] for row in drawn]
        tokens[drawn] = _draw(scores[drawn].nan_to_num(), rules, [chances[row] for row in drawn])
    # One that is not a number is the greatest of its row.
    return [
        None if math.isnan(high) else int(token) for high, token in zip(best.tolist(), tokens.tolist(), strict=True)
    ]


def _draw(scores: Any, rules: Sequence[Sampling], chances: Sequence[float]) -> Any:
    def column(values: list[float]) -> Any:
        return torch.tensor(values, dtype=torch.float64, device=scores.device)[:, None]

    scores = scores / column([rule.temperature for rule in rules]).float()
    if any(rule.top_k for rule in rules):
        scores = _only_best(scores, [rule.top_k for rule in rules])
    likely = torch.softmax(scores, dim=-1, dtype=torch.float64)
    if any(rule.top_p < 1 for rule in rules):
        likely = _only_nucleus(likely, column([rule.top_p for rule in rules]))
    reached = likely.cumsum(dim=-1)
    # Below the sum also where rounding says otherwise: a token of likelihood 0 is then never the first to pass it.
    whole = reached[:, -1:]
    aim = torch.minimum(column(list(chances)) * whole, torch.nextafter(whole, torch.zeros_like(whole)))
    return torch.searchsorted(reached, aim, right=True)[:, 0]


def _only_best(scores: Any, counts: list[int]) -> Any:
    vocabulary = scores.shape[-1]
    widths = [min(count, vocabulary) if count else vocabulary for count in counts]
    best = scores.topk(max(widths), dim=-1).values
    least = best.gather(1, torch.tensor([[width - 1] for width in widths], device=scores.device))
    return scores.masked_fill(scores < least, -torch.inf)


def _only_nucleus(likely: Any, shares: Any) -> Any:
    ordered, order = likely.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    ordered = ordered.masked_fill((before >= shares) & (shares < 1), 0.0)
    return torch.zeros_like(likely).scatter_(1, order, ordered)
