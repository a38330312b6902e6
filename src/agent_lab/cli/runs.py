"""`agent-lab runs`: the runs that are stored, and following, stopping and taking them up."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import Shown, as_json, at_url

if TYPE_CHECKING:
    from agent_lab.contracts.run import RunInfo
    from agent_lab.wiring import Lab

STATUSES = ("queued", "running", "completed", "declined", "failed", "cancelled", "limit_exceeded")


@click.group(context_settings=CONTEXT)
def runs() -> None:
    """List, show, watch, cancel and resume runs."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at the most.")
@click.option("--before", metavar="RUN", help="Only those older than this run.")
@click.option("--flow", metavar="FLOW", help="Only those of this flow.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@as_json
def list_runs(limit: int, before: str | None, flow: str | None, status: Any, as_json: bool) -> int:
    """The stored runs, newest first."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json
        from agent_lab.contracts.run_ports import RunFilter

        found = await lab.runs.list(limit=limit, before=before, only=RunFilter(flow_id=flow, status=status))
        if as_json:
            write_json({"runs": [info.model_dump(mode="json") for info in found]})
        elif found:
            _table(found)
        else:
            note('No runs are stored yet; start one: agent-lab run challenge "..."')
        return 0

    return _with_lab(work)


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@as_json
def show(run_id: str, as_json: bool) -> int:
    """The transcript of a stored run."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import run_document, show_stored
        from agent_lab.cli.output import write_json

        info = await _info(lab, run_id)
        view = await lab.runs.view(run_id)
        if as_json:
            write_json(run_document(lab, info, view))
        else:
            show_stored(lab, info, await lab.runs.events(run_id), view)
        return 0

    return _with_lab(work)


@runs.command("watch")
@click.argument("run_id", metavar="RUN")
@as_json
def watch_run(run_id: str, as_json: bool) -> int:
    """Follow a run until it ends; Ctrl-C stops the watching and not the run."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import exit_code, run_document, watch
        from agent_lab.cli.output import write_json

        info = await _info(lab, run_id)
        if not as_json:
            return await watch(lab, info)
        view = await lab.runs.wait(run_id)
        write_json(run_document(lab, info, view))
        return exit_code(view)

    return _with_lab(work)


@runs.command("cancel")
@click.argument("run_id", metavar="RUN")
@at_url
@as_json
def cancel(run_id: str, url: str, as_json: bool) -> int:
    """Stop a run, here or in the server that works on it."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json

        row = await _cancelled(lab, run_id, url)
        if as_json:
            write_json(row)
        else:
            write(f"Run {run_id} is {row['status']}. What it had is kept: agent-lab runs show {run_id}\n")
        return 0

    return _with_lab(work)


@runs.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option("--quiet", "-q", is_flag=True, help="Print the answer alone.")
@as_json
def resume(run_id: str, quiet: bool, as_json: bool) -> int:
    """Take up a run where its record ends; what is recorded is not asked again."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import follow

        return await follow(lab, lab.runs.resume(run_id), Shown(as_json=as_json, quiet=quiet))

    return _with_lab(work)


async def _cancelled(lab: Lab, run_id: str, url: str) -> dict[str, Any]:
    """The run's row, cancelled: here where nobody works on it, else by the server at that address."""
    from agent_lab.cli.remote import call
    from agent_lab.contracts.errors import AgentLabError, ConflictError
    from agent_lab.contracts.run import TERMINAL

    info = await _info(lab, run_id)
    try:
        return (await lab.runs.cancel(run_id)).model_dump(mode="json")
    except ConflictError as error:
        if info.status in TERMINAL:
            raise
        try:
            return await asyncio.to_thread(call, lab.settings, url, "POST", "/api/runs/{}/cancel", run_id, body={})
        except AgentLabError:
            raise ConflictError(
                f"Run {run_id} is worked on by another process, and no server at {url} could cancel it; press Ctrl-C "
                "where it runs, or name its server with --url."
            ) from error


async def _info(lab: Lab, run_id: str) -> RunInfo:
    """The run's row. Raises NotFoundError."""
    return await lab.runs.store.get(run_id)


def _table(found: list[RunInfo]) -> None:
    from agent_lab.cli.paper import standard_paper

    rows = [[info.run_id, _when(info.created_at), info.flow_id, info.status, info.prompt] for info in found]
    standard_paper().table(rows, headings=["RUN", "BEGUN", "FLOW", "STATUS", "QUESTION"], cut=True)


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%m-%d %H:%M")


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
