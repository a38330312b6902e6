"""Writes a report as one HTML file: no script, nothing from elsewhere, dark and light, for screens and paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from importlib import resources

from agent_lab.contracts.evaluation_report import DebateFigures, Report, Verdict
from agent_lab.evaluation.render.charts.bars import Bar, bar_chart
from agent_lab.evaluation.render.charts.flips import flip_chart
from agent_lab.evaluation.render.charts.forest import forest_chart
from agent_lab.evaluation.render.charts.frontier import frontier_chart
from agent_lab.evaluation.render.command import command_of
from agent_lab.evaluation.render.figures import (
    VERDICTS,
    claims_first,
    cost,
    facts_of,
    percent,
    spoken_of,
    title_of,
    unit_name,
    untold_line,
)
from agent_lab.evaluation.render.svg import Drawing, escape
from agent_lab.evaluation.render.tables import (
    Table,
    arms_table,
    debate_table,
    differences_table,
    flips_table,
    nodes_table,
    rounds_table,
)

WIDE_PX, NARROW_PX = 1000, 340
Draw = Callable[[int, str], Drawing]
"""A drawing of a width, under an id."""


def html(report: Report) -> str:
    """The whole file."""
    style = resources.files("agent_lab.evaluation.render").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title_of(report))}</title>\n<style>{style}</style>\n</head>\n"
    )
    return f"{head}<body>\n<main>\n{chr(10).join(_parts(report))}\n</main>\n</body>\n</html>\n"


def _parts(report: Report) -> Iterator[str]:
    info = report.evaluation
    yield f"<h1>{escape(title_of(report))}</h1>"
    yield f'<p class="quiet">{escape(f"{info.dataset.name}, scored by {report.scorer}")}</p>'
    yield from _verdicts(report)
    yield from _warnings(report)
    yield "<h2>Cost and quality</h2>"
    yield _figure(
        lambda width, id: frontier_chart(report.arms, report.unit, width=width, id=id),
        "frontier",
        "Numbers are those of the table. The dashed line joins the arms that no other equals for less.",
    )
    yield _table(arms_table(report))
    yield from _differences(report)
    for number, debate in enumerate(report.debates):
        yield from _debate(debate, report, f"debate{number}")
    yield from _foundations(report)


def _verdicts(report: Report) -> Iterator[str]:
    if not report.differences:
        return
    yield '<ul class="verdicts">'
    told, untold = spoken_of(report.differences)
    yield from (_verdict(one.verdict, one.sentence) for one in told)
    if untold:
        yield _verdict("inconclusive", untold_line(untold))
    yield "</ul>"


def _verdict(verdict: Verdict, sentence: str) -> str:
    tag = f'<span class="tag {verdict}">{VERDICTS[verdict]}</span>'
    return f"<li>{tag}<span>{escape(sentence)}</span></li>"


def _warnings(report: Report) -> Iterator[str]:
    if report.warnings:
        yield '<ul class="warnings">' + "".join(f"<li>{escape(one)}</li>" for one in report.warnings) + "</ul>"


def _differences(report: Report) -> Iterator[str]:
    if not report.differences:
        return
    ordered, margin = claims_first(report.differences), report.evaluation.spec.margin
    yield "<h2>Paired differences</h2>"
    yield _figure(
        lambda width, id: forest_chart(ordered, margin, width=width, id=id),
        "forest",
        f"Each arm less the other, on the same items, with {100 * report.confidence:g} % intervals.",
    )
    yield _table(differences_table(report))


def _debate(debate: DebateFigures, report: Report, id: str) -> Iterator[str]:
    yield f"<h2>What the deliberation of {escape(debate.arm)} did</h2>"
    yield _table(debate_table(debate))
    if debate.flips:
        yield "<h3>Right and wrong, step by step</h3>"
        yield _figure(lambda width, name: flip_chart(debate.flips, debate.arm, width=width, id=name), f"{id}-flips", "")
        yield _table(flips_table(debate))
    if len(debate.rounds) > 1:
        yield "<h3>Accuracy by round</h3>"
        bars = [Bar(f"round {one.round}", one.accuracy, percent(one.accuracy)) for one in debate.rounds]
        yield _bars(bars, "Accuracy by round", f"{id}-rounds", most=1.0)
        yield _table(rounds_table(debate))
    if debate.nodes:
        yield "<h3>Cost by node</h3>"
        told = f"{unit_name(report.unit)} an answer"
        costs = [Bar(node.node, node.cost, cost(node.cost, report.unit)) for node in debate.nodes]
        yield _bars(costs, f"Cost by node, in {told}", f"{id}-nodes")
        yield _table(nodes_table(debate, report.unit))
        yield from (f"<p>{escape(node.sentence)}</p>" for node in debate.nodes if node.sentence)


def _foundations(report: Report) -> Iterator[str]:
    yield "<h2>What this rests on</h2>"
    facts = facts_of(report)
    facts += [(arm.arm, arm.origin.sentence) for arm in report.arms if arm.origin and arm.origin.sentence]
    facts += [("Method", method) for method in dict.fromkeys(one.method for one in report.differences)]
    yield '<dl class="facts">'
    yield from (f"<dt>{escape(word)}</dt><dd>{escape(told)}</dd>" for word, told in facts)
    yield "</dl>"
    command = command_of(report.evaluation.spec)
    if command is not None:
        yield f"<h3>Made again with</h3><pre>{escape(command)}</pre>"


def _bars(bars: list[Bar], title: str, id: str, *, most: float | None = None) -> str:
    return _figure(lambda width, name: bar_chart(bars, title, width=width, id=name, most=most), id, "")


def _figure(draw: Draw, id: str, caption: str) -> str:
    """A drawing for wide screens and one for narrow ones, of which the style shows one."""
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    wide, narrow = draw(WIDE_PX, f"{id}-w"), draw(NARROW_PX, f"{id}-n")
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div>{told}</figure>'


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    looks = ["word" if number < table.words else "" for number in range(len(table.headings))]
    looks[: table.head] = ["word short"] * table.head
    head = "".join(
        f'<th scope="col" class="{look}">{escape(text)}</th>' for look, text in zip(looks, table.headings, strict=True)
    )
    body = "".join(f"<tr>{_row(row, looks, table.head)}</tr>" for row in table.rows)
    caption = escape(table.caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: tuple[str, ...], looks: list[str], head: int) -> str:
    cells = [f'<td class="{look}">{escape(cell)}</td>' for look, cell in zip(looks, row, strict=True)]
    cells[head] = f'<th scope="row" class="word">{escape(row[head])}</th>'
    return "".join(cells)
