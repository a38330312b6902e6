"""Follows a run to its end on the page; Ctrl-C and a closed pipe cancel it, and it is stored as cancelled."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent_lab.cli.output import PipeClosed, note, write, write_json
from agent_lab.cli.session import INTERRUPTED, Interrupts
from agent_lab.contracts.errors import AgentLabError, ConflictError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.run import RunEvent, RunFinished, RunInfo, RunView

if TYPE_CHECKING:
    from agent_lab.cli.options import Shown
    from agent_lab.cli.render import Transcript
    from agent_lab.wiring import Lab

FILE_WAIT_S = 3.0
EXIT_CODES = {"completed": 0, "cancelled": 1, "declined": 1, "failed": 1, "limit_exceeded": 1}


def resolver(lab: Lab) -> Callable[[GenerationRequest], ModelSpec | None]:
    """Which model a request will go to, as far as that can be said before it answers."""

    def resolve(request: GenerationRequest) -> ModelSpec | None:
        try:
            return lab.gateway.resolve_model(request)
        except AgentLabError:  # the run itself tells why
            return None

    return resolve


def transcript_for(lab: Lab) -> Transcript:
    """An empty transcript on standard output."""
    from agent_lab.cli.paper import standard_paper
    from agent_lab.cli.render import Transcript
    from agent_lab.settings import plain_output_wanted

    return Transcript(standard_paper(plain=plain_output_wanted()), resolver(lab))


async def follow(lab: Lab, starting: Awaitable[RunInfo], shown: Shown, *, expected: str | None = None) -> int:
    """Start or take up a run in this process and show it until it ends; the exit code."""
    transcript = transcript_for(lab)
    # From before the start on: a run must not be left behind by a signal that comes while it is being stored.
    with Interrupts(leaving="Cancelling the run.") as interrupts:
        info = await starting
        try:
            interrupted = await interrupts.unless(_show(lab, info.run_id, transcript if shown.live else None))
            if interrupted:
                await _cancel(lab, info.run_id)
                transcript.feed((await lab.runs.events(info.run_id))[-1])
            view = await lab.runs.view(info.run_id)
            await _file_written(lab, info)
            show_result(lab, info, view, transcript, shown, expected=expected)
        except PipeClosed:
            # Nobody reads the rest, so nobody should pay for it either.
            await _cancel(lab, info.run_id)
            raise
    if interrupted and view.status == "cancelled":
        note(f"Cancelled. What it had is kept: agent-lab runs show {info.run_id}; run it again to start anew.")
        return INTERRUPTED
    return EXIT_CODES.get(view.status, 1)


async def _show(lab: Lab, run_id: str, transcript: Transcript | None, *, after: int = 0) -> None:
    watching = cast("AsyncGenerator[RunEvent, None]", lab.runs.watch(run_id, after))
    async with aclosing(watching) as events:
        async for event in events:
            if transcript is not None:
                transcript.feed(event)
            if isinstance(event, RunFinished):
                return


async def _cancel(lab: Lab, run_id: str) -> None:
    with suppress(ConflictError):  # it has just ended by itself
        await lab.runs.cancel(run_id)


async def _file_written(lab: Lab, info: RunInfo) -> None:
    """The run's file comes just after its last event; wait for it, but not for long: the disk may be full."""
    path = lab.runs.output_path(info)
    with suppress(TimeoutError):
        async with asyncio.timeout(FILE_WAIT_S):
            while not path.exists():  # noqa: ASYNC110 - another part of the process writes it, and says so nowhere
                await asyncio.sleep(0.01)


async def watch(lab: Lab, info: RunInfo) -> int:
    """Show a run that another process works on, until it ends; Ctrl-C stops the watching and not the run."""
    transcript = transcript_for(lab)
    with Interrupts(leaving="No longer watching; the run goes on.") as interrupts:
        if await interrupts.unless(_show(lab, info.run_id, transcript)):
            transcript.paper.end_text()
            return INTERRUPTED
    view = await lab.runs.view(info.run_id)
    _show_end(lab, info, view, transcript, expected=None)
    return EXIT_CODES.get(view.status, 1)


def show_stored(lab: Lab, info: RunInfo, events: list[RunEvent], view: RunView) -> None:
    """Show what is stored of a run."""
    transcript = transcript_for(lab)
    for event in events:
        transcript.feed(event)
    _show_end(lab, info, view, transcript, expected=None)


def show_result(
    lab: Lab, info: RunInfo, view: RunView, transcript: Transcript, shown: Shown, *, expected: str | None
) -> None:
    """The end of a run in the form that was asked for."""
    if shown.as_json:
        write_json(run_document(lab, info, view, expected))
        if view.fault is not None:
            note(f"Error: {view.fault.message}")
    elif shown.quiet:
        _show_answer_alone(view)
    else:
        _show_end(lab, info, view, transcript, expected=expected)


def run_document(lab: Lab, info: RunInfo, view: RunView, expected: str | None = None) -> dict[str, Any]:
    """A run as `--json` prints it: what the API answers, and where the file is."""
    from agent_lab.flows.metrics import build_api_response

    document = {**build_api_response(view), "answer": view.answer, "outputs_file": _outputs_file(lab, info)}
    if expected is not None:
        from agent_lab.cli.examples import figure

        document |= {"expected": expected, "right": figure(view.answer) == expected}
    return document


def _outputs_file(lab: Lab, info: RunInfo) -> str | None:
    path = lab.runs.output_path(info)
    return str(path) if path.exists() else None


def program_name(called: str, on_path: str | None) -> str:
    """What to write to call this program: its name where the PATH has it, else the path by which it was called."""
    if on_path or Path(called).name != "agent-lab":
        return "agent-lab"
    return os.path.relpath(called)


def _show_answer_alone(view: RunView) -> None:
    from agent_lab.cli.clean import clean
    from agent_lab.cli.render_end import ended_sentence

    if view.answer is not None:
        write(clean(view.answer).rstrip("\n") + "\n")
    if view.status != "completed":
        note(ended_sentence(view))


def _show_end(lab: Lab, info: RunInfo, view: RunView, transcript: Transcript, *, expected: str | None) -> None:
    from agent_lab.cli.examples import figure
    from agent_lab.cli.render_end import Ending, ended_sentence, show_ending

    transcript.paper.end_text()
    if transcript.flow is None:
        return
    path = lab.runs.output_path(info)
    ending = Ending(
        view=view,
        flow=transcript.flow,
        outputs_file=path if path.exists() else None,
        on_this_machine=transcript.sources <= {"local", "scripted"},
        program=program_name(sys.argv[0], shutil.which("agent-lab")),
        expected=expected,
        found=figure(view.answer) if expected is not None else None,
    )
    show_ending(transcript.paper, ending)
    if view.status in {"failed", "limit_exceeded"} and not transcript.paper.live:  # a terminal has shown it already
        note(f"Error: {ended_sentence(view)}")
