"""Plans how a model's weights are put into memory; where this machine cannot, what stands in, and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from agent_lab.contracts.errors import CapacityError, UnusableError
from agent_lab.contracts.registry import Loading, ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.weights import Weights
from agent_lab.providers.local.gpu_guard import GB, Capability
from agent_lab.providers.local.loading.footprint import footprint, four_bit_obstacle, positions, quantised_on_disk
from agent_lab.providers.local.plan import Dtype, Footprint, LoadPlan

SMALL_PARAMETERS = 1_000_000_000
"""Up to here a CPU holds a model in float32; above, memory counts for more."""
SMALL_PARAMETERS_NATIVE = 100_000_000
"""The same for a processor that multiplies bfloat16 itself: larger models are read from memory twice as fast."""
LEAST_CONTEXT_TOKENS = 256
ON = {"cuda": "GPU", "cpu": "CPU"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The strategy that is really used, and a sentence for each that it stands in for."""

    strategy: StrategySpec
    notes: tuple[str, ...] = ()


def obstacle(strategy: StrategySpec, machine: Capability) -> str | None:
    """Why this machine cannot load like that; None where it can."""
    loading = strategy.loading
    if loading.needs == "cuda" and machine.device != "cuda":
        return said("needs_cuda", "needs a CUDA GPU, and this machine has none")
    if loading.precision == "nf4" and not machine.bitsandbytes:
        return said("needs_bitsandbytes", "needs the package bitsandbytes (pip install bitsandbytes)")
    if loading.precision == "bfloat16" and not machine.bfloat16:
        return said("needs_bfloat16", "needs bfloat16, which this GPU cannot compute")
    if loading.attention == "flash_attention_2" and not (machine.device == "cuda" and machine.flash_attention):
        return said("needs_flash_attn", "needs a CUDA GPU with the package flash-attn (pip install flash-attn)")
    if loading.compile and not machine.compiler:
        return said("needs_compiler", "needs a C++ compiler, and on a GPU the package triton; this machine lacks them")
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
            note = said(
                "strategy_stood_in",
                "The strategy {strategy!r} {against}; {other!r} stood in for it.",
                strategy=strategy.name,
                against=against,
                other=name,
            )
            return Standing(strategy=fallback, notes=(note,))
    raise UnusableError(
        said(
            "strategy_impossible",
            "The strategy {strategy!r} {against}; use another strategy, such as 'standard'.",
            strategy=strategy.name,
            against=against,
        )
    )


def load_plan(
    spec: ModelSpec, strategy: StrategySpec, machine: Capability, weights: Weights, limits: Mapping[str, int]
) -> LoadPlan:
    """The plan for a model under a strategy that this machine can do.

    `limits`: bytes that models may take, by device. As many answers at a time are planned as fit at all; on several
    GPUs a model may be spread. Raises CapacityError where not even one fits, and UnusableError where 4 bit cannot be
    made of the model and no strategy stands in.
    """
    asked = _wish(spec, strategy, machine, weights)
    most_bytes = sum(limits.values()) if machine.device == "cuda" else max(limits.values(), default=0)
    plan = asked
    while plan.need_bytes > most_bytes and plan.parallel > 1:
        plan = _for_parallel(plan, weights, plan.parallel // 2)
    if plan.need_bytes > most_bytes:
        raise CapacityError(_too_large(spec, plan, machine, weights, most_bytes))
    if plan.parallel == asked.parallel:
        return plan
    note = (
        f"{spec.key!r} writes {plan.parallel} of {asked.parallel} answers at a time: the memory that models may take "
        f"({most_bytes / GB:.2f} GB) has room for no more conversations of {plan.context_tokens} tokens."
    )
    return replace(plan, notes=(*plan.notes, note))


def _wish(spec: ModelSpec, strategy: StrategySpec, machine: Capability, weights: Weights) -> LoadPlan:
    """What the strategy asks for, whether it fits or not."""
    loading = strategy.loading
    is_four_bit, notes = _four_bit(spec, strategy, machine, weights)
    dtype = _dtype(loading, machine, weights.parameters, four_bit=is_four_bit)
    device: Literal["cpu", "cuda"] = "cuda" if machine.device == "cuda" else "cpu"
    plan = LoadPlan(
        device=device,
        dtype=dtype,
        quantised=is_four_bit,
        attention="sdpa" if loading.attention == "auto" else loading.attention,
        compile=loading.compile,
        context_tokens=_context_tokens(spec, loading, weights),
        parallel=loading.parallel,
        footprint=Footprint(weights_bytes=0, kv_bytes_per_token=0, margin_bytes=0),
        notes=notes,
    )
    return _for_parallel(plan, weights, loading.parallel)


def _for_parallel(plan: LoadPlan, weights: Weights, parallel: int) -> LoadPlan:
    taken = footprint(weights, dtype=plan.dtype, device=plan.device, four_bit=plan.quantised, parallel=parallel)
    return replace(plan, parallel=parallel, footprint=taken)


def _four_bit(
    spec: ModelSpec, strategy: StrategySpec, machine: Capability, weights: Weights
) -> tuple[bool, tuple[str, ...]]:
    """Whether 4 bit is made of the weights, and what to say of it."""
    if strategy.loading.precision != "nf4":
        return False, ()
    how = quantised_on_disk(weights.config)
    if how is not None:
        return False, (f"The weights of {spec.key!r} are quantised in its files already ({how}) and stay as they are.",)
    against = four_bit_obstacle(weights, machine.device)
    if against is None:
        return True, (f"The weights of {spec.key!r} are in 4 bit (NF4) on the {ON[machine.device]}.",)
    if not strategy.fallbacks:
        raise UnusableError(
            said(
                "model_against_strategy",
                "The model {model!r} {against}; use another strategy, such as 'standard'.",
                model=spec.key,
                against=against,
            )
        )
    return False, (f"The model {spec.key!r} {against}; its weights are whole, as with {strategy.fallbacks[0]!r}.",)


def _dtype(loading: Loading, machine: Capability, parameters: int, *, four_bit: bool) -> Dtype:
    if loading.precision not in {"auto", "nf4"}:
        return loading.precision  # type: ignore[return-value]  # the literal without the two that were just ruled out
    if machine.device == "cuda":
        return "bfloat16" if machine.bfloat16 else "float16"
    if four_bit:
        return "bfloat16" if machine.native_bfloat16 else "float32"
    small = SMALL_PARAMETERS_NATIVE if machine.native_bfloat16 else SMALL_PARAMETERS
    return "float32" if parameters <= small else "bfloat16"


def _context_tokens(spec: ModelSpec, loading: Loading, weights: Weights) -> int:
    bounds = (loading.context, spec.context_window, positions(weights.config))
    return min(bound for bound in bounds if bound)


def _too_large(spec: ModelSpec, plan: LoadPlan, machine: Capability, weights: Weights, most_bytes: int) -> str:
    """The sentence for a model that does not fit even for one answer: what it needs, and what would fit."""
    taken = plan.footprint
    room_tokens = (most_bytes - taken.weights_bytes - taken.margin_bytes) // max(1, taken.kv_bytes_per_token)
    ways = []
    if _would_fit_in_four_bit(plan, machine, weights, most_bytes):
        ways.append("use the strategy 'optimized' (4 bit)")
    if room_tokens >= LEAST_CONTEXT_TOKENS:
        ways.append(f"use a strategy with a context of at most {room_tokens} tokens")
    ways.append("use a smaller model")
    ways.append(f"raise MAX_VRAM_USAGE_GB to {plan.need_bytes / GB:.1f} where the machine has as much")
    return (
        f"The model {spec.key!r} needs {plan.need_bytes / GB:.2f} GB for one answer of {plan.context_tokens} tokens "
        f"({taken.weights_bytes / GB:.2f} GB of it for the weights), and models may take {most_bytes / GB:.2f} GB; "
        f"{', or '.join(ways)}."
    )


def _would_fit_in_four_bit(plan: LoadPlan, machine: Capability, weights: Weights, most_bytes: int) -> bool:
    if plan.quantised or not machine.bitsandbytes or quantised_on_disk(weights.config):
        return False
    quantised = _for_parallel(replace(plan, quantised=True), weights, 1)
    return quantised.need_bytes <= most_bytes and four_bit_obstacle(weights, plan.device) is None
