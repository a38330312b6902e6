"""`agent-lab runs compare`: two runs side by side, what each node said and took, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from agent_lab.cli.options import Utf8, as_json
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.cli.paper import Paper
    from agent_lab.runs.comparison import NodeComparison, NodeSide, RunComparison, RunSide, TextDiff, TotalsDifference
    from agent_lab.wiring import Lab

STYLES = {"+": "good", "-": "bad", "@": "route"}


@click.command("compare")
@click.argument("left", metavar="RUN", type=Utf8())
@click.argument("right", metavar="OTHER", type=Utf8())
@as_json
def compare_runs(left: str, right: str, as_json: bool) -> int:
    """Lay RUN and OTHER side by side; diffs lead from RUN (-) to OTHER (+)."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.cli.paper import standard_paper
        from agent_lab.runs.comparison import compare
        from agent_lab.runs.record import beginning

        begun = (beginning(await lab.runs.events(left)), beginning(await lab.runs.events(right)))
        found = compare(await lab.runs.view(left), await lab.runs.view(right), begun=begun)
        if as_json:
            write_json(found.model_dump(mode="json"))
        else:
            show(standard_paper(), found)
        return 0

    return with_lab(work)


def show(paper: Paper, found: RunComparison) -> None:
    """Write the comparison."""
    paper.line(f"- {_run(found.left)}")
    paper.line(f"+ {_run(found.right)}")
    if not found.same_flow:
        paper.line("The flows differ.", style="warn")
    for line in _changes(found):
        paper.line(f"  {line}", style="dim")
    _show_text(paper, "Question", found.prompt)
    for node in found.nodes:
        paper.rule(node.label or node.id)
        for sign, side in (("-", node.left), ("+", node.right)):
            paper.line(f"{sign} {_side(side)}", style="dim")
        for line, style in _told(node):
            paper.line(line, style=style)
    alike = next((node for node in found.nodes if not node.text.same and node.text == found.answer), None)
    if alike is not None:
        paper.line(f"Answer: differs as {alike.label or alike.id} does.")
    else:
        _show_text(paper, "Answer", found.answer)
    paper.line()
    paper.line(f"OTHER takes {_difference(found.difference)}", style="bold")


def _changes(found: RunComparison) -> Iterator[str]:
    from agent_lab.flows.difference import Difference, difference_text

    if found.changes is None:
        return
    for changed in (found.changes.flow, Difference(changes=found.changes.request)):
        if not changed.is_empty:
            yield from difference_text(changed).splitlines()


def _show_text(paper: Paper, title: str, text: TextDiff) -> None:
    if text.same:
        paper.line(f"{title}: the same.")
        return
    paper.rule(title)
    for line, style in _lines(text):
        paper.line(line, style=style)


def _told(node: NodeComparison) -> Iterator[tuple[str, str]]:
    if node.text.same:
        yield ("the same text" if node.same_fields else "the same text, other fields"), "dim"
        return
    yield from _lines(node.text)


def _lines(text: TextDiff) -> Iterator[tuple[str, str]]:
    for line in text.lines:
        yield line, STYLES.get(line[:1], "")
    if text.cut:
        yield "(too long to be compared to its end)", "warn"
    elif not text.lines:
        yield "(they differ in line ends only)", "dim"


def _run(run: RunSide) -> str:
    from agent_lab.cli.figures import totals_line

    return f"{run.run_id} {run.status}\n  {totals_line(run.totals, on_this_machine=False)}"


def _side(side: NodeSide | None) -> str:
    from agent_lab.cli.figures import counted, money, seconds

    if side is None:
        return "no such node"
    parts = [side.status, *([side.model] if side.model else [])]
    if side.calls or side.reused_calls:
        reused = f" ({side.reused_calls} taken over)" if side.reused_calls else ""
        parts.append(f"{counted(side.calls, 'call')}{reused}")
    if side.calls:
        parts.append(f"{side.prompt_tokens:,} in, {side.tokens:,} out")
        parts.append("cost unknown" if side.cost_usd is None else money(side.cost_usd))
    return " · ".join([*parts, seconds(side.seconds)])


def _difference(found: TotalsDifference) -> str:
    from agent_lab.cli.figures import money

    cost = "cost unknown"
    if found.cost_usd is not None:
        cost = ("-" if found.cost_usd < 0 else "+") + money(abs(found.cost_usd))
    tokens = found.prompt_tokens + found.completion_tokens
    return f"{found.calls:+,} calls · {tokens:+,} tokens · {found.seconds:+.2f} s · {cost}"
