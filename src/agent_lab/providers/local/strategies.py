"""Plans how a model's weights are put into memory; where this machine cannot, what stands in, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.registry import StrategySpec
from agent_lab.providers.local.gpu_guard import GB, Capability

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPE_BYTES: dict[str, float] = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "nf4": 0.6}
"""Bytes for a parameter. NF4 has half a byte, its scales, and the layers that stay whole."""
SMALL_PARAMETERS = 1_000_000_000
"""Up to here a CPU holds a model in float32, which it computes fastest; above, memory counts for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The strategy that is really used, and a sentence for each that it stands in for."""

    strategy: StrategySpec
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How the weights go into memory."""

    device: str
    dtype: Dtype
    quantised: bool
    attention: str
    size_gb: float


def obstacle(strategy: StrategySpec, machine: Capability) -> str | None:
    """Why this machine cannot load like that; None where it can."""
    loading = strategy.loading
    if (loading.needs == "cuda" or loading.precision == "nf4") and machine.device != "cuda":
        return "needs a CUDA GPU, and this machine has none"
    if loading.precision == "nf4" and not machine.bitsandbytes:
        return "needs the package bitsandbytes (pip install bitsandbytes)"
    if loading.precision == "bfloat16" and not machine.bfloat16:
        return "needs bfloat16, which this GPU cannot compute"
    return None


def standing(strategy: StrategySpec, machine: Capability, find: Callable[[str], StrategySpec]) -> Standing:
    """The strategy, or the first of its fallbacks that this machine can do, with a note.

    `find` looks a strategy up by name. Raises UnusableError where none can be done.
    """
    against = obstacle(strategy, machine)
    if against is None:
        return Standing(strategy=strategy)
    for name in strategy.fallbacks:
        fallback = find(name)
        if obstacle(fallback, machine) is None:
            note = f"The strategy {strategy.name!r} {against}; {name!r} stood in for it."
            return Standing(strategy=fallback, notes=(note,))
    raise UnusableError(f"The strategy {strategy.name!r} {against}; use another strategy, such as 'standard'.")


def load_plan(
    strategy: StrategySpec, machine: Capability, parameters: int, *, packed_gb: float | None = None
) -> LoadPlan:
    """The plan for a model of that many parameters under a strategy that this machine can do.

    `packed_gb` is the size of weights that are quantised on disk; a GPU keeps them so.
    """
    quantised = strategy.loading.precision == "nf4"
    dtype = _dtype(strategy, machine, parameters)
    if packed_gb is not None and machine.device == "cuda":
        quantised, size_gb = False, packed_gb
    else:
        size_gb = parameters * DTYPE_BYTES["nf4" if quantised else dtype] / GB
    return LoadPlan(
        device=machine.device,
        dtype=dtype,
        quantised=quantised,
        attention="sdpa" if strategy.loading.attention == "auto" else strategy.loading.attention,
        size_gb=size_gb,
    )


def _dtype(strategy: StrategySpec, machine: Capability, parameters: int) -> Dtype:
    precision = strategy.loading.precision
    if precision not in {"auto", "nf4"}:
        return precision  # type: ignore[return-value]  # the literal without the two that were just ruled out
    if machine.device == "cuda":
        return "bfloat16" if machine.bfloat16 else "float16"
    return "float32" if parameters <= SMALL_PARAMETERS else "bfloat16"
