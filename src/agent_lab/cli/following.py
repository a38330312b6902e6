"""Follows a run to its end on the page; Ctrl-C and a closed pipe cancel it, and it is stored as cancelled."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent_lab.cli.output import PipeClosed, note, write, write_json
from agent_lab.cli.person import answer_all, is_there
from agent_lab.cli.session import INTERRUPTED, Interrupts
from agent_lab.contracts.errors import AgentLabError, ConflictError, error_kind
from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.run import TERMINAL, RunInfo, RunView

if TYPE_CHECKING:
    from agent_lab.cli.options import Shown
    from agent_lab.cli.render import Transcript
    from agent_lab.wiring import Lab

CANCELLING = "Cancelling the run."
NO_LONGER = "No longer watching; the run goes on."


def exit_code(view: RunView) -> int:
    """0 where the run has its answer or goes on later, the code of its fault where it failed, else 1."""
    if view.status == "failed" and view.fault is not None:
        return error_kind(view.fault.type).exit_code
    return 0 if view.status == "completed" or view.status not in TERMINAL else 1


def loading(lab: Lab, model: ModelSpec) -> bool:
    """Whether the model has to be loaded before it answers."""
    return model.provider == "local" and model.key not in {one.model_key for one in lab.host.resident()}


def resolver(lab: Lab) -> Callable[[GenerationRequest], ModelSpec | None]:
    """Which model a request will go to, as far as that can be said before it answers."""

    def resolve(request: GenerationRequest) -> ModelSpec | None:
        try:
            return lab.gateway.resolve_model(request)
        except AgentLabError:  # the run itself tells why
            return None

    return resolve


def transcript_for(lab: Lab, *, moving: bool = False) -> Transcript:
    """An empty transcript on standard output. `moving`: the run goes on while it is shown."""
    from agent_lab.cli.paper import standard_paper
    from agent_lab.cli.render import Transcript

    return Transcript(standard_paper(moving=moving), resolver(lab), partial(loading, lab))


class Stopped(Enum):
    """Why a run is no longer followed."""

    OVER = "it has ended, or was left paused, waiting or interrupted"
    CANCEL = "Ctrl-C: it is to be stopped"
    LATER = "nobody wanted to answer it now"


async def follow(lab: Lab, starting: Awaitable[RunInfo], shown: Shown, *, expected: str | None = None) -> int:
    """Start or take up a run and show it until it ends or waits for somebody; the exit code.

    Ctrl-C and a closed pipe cancel it, unless it is another process that works on it.
    Raises AgentLabError where this process could not go on with it.
    """
    transcript = transcript_for(lab, moving=True)
    # From before the start on: a run must not be left behind by a signal that comes while it is being stored.
    with Interrupts(leaving=CANCELLING, first=partial(transcript.paper.progress, "")) as interrupts:
        info = await starting
        is_ours = info.run_id in lab.runs.shop.active
        interrupts.leaving = CANCELLING if is_ours else NO_LONGER
        try:
            stopped = await _carry(lab, info.run_id, transcript, shown, interrupts)
            if stopped is Stopped.CANCEL and not is_ours:
                return INTERRUPTED
            if stopped is Stopped.CANCEL:
                await _cancel(lab, info.run_id)
                transcript.feed((await lab.runs.events(info.run_id))[-1])
            view = await lab.runs.view(info.run_id)
            if view.status == "running":
                raise AgentLabError(
                    f"Run {info.run_id} was interrupted; `agent-lab runs resume {info.run_id}` takes it up again."
                )
            show_result(lab, info, view, transcript, shown, expected=expected)
        except PipeClosed:
            if is_ours:  # nobody reads the rest, so nobody should pay for it either
                await _cancel(lab, info.run_id)
            raise
        finally:
            transcript.paper.close()
    if stopped is Stopped.CANCEL and view.status == "cancelled":
        note(f"Cancelled. What it had is kept: agent-lab runs show {info.run_id}; run it again to start anew.")
        return INTERRUPTED
    return INTERRUPTED if stopped is Stopped.LATER else exit_code(view)


async def _carry(lab: Lab, run_id: str, transcript: Transcript, shown: Shown, interrupts: Interrupts) -> Stopped:
    """Show the run, and ask what it asks where somebody is there to answer."""
    after = 0
    while True:
        seen = await interrupts.unless(_show(lab, run_id, transcript if shown.live else None, after))
        if seen is None:
            return Stopped.CANCEL
        after = seen
        view = await lab.runs.view(run_id)
        if view.status != "waiting" or not (shown.live and is_there()):
            return Stopped.OVER
        leaving, interrupts.leaving = interrupts.leaving, "The run waits on."
        if not await answer_all(lab, view, transcript.paper, interrupts):
            return Stopped.LATER
        interrupts.leaving = leaving


async def _show(lab: Lab, run_id: str, transcript: Transcript | None, after: int = 0) -> int:
    """Show the run until it is over and its file is written, or rests; the number of the last event."""
    watching = cast("AsyncGenerator[RunEvent, None]", lab.runs.watch(run_id, after))
    async with aclosing(watching) as events:
        async for event in events:
            if transcript is not None:
                transcript.feed(event)
            after = event.seq or after
    return after


async def _cancel(lab: Lab, run_id: str) -> None:
    with suppress(ConflictError):  # it has just ended by itself
        await lab.runs.cancel(run_id)


async def watch(lab: Lab, info: RunInfo) -> int:
    """Show a run that another process works on, until it ends or rests; Ctrl-C stops the watching and not the run."""
    transcript = transcript_for(lab, moving=True)
    with Interrupts(leaving=NO_LONGER, first=partial(transcript.paper.progress, "")) as interrupts:
        try:
            if await interrupts.unless(_show(lab, info.run_id, transcript)) is None:
                return INTERRUPTED
        finally:
            transcript.paper.close()
    view = await lab.runs.view(info.run_id)
    _show_end(lab, info, view, transcript, expected=None)
    return exit_code(view)


def show_stored(
    lab: Lab,
    info: RunInfo,
    events: list[RunEvent],
    view: RunView,
    *,
    transcript: Transcript | None = None,
    expected: str | None = None,
) -> None:
    """Show what is stored of a run, on standard output or on another page."""
    transcript = transcript or transcript_for(lab)
    for event in events:
        transcript.feed(event)
    _show_end(lab, info, view, transcript, expected=expected)


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


def _program() -> str:
    return program_name(sys.argv[0], shutil.which("agent-lab"))


def _show_answer_alone(view: RunView) -> None:
    from agent_lab.cli.clean import clean
    from agent_lab.cli.render_end import ended_sentence

    if view.answer is not None:
        write(clean(view.answer).rstrip("\n") + "\n")
    if view.status != "completed":
        note(ended_sentence(view, _program()))


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
        program=_program(),
        expected=expected,
        found=figure(view.answer) if expected is not None else None,
    )
    show_ending(transcript.paper, ending)
    if view.status in {"failed", "limit_exceeded"} and not transcript.paper.live:  # a terminal has shown it already
        note(f"Error: {ended_sentence(view)}")
