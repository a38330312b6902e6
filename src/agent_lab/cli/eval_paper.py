"""Shows the report of an evaluation in the terminal: the verdicts first, then what they rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from agent_lab.cli.columns import lined_up
from agent_lab.cli.paper import Paper, one_line
from agent_lab.contracts.evaluation_report import (
    ArmFigures,
    DebateFigures,
    Interval,
    PairedDifference,
    Report,
    Verdict,
)
from agent_lab.evaluation.render.charts.flips import counts
from agent_lab.evaluation.render.figures import (
    VERDICTS,
    arm_cost,
    claims_first,
    cost,
    difference_cost,
    dollars,
    odds,
    pair_name,
    percent,
    points,
    points_span,
    read_as,
    seconds,
    span,
    spoken_of,
    title_of,
    unit_name,
    untold_line,
)

STYLES: dict[Verdict, str] = {
    "better": "good",
    "worse": "bad",
    "no_difference": "",
    "inconclusive": "",
    "refused": "warn",
}
SCALE_COLUMNS = 41
VERDICT_COLUMNS = 15


def show_report(paper: Paper, report: Report) -> None:
    """Write the whole report."""
    info = report.evaluation
    paper.rule(title_of(report))
    items = max((arm.items for arm in report.arms), default=0)
    paper.sentence(
        f"{info.dataset.name}, {items:,} items, scored by {report.scorer}; {100 * report.confidence:g} % intervals; "
        f"costs in {unit_name(report.unit)}, an answer.",
        style="dim",
    )
    paper.line()
    show_verdicts(paper, report)
    _show_arms(paper, report)
    show_differences(paper, report)
    for debate in report.debates:
        _show_debate(paper, debate, report)
    _show_end(paper, report)


def show_verdicts(paper: Paper, report: Report) -> None:
    """Write what may be said of each difference, and what is to be minded."""
    told, untold = spoken_of(report.differences)
    for one in told:
        _show_verdict(paper, one.verdict, one.sentence)
    if untold:
        _show_verdict(paper, "inconclusive", untold_line(untold))
    for warning in report.warnings:
        paper.sentence(f"Note: {warning}", style="warn")
    if report.differences or report.warnings:
        paper.line()


def _show_verdict(paper: Paper, verdict: Verdict, sentence: str) -> None:
    width = paper.width - VERDICT_COLUMNS if paper.live else 10_000
    lines = textwrap.wrap(one_line(sentence, 2000), width, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        head = "" if number else VERDICTS[verdict].upper()
        paper.line(f"{head:<{VERDICT_COLUMNS}}{line}", style=STYLES[verdict])


def _show_arms(paper: Paper, report: Report) -> None:
    paper.rule("Arms")
    in_usd = report.unit == "usd"
    priced = not in_usd and any(arm.cost_usd for arm in report.arms)
    more = ["TOKENS"] if in_usd else ["USD"] if priced else []
    headings = ["ARM", "SCORE", "INTERVAL", "COST", *more, "CALLS", "P50", ""]
    rows = [_arm_row(arm, report, more) for arm in report.arms]
    for number, line in enumerate(lined_up(headings, rows, width=paper.width)):
        paper.line(line, style="bold" if number == 0 else "")
    if any(arm.on_frontier for arm in report.arms):
        paper.line("* on the frontier: no other arm is at least as good for less", style="dim")
    for arm in report.arms:
        lost = read_as(arm)
        if lost:
            paper.sentence(f"{arm.arm}: {lost} of {arm.answers:,} answers; they count as wrong.", style="warn")
    for arm in report.arms:
        if arm.origin and arm.origin.sentence:
            paper.sentence(f"{arm.arm}: {arm.origin.sentence}", style="dim")
    paper.line()


def _arm_row(arm: ArmFigures, report: Report, more: list[str]) -> list[str]:
    others = {"USD": dollars(arm.cost_usd), "TOKENS": f"{arm.prompt_tokens + arm.completion_tokens:,.0f}"}
    return [
        arm.arm,
        percent(arm.mean_score),
        span(arm.interval),
        arm_cost(arm, report.unit),
        *(others[name] for name in more),
        f"{arm.calls:,.1f}" if arm.calls else "",
        seconds(arm.seconds_p50) if arm.seconds_p50 else "",
        "*" if arm.on_frontier else "",
    ]


def show_differences(paper: Paper, report: Report) -> None:
    """Write the paired differences, each with its interval on one scale."""
    if not report.differences:
        return
    paper.rule("Differences in points, on the same items")
    ends = [end for one in report.differences for end in (one.interval.low, one.interval.high, 0.0)]
    low, high = min(ends), max(ends)
    for one in claims_first(report.differences):
        paper.line(pair_name(one))
        drawn = scale(one.interval, one.difference, low=low, high=high)
        paper.line(f"  {points(one.difference):>6}  {points_span(one.interval):<16} {drawn}", style=STYLES[one.verdict])
        paper.sentence(f"  {_counts(one)}{_cost(one, report)}", style="dim")
    paper.line()


def scale(interval: Interval, difference: float, *, low: float, high: float, columns: int = SCALE_COLUMNS) -> str:
    """The interval as a line on a scale from `low` to `high`; a bar stands where there is no difference."""
    span_of_scale = (high - low) or 1.0

    def at(value: float) -> int:
        held = min(max(value, low), high)
        return round((held - low) / span_of_scale * (columns - 1))

    marks = [" "] * columns
    for place in range(at(interval.low), at(interval.high) + 1):
        marks[place] = "-"
    marks[at(0.0)] = "|"
    marks[at(difference)] = "o"
    return "".join(marks).rstrip()


def _counts(one: PairedDifference) -> str:
    adjusted = f", adjusted {odds(one.p_adjusted)}" if one.p_adjusted != one.p_value else ""
    only = f"right alone {one.only_arm:,} : {one.only_against:,}; " if one.binary else ""
    return f"{only}p {odds(one.p_value)}{adjusted}; "


def _cost(one: PairedDifference, report: Report) -> str:
    if one.cost_match is not None:
        times = f"{one.cost_match.ratio:.2f} times as much" if one.cost_match.ratio else "is not known"
        return f"the baseline's cost: {times}"
    told = difference_cost(one, report)
    unit = "" if report.unit == "usd" else f" {unit_name(report.unit)}"
    return f"cost {told}{unit}" if told else "cost not known"


def _show_debate(paper: Paper, debate: DebateFigures, report: Report) -> None:
    paper.rule(f"What the deliberation of {debate.arm} did")
    for sentence in _sentences(debate):
        paper.sentence(sentence)
    for step in debate.flips:
        paper.sentence(f"{step.before} to {step.after}: {counts(step)}; {step.changed:,} came down to something else.")
    if len(debate.rounds) > 1:
        told = ", ".join(f"round {one.round} {percent(one.accuracy)}" for one in debate.rounds)
        paper.sentence(f"Right by round: {told}.")
    if debate.nodes:
        paper.line()
        _show_nodes(paper, debate, report)
    paper.line()


def _sentences(debate: DebateFigures) -> Iterator[str]:
    if debate.draft_accuracy is not None:
        draft, answer = percent(debate.draft_accuracy), percent(debate.answer_accuracy)
        yield f"The first draft was right in {draft}, the answer in {answer}."
    if debate.vote_accuracy is not None:
        yield f"A vote of the first answers, for nothing: {percent(debate.vote_accuracy)}."
    if debate.oracle_accuracy is not None and debate.oracle_gap is not None:
        yield (
            f"A right answer was among the statements in {percent(debate.oracle_accuracy)}, and was not chosen in "
            f"{percent(debate.oracle_gap)}."
        )
    if debate.conformity is not None:
        wrong = debate.conformity_to_wrong
        to_wrong = f"; where the majority was wrong, {percent(wrong)}" if wrong is not None else ""
        yield f"Of those against the majority {percent(debate.conformity)} came over to it{to_wrong}."


def _show_nodes(paper: Paper, debate: DebateFigures, report: Report) -> None:
    measured = any(node.difference is not None for node in debate.nodes)
    headings = ["NODE", "CALLS", "COST", *(["GAIN", "INTERVAL"] if measured else [])]
    rows: list[Sequence[str]] = []
    for node in debate.nodes:
        gain = "" if node.difference is None else points(node.difference)
        interval = "" if node.interval is None else points_span(node.interval)
        rows.append(
            [node.node, f"{node.calls:,.1f}", cost(node.cost, report.unit), *([gain, interval] if measured else [])]
        )
    for number, line in enumerate(lined_up(headings, rows, width=paper.width)):
        paper.line(line, style="bold" if number == 0 else "")
    for node in debate.nodes:
        if node.sentence:
            paper.sentence(node.sentence)


def _show_end(paper: Paper, report: Report) -> None:
    paid = "unknown" if report.paid_usd is None else dollars(float(report.paid_usd))
    id = report.evaluation.evaluation_id
    paper.sentence(
        f"{report.calls:,} calls made, {report.reused_calls:,} taken from the cache; paid: {paid}.", style="bold"
    )
    paper.line(f"  As a page:     agent-lab eval report {id} --out report.html", style="dim")
    paper.line(f"  Other pairs:   agent-lab eval compare {id} ARM ARM", style="dim")
