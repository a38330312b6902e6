"""Says in one line what an arm's figures depend on, so that a later line tells which part of it has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from agent_lab.contracts.documents import content_hash
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.registry import CostProfile, ModelSpec, Row, StrategySpec

_KEPT = 16
"""Hexadecimal digits of each part's hash: 64 bits, of parts that are compared one with one."""
_NOT_ANSWERING = {"tests", "layout", "notes", "name", "description"}
"""What a run never looks at."""
_NOT_OF_A_MODEL = {"name", "cost_profile", "residency", "limits", "demonstration", "timeouts"}
"""What changes neither an answer nor what the provider is asked; prices are a part of their own."""


def fingerprint(
    flow: FlowConfig | None,
    models: Iterable[ModelSpec],
    strategies: Iterable[StrategySpec],
    prices: Mapping[str, CostProfile | None],
    *,
    subflows: Mapping[str, FlowConfig] | None = None,
) -> str:
    """`flow=…;flow sub=…;model voice=…;strategy standard=…;price voice=…`, each with the hash of its content.

    `models` and `strategies` are those that are registered: what is missing has no part, and counts as gone.
    """
    parts = _parts(flow, models, strategies, prices, subflows or {})
    return ";".join(f"{name}={content_hash(value)[:_KEPT]}" for name, value in parts)


def _parts(
    flow: FlowConfig | None,
    models: Iterable[ModelSpec],
    strategies: Iterable[StrategySpec],
    prices: Mapping[str, CostProfile | None],
    subflows: Mapping[str, FlowConfig],
) -> Iterator[tuple[str, JsonValue]]:
    if flow is not None:
        yield "flow", _content(flow)
    for name, inner in sorted(subflows.items()):
        yield f"flow {name}", _content(inner)
    for row in sorted(models, key=lambda row: row.key):
        yield f"model {row.key}", _row(row, _NOT_OF_A_MODEL)
    for strategy in sorted(strategies, key=lambda row: row.name):
        yield f"strategy {strategy.name}", _row(strategy, {"description"})
    for key, price in sorted(prices.items()):
        yield f"price {key}", None if price is None else _row(price, set())


def _content(flow: FlowConfig) -> JsonValue:
    found: JsonValue = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NOT_ANSWERING)
    return found


def _row(row: Row, without: set[str]) -> JsonValue:
    # A set has another order in each process.
    dumped = row.model_dump(mode="json", exclude=without)
    return {
        name: sorted(value) if isinstance(getattr(row, name), frozenset) else value for name, value in dumped.items()
    }


def parts_of(line: str) -> dict[str, str]:
    """The parts of a fingerprint: what they are of, and their hash."""
    return dict(part.rsplit("=", 1) for part in line.split(";") if "=" in part)
