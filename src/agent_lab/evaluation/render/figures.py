"""Writes the figures of a report for people: shares, points, costs, odds. What is not known is called unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent_lab.contracts.evaluation import CostUnit
from agent_lab.contracts.evaluation_report import ArmFigures, Interval, PairedDifference, Report, Verdict

VERDICTS: dict[Verdict, str] = {
    "better": "better",
    "worse": "worse",
    "no_difference": "no difference",
    "inconclusive": "inconclusive",
    "refused": "no claim",
}
_UNITS: dict[CostUnit, str] = {"usd": "USD", "tokens": "tokens", "generated_tokens": "tokens written"}
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""What no page can show, or what turns the reading direction around."""


def plain(text: str) -> str:
    """The text on one line, without what no page can show."""
    return " ".join(_UNSHOWN.sub("", text).split())


def shortened(text: str, chars: int) -> str:
    """The text, or its two ends where it is too long: names of arms differ at either end."""
    told = plain(text)
    if len(told) <= chars:
        return told
    tail = (chars - 1) // 2
    return f"{told[: chars - 1 - tail]}…{told[-tail:] if tail else ''}"


def percent(share: float | None) -> str:
    """96.3 %."""
    return "unknown" if share is None else f"{100 * share:.1f} %"


def span(interval: Interval) -> str:
    """94.5 to 97.6, in percent."""
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def points(difference: float) -> str:
    """+18.5, in points."""
    shown = f"{100 * difference:+.1f}"
    return "0.0" if shown in {"+0.0", "-0.0"} else shown


def points_span(interval: Interval) -> str:
    """-2.4 to +0.6, in points."""
    return f"{points(interval.low)} to {points(interval.high)}"


def odds(value: float) -> str:
    """0.0123, or < 0.0001."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def unit_name(unit: CostUnit) -> str:
    """What costs are counted in."""
    return _UNITS[unit]


def cost(value: float, unit: CostUnit) -> str:
    """$0.0012 or 562: three digits that say something."""
    if unit == "usd":
        return dollars(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def amount(value: float, unit: CostUnit) -> str:
    """The same with its unit: $0.0012 or 562 tokens."""
    return cost(value, unit) if unit == "usd" else f"{cost(value, unit)} {unit_name(unit)}"


def dollars(value: float | None) -> str:
    """$0.00, $0.000123 or $1.20."""
    if value is None:
        return "unknown"
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size == 0 or size >= 0.995:
        return f"{sign}${size:,.2f}"
    return f"{sign}${float(f'{size:.3g}'):f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """0.42 s, 12.3 s, 125 s."""
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def count(number: int, what: str) -> str:
    """1 item, 2 items."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# --- what is told first -----------------------------------------------------------------------------------------------
def claims_first(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Those at equal cost before all others: they answer whether a flow is worth its price."""
    return sorted(differences, key=lambda one: one.cost_match is None)


MOST_UNTOLD = 3
"""So many pairs that cannot be told apart are still spoken of one by one."""


def spoken_of(differences: Sequence[PairedDifference]) -> tuple[list[PairedDifference], list[PairedDifference]]:
    """Those of which each has its own sentence, and those of which one line says that they cannot be told apart.

    Whatever is claimed at equal cost or is decided is spoken of; many open comparisons would bury it.
    """
    ordered = claims_first(differences)
    open_ones = [one for one in ordered if one.cost_match is None and one.verdict == "inconclusive"]
    if len(open_ones) <= MOST_UNTOLD:
        return ordered, []
    return [one for one in ordered if one not in open_ones], open_ones


def untold_line(open_ones: Sequence[PairedDifference]) -> str:
    """The line for those that cannot be told apart."""
    return f"Not told apart by these items: {'; '.join(pair_name(one) for one in open_ones)}."


def pair_name(one: PairedDifference) -> str:
    """challenge against vote:5."""
    return f"{plain(one.arm)} against {plain(one.against)}"


def title_of(report: Report) -> str:
    """What the evaluation is called."""
    info = report.evaluation
    return plain(info.spec.name) or f"Evaluation on {plain(info.dataset.name)}"


def facts_of(report: Report) -> list[tuple[str, str]]:
    """What the figures rest on: a word, and what it is here."""
    info, spec = report.evaluation, report.evaluation.spec
    items = max((arm.items for arm in report.arms), default=0)
    answers = f", {spec.samples} answers to each" if spec.samples > 1 else ""
    paid = "unknown" if report.paid_usd is None else dollars(float(report.paid_usd))
    return [
        ("Dataset", f"{plain(info.dataset.name)} ({info.dataset.content_hash[:12]}), {count(items, 'item')}{answers}"),
        ("Split", spec.split or "all items"),
        ("Order", f"{spec.order}, seed {spec.seed}"),
        ("Scorer", plain(report.scorer)),
        ("Intervals", f"{100 * report.confidence:g} %"),
        ("Smallest difference that would matter", f"{100 * spec.margin:g} points"),
        ("Costs", f"in {unit_name(report.unit)}, an answer; equal within {100 * spec.cost_tolerance:g} %"),
        ("Calls", f"{report.calls:,} made, {report.reused_calls:,} taken from the cache; paid here: {paid}"),
        ("Evaluation", f"{info.evaluation_id}, {info.status}, begun {info.created_at:%Y-%m-%d %H:%M} UTC"),
    ]


def arm_cost(arm: ArmFigures, unit: CostUnit) -> str:
    """What an answer of the arm cost; nothing where nobody counted it."""
    counted = arm.cost or arm.calls or arm.cost_usd is not None
    return cost(arm.cost, unit) if counted else ""


def difference_cost(one: PairedDifference, report: Report) -> str:
    """How much more an answer of the arm cost than one of the other, with its sign; nothing where one was not
    counted."""
    counted = {arm.arm for arm in report.arms if arm_cost(arm, report.unit)}
    if not {one.arm, one.against} <= counted:
        return ""
    return f"{'+' if one.cost_difference > 0 else ''}{cost(one.cost_difference, report.unit)}"


def read_as(arm: ArmFigures) -> str:
    """What of an arm's answers came to nothing; empty where all is well."""
    told = [f"{arm.failed:,} failed" if arm.failed else "", f"{arm.unread:,} unreadable" if arm.unread else ""]
    return ", ".join(filter(None, told))
