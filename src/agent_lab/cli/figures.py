"""Writes figures for people: seconds, tokens, money. What is not known is called unknown, never nothing."""

from __future__ import annotations

from decimal import Decimal

from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.run import RunTotals

UNREMARKABLE = {"stop": "", "length": "cut at the token limit", "declined": "declined"}


def seconds(value: float) -> str:
    """0.42 s, 12.3 s, 2 min 05 s."""
    if value >= 60:
        whole = round(value)
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def size(number_bytes: float) -> str:
    """850 kB, 12.3 MB, 4.10 GB: three digits, in units of a thousand."""
    for unit, large in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number_bytes >= 0.9995 * large:
            value = number_bytes / large
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return f"{number_bytes:.0f} B"


def money(value: Decimal | None) -> str:
    """$0.00, $0.000123 or $1.20: as many digits as say something."""
    if value is None:
        return "unknown"
    if value == 0 or value >= Decimal("0.01"):
        return f"${value:,.2f}"
    return f"${value:.6f}".rstrip("0")


def counted(number: int, what: str) -> str:
    """1 token, 2 tokens."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def generation_line(result: GenerationResult) -> str:
    """What one answer took."""
    took = result.timings.inference_s or result.timings.total_s
    parts = [counted(result.tokens_generated, "token"), seconds(result.timings.total_s)]
    if took > 0 and result.tokens_generated:
        parts.append(f"{result.tokens_generated / took:.0f} tok/s")
    cost = result.usage.cost_usd
    parts.append("cost unknown" if cost is None else money(cost))
    loaded = f" (loaded in {seconds(result.timings.load_s)})" if result.timings.load_s >= 0.005 else ""
    if result.finish_reason != "declined":  # then no model was looked for
        parts.append("cache HIT" if result.cache_hit else f"cache MISS{loaded}")
    if UNREMARKABLE[result.finish_reason]:
        parts.append(UNREMARKABLE[result.finish_reason])
    return " · ".join(parts)


def totals_line(totals: RunTotals, *, on_this_machine: bool) -> str:
    """What a run took; its seconds are known when it has ended."""
    if not totals.calls:
        cost = "no model has answered"
    elif totals.cost_usd is None:
        cost = "cost unknown"
    else:
        cost = money(totals.cost_usd) + (", on this machine" if on_this_machine and totals.cost_usd == 0 else "")
    return " · ".join(
        (
            counted(totals.calls, "call"),
            f"{totals.prompt_tokens:,} tokens in, {totals.completion_tokens:,} out",
            *([seconds(totals.seconds)] if totals.seconds else []),
            cost,
        )
    )


def price(model: ModelSpec) -> str:
    """A model's price for a million tokens read and written."""
    profile = model.cost_profile
    if profile is None:
        return "unknown"
    if profile.input_usd_per_mtok == 0 and profile.output_usd_per_mtok == 0:
        return "$0"
    return f"${profile.input_usd_per_mtok.normalize():f}/${profile.output_usd_per_mtok.normalize():f}"
