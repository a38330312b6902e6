"""Shows how a run ended: the answer, what changed on the way to it, what it took, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent_lab.cli.figures import totals_line
from agent_lab.cli.paper import Paper, one_line
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What there is to say of a run that has ended."""

    view: RunView
    flow: FlowConfig
    outputs_file: Path | None
    on_this_machine: bool
    program: str = "agent-lab"
    """What to write to call this program."""
    expected: str | None = None
    """The right answer, where the question came from the held-out set."""
    found: str | None = None
    """The answer's figure, as the held-out set is scored."""


def show_ending(paper: Paper, ending: Ending) -> None:
    """Write the end of a transcript."""
    view = ending.view
    if view.answer is not None and view.status != "declined":
        paper.line()
        paper.rule("Answer")
        paper.text(view.answer)
        paper.end_text()
    _show_change(paper, ending)
    _show_expected(paper, ending)
    paper.line()
    paper.line(totals_line(view.totals, on_this_machine=ending.on_this_machine), style="bold")
    if view.status in {"running", "queued"}:
        paper.line(f"This run goes on, or was left; {ending.program} runs watch | resume | cancel {view.run_id}")
    elif view.status != "completed":
        paper.sentence(ended_sentence(view, ending.program))
    if ending.outputs_file is not None:
        paper.line(f"Stored in {ending.outputs_file}")
    for purpose, command in _next_steps(view):
        paper.line(f"  {purpose:<18} {ending.program} {command}", style="dim")


def ended_sentence(view: RunView, program: str = "agent-lab") -> str:
    """How a run without an answer ended, or how it goes on, in one sentence."""
    if view.status == "waiting":
        asking = next((node for node in view.nodes if node.question is not None), None)
        name = asking.id if asking else "NODE"
        asked = f" ({one_line(asking.question or '', 200)})" if asking else ""
        return f"The run waits for a person{asked}; answer it: {program} runs answer {view.run_id} {name} TEXT"
    if view.status == "paused":
        return f"The run is paused; it goes on with: {program} runs resume {view.run_id}"
    if view.fault is not None:
        return f"Ended as {view.status}: {view.fault.message}"
    words = {"declined": "The model does not take this question; see its words above."}
    return words.get(view.status, f"Ended as {view.status}.")


def _next_steps(view: RunView) -> Iterator[tuple[str, str]]:
    yield "In the browser:", "up"
    yield "Another question:", f'run {view.flow_id} "..."'
    if view.status in {"declined", "failed"}:
        yield "Other models:", "models list"
    if view.status in {"failed", "cancelled", "limit_exceeded"}:
        yield "From where it broke:", f"runs retry {view.run_id}"
    yield "This run again:", f"runs show {view.run_id}"


def _show_change(paper: Paper, ending: Ending) -> None:
    view = ending.view
    if ending.flow.draft is None or view.draft is None or view.answer is None or view.status != "completed":
        return
    if view.draft.strip() == view.answer.strip():
        paper.line("The answer is the draft, unchanged.", style="dim")
        return
    paper.line()
    paper.rule("From draft to answer")
    for line, style in changed_lines(view.draft, view.answer):
        paper.line(line, style=style)


def changed_lines(draft: str, answer: str) -> Iterator[tuple[str, str]]:
    """A unified diff by line, without its file header: each line and its style."""
    styles = {"+": "good", "-": "bad", "@": "route"}
    diff = difflib.unified_diff(draft.strip().splitlines(), answer.strip().splitlines(), lineterm="", n=2)
    for number, line in enumerate(diff):
        if number >= 2:
            yield line, styles.get(line[:1], "")


def _show_expected(paper: Paper, ending: Ending) -> None:
    if ending.expected is None or ending.view.status != "completed":
        return
    right = ending.found is not None and ending.found == ending.expected
    found = "no figure" if ending.found is None else one_line(ending.found, 40)
    verdict = "right" if right else f"wrong (the answer says {found})"
    paper.line()
    paper.line(f"Expected {ending.expected}: {verdict}.", style="good" if right else "bad")
