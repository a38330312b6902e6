"""Lays a report's figures out as tables of texts, for every page that shows tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_lab.contracts.evaluation import CostUnit
from agent_lab.contracts.evaluation_report import ArmFigures, DebateFigures, NodeWorth, PairedDifference, Report
from agent_lab.evaluation.render.figures import (
    VERDICTS,
    arm_cost,
    claims_first,
    cost,
    difference_cost,
    dollars,
    odds,
    percent,
    plain,
    points,
    points_span,
    read_as,
    seconds,
    span,
    unit_name,
)


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, rows of as many cells, and how many columns from the left are words and no figures."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    head: int = 0
    """The column that names the row."""


def arms_table(report: Report) -> Table:
    """Each arm under the number that its point has in the drawing."""
    priced = report.unit != "usd" and any(arm.cost_usd for arm in report.arms)
    headings = ("#", "arm", "score", "interval", "calls", "tokens in", "out", f"cost ({unit_name(report.unit)})")
    extra = (*(("USD",) if priced else ()), "seconds p50, p95", "note")
    rows = [
        (*_arm_cells(number, arm, report.unit), *((dollars(arm.cost_usd),) if priced else ()), *_last_cells(arm))
        for number, arm in enumerate(report.arms, 1)
    ]
    return Table(
        "Each arm; calls, tokens, cost and seconds are those of one answer", headings + extra, tuple(rows), 2, head=1
    )


def _arm_cells(number: int, arm: ArmFigures, unit: CostUnit) -> tuple[str, ...]:
    return (
        str(number),
        plain(arm.arm),
        percent(arm.mean_score),
        span(arm.interval),
        f"{arm.calls:,.1f}" if arm.calls else "",
        f"{arm.prompt_tokens:,.0f}",
        f"{arm.completion_tokens:,.0f}",
        arm_cost(arm, unit),
    )


def _last_cells(arm: ArmFigures) -> tuple[str, str]:
    told = ", ".join(filter(None, ("frontier" if arm.on_frontier else "", read_as(arm))))
    took = f"{seconds(arm.seconds_p50)}, {seconds(arm.seconds_p95)}" if arm.seconds_p95 else ""
    return took, told


def differences_table(report: Report) -> Table:
    """Each paired difference, those at equal cost first."""
    headings = ("arm", "against", "verdict", "items", "points", "interval", "p, adjusted", "only one right")
    cost_heading = f"cost ({unit_name(report.unit)})"
    rows = [(*_difference_cells(one), difference_cost(one, report)) for one in claims_first(report.differences)]
    return Table("Paired differences, on the items that both arms have", (*headings, cost_heading), tuple(rows), 3)


def _difference_cells(one: PairedDifference) -> tuple[str, ...]:
    only = f"{one.only_arm:,} : {one.only_against:,}" if one.binary else ""
    return (
        plain(one.arm),
        plain(one.against),
        VERDICTS[one.verdict],
        f"{one.items:,}",
        points(one.difference),
        points_span(one.interval),
        f"{odds(one.p_value)}, {odds(one.p_adjusted)}",
        only,
    )


def debate_table(debate: DebateFigures) -> Table:
    """What the deliberation of one arm did, as shares."""
    told: Sequence[tuple[str, float | None]] = (
        ("right in the first draft", debate.draft_accuracy),
        ("right by a vote of the first answers", debate.vote_accuracy),
        ("right in the answer", debate.answer_accuracy),
        ("right in at least one statement", debate.oracle_accuracy),
        ("had the right answer, and did not choose it", debate.oracle_gap),
        ("came over to the majority, of those against it", debate.conformity),
        ("came over to a wrong majority", debate.conformity_to_wrong),
    )
    rows = tuple((word, percent(share)) for word, share in told if share is not None)
    return Table(f"{plain(debate.arm)}: {debate.answers:,} answers", ("of the answers", "share"), rows)


def flips_table(debate: DebateFigures) -> Table:
    """What became of answers from step to step."""
    headings = ("from", "to", "stayed right", "repaired", "broken", "stayed wrong", "changed")
    rows = [
        (
            plain(one.before),
            plain(one.after),
            *(f"{n:,}" for n in (one.right_right, one.wrong_right, one.right_wrong, one.wrong_wrong, one.changed)),
        )
        for one in debate.flips
    ]
    return Table("What became of the answers, step by step", headings, tuple(rows), 2)


def rounds_table(debate: DebateFigures) -> Table:
    """How good the statements of each round were."""
    rows = [(str(one.round), f"{one.statements:,}", percent(one.accuracy)) for one in debate.rounds]
    return Table("Accuracy by round", ("round", "statements", "right"), tuple(rows))


def nodes_table(debate: DebateFigures, unit: CostUnit) -> Table:
    """What each node took, and what the flow gains by it where an arm leaves it out."""
    measured = any(node.difference is not None for node in debate.nodes)
    extra = ("gain in points", "interval", _rate_heading(unit)) if measured else ()
    headings = ("node", "calls", f"cost ({unit_name(unit)})", *extra)
    rows = tuple(tuple(_node_cells(node, unit, measured)) for node in debate.nodes)
    return Table("What each node took in one answer, and what it brought", headings, rows)


def _rate_heading(unit: CostUnit) -> str:
    return "points a dollar" if unit == "usd" else "points per 1,000 tokens"


def _node_cells(node: NodeWorth, unit: CostUnit, measured: bool) -> Iterator[str]:
    yield from (plain(node.node), f"{node.calls:,.1f}", cost(node.cost, unit))
    if not measured:
        return
    yield "" if node.difference is None else points(node.difference)
    yield "" if node.interval is None else points_span(node.interval)
    yield "" if node.per_cost is None else f"{node.per_cost:,.3g}"
