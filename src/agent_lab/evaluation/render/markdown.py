"""Writes a report as Markdown that every renderer shows the same; no text in it is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent_lab.contracts.evaluation_report import DebateFigures, Report
from agent_lab.evaluation.render.command import command_of
from agent_lab.evaluation.render.figures import VERDICTS, facts_of, plain, spoken_of, title_of, untold_line
from agent_lab.evaluation.render.tables import (
    Table,
    arms_table,
    debate_table,
    differences_table,
    flips_table,
    nodes_table,
    rounds_table,
)

_MARKS = re.compile(r"([\\`*_\[\]<>|#&~!$])")
_FIRST = re.compile(r"^(\d+)([.)])|^([-+=:])")
_SCHEME = re.compile(r"\b(https?|ftp|mailto|www)([:.])", re.IGNORECASE)


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def escape(text: str) -> str:
    """The text as Markdown that shows it: on one line, no marks, no links that make themselves."""
    told = _MARKS.sub(r"\\\1", plain(text))
    return _SCHEME.sub(lambda found: f"{found[1]}{'&#58;' if found[2] == ':' else '&#46;'}", told)


def _line(text: str) -> str:
    """The text as one that may begin a line: it makes no list and no heading."""
    told = escape(text)
    return _FIRST.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", told)


def table_lines(table: Table) -> Iterator[str]:
    """A table; nothing where it has no rows."""
    if not table.rows:
        return
    yield f"| {' | '.join(escape(heading) or ' ' for heading in table.headings)} |"
    yield f"|{'|'.join(' --- ' if number < table.words else ' ---: ' for number in range(len(table.headings)))}|"
    for row in table.rows:
        yield f"| {' | '.join(escape(cell) or ' ' for cell in row)} |"
    yield ""


def _lines(report: Report) -> Iterator[str]:
    yield f"# {_line(title_of(report))}"
    yield ""
    told, untold = spoken_of(report.differences)
    for one in told:
        yield f"- **{VERDICTS[one.verdict]}**: {escape(one.sentence)}"
    if untold:
        yield f"- **{VERDICTS['inconclusive']}**: {escape(untold_line(untold))}"
    yield ""
    for warning in report.warnings:
        yield f"> **Note:** {_line(warning)}"
        yield ""
    yield "## Arms"
    yield ""
    yield from table_lines(arms_table(report))
    if report.differences:
        yield "## Differences"
        yield ""
        yield from table_lines(differences_table(report))
    for debate in report.debates:
        yield from _debate_lines(debate, report)
    yield from _footer(report)


def _debate_lines(debate: DebateFigures, report: Report) -> Iterator[str]:
    yield f"## What the deliberation of {escape(debate.arm)} did"
    yield ""
    for table in (debate_table(debate), flips_table(debate), rounds_table(debate), nodes_table(debate, report.unit)):
        yield from table_lines(table)
    worth = [node.sentence for node in debate.nodes if node.sentence]
    yield from (f"- {_line(sentence)}" for sentence in worth)
    yield ""


def _footer(report: Report) -> Iterator[str]:
    yield "## What this rests on"
    yield ""
    yield from (f"- {word}: {escape(told)}" for word, told in facts_of(report))
    for origin in (arm.origin for arm in report.arms if arm.origin and arm.origin.sentence):
        yield f"- {_line(origin.arm)}: {escape(origin.sentence)}"
    for method in dict.fromkeys(one.method for one in report.differences):
        yield f"- Method: {escape(method)}"
    yield ""
    command = command_of(report.evaluation.spec)
    if command is not None:
        yield "Made again with:"
        yield ""
        yield f"    {command}"
