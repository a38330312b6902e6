"""`agent-lab runs cancel | pause | resume | answer | retry`: act on a run, here or in the process that works on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.options import Shown, Utf8, as_json, offline, quietly, run_argument
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.run import RunInfo
    from agent_lab.wiring import Lab


@click.command("cancel")
@run_argument
@as_json
def cancel(run_id: str, as_json: bool) -> int:
    """Stop a run for good, here or in the process that works on it; what it had is kept."""

    async def work(lab: Lab) -> int:
        info = await lab.runs.cancel(run_id)
        if info.status == "cancelled":
            told = f"Run {run_id} is cancelled. What it had is kept: agent-lab runs show {run_id}"
        else:
            told = f"Run {run_id} is {info.status} yet; the process that works on it was asked to stop it."
        return _told(info, told, as_json)

    return with_lab(work)


@click.command("pause")
@run_argument
@as_json
def pause(run_id: str, as_json: bool) -> int:
    """Let a run's calls in flight end and begin no others, here or in the process that works on it."""

    async def work(lab: Lab) -> int:
        info = await lab.runs.pause(run_id)
        if info.status == "paused":
            told = f"Run {run_id} is paused; it goes on with: agent-lab runs resume {run_id}"
        else:
            told = f"Run {run_id} is {info.status} yet; it pauses when its calls in flight have ended."
        return _told(info, told, as_json)

    return with_lab(work)


@click.command("resume")
@run_argument
@quietly
@offline
@as_json
def resume(run_id: str, quiet: bool, as_json: bool) -> int:
    """Take up a run where its record ends; what is recorded is not asked again."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import follow

        return await follow(lab, lab.runs.resume(run_id), Shown(as_json=as_json, quiet=quiet))

    return with_lab(work)


@click.command("answer")
@run_argument
@click.argument("words", metavar="[NODE] TEXT", nargs=-1, required=True, type=Utf8())
@quietly
@offline
@as_json
def answer(run_id: str, words: tuple[str, ...], quiet: bool, as_json: bool) -> int:
    """Answer a run that waits for a person, and follow it as it goes on.

    NODE may be left out where one node asks. TEXT `-` is read from standard input; an empty one ("") is the default
    that the question names.
    """
    if len(words) > 2:
        raise click.UsageError("Give RUN, NODE and TEXT; put a TEXT of several words in quotes.")
    from agent_lab.cli.question import read_question

    text = read_question(words[-1]) if words[-1] else ""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import follow

        node = words[0] if len(words) == 2 else await _the_one_that_asks(lab, run_id)
        return await follow(lab, lab.runs.answer(run_id, node, text), Shown(as_json=as_json, quiet=quiet))

    return with_lab(work)


@click.command("retry")
@run_argument
@quietly
@offline
@as_json
def retry(run_id: str, quiet: bool, as_json: bool) -> int:
    """Run a run that ended badly again, from where it broke; what it had is taken over, unpaid."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import follow

        return await follow(lab, lab.runs.retry(run_id), Shown(as_json=as_json, quiet=quiet))

    return with_lab(work)


async def _the_one_that_asks(lab: Lab, run_id: str) -> str:
    """The node that asks a person. Raises ConflictError where none does or several do."""
    from agent_lab.contracts.errors import ConflictError

    view = await lab.runs.view(run_id)
    asking = [node.id for node in view.nodes if node.question is not None]
    if len(asking) > 1:
        raise ConflictError(f"Several nodes of run {run_id} ask: {', '.join(asking)}; name one: RUN NODE TEXT.")
    if not asking:
        raise ConflictError(f"Run {run_id} asks nothing now ({view.status}).")
    return asking[0]


def _told(info: RunInfo, sentence: str, as_json: bool) -> int:
    from agent_lab.cli.output import write, write_json

    if as_json:
        write_json(info.model_dump(mode="json"))
    else:
        write(sentence + "\n")
    return 0
