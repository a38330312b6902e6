"""`agent-lab runs`: the runs that are stored: listed, shown, followed, compared and written down."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.lazy import LazyGroup
from agent_lab.cli.options import Number, Utf8, as_json, run_argument

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_lab.contracts.run import RunInfo
    from agent_lab.runs.transcript_words import Language
    from agent_lab.wiring import Lab

STATUSES = (
    *("queued", "running", "waiting", "paused"),
    *("completed", "declined", "failed", "cancelled", "limit_exceeded"),
)
_ROOM_FOR_MODELS = 100
_COMMANDS = {
    "list": ("agent_lab.cli.runs:list_runs", "The stored runs, newest first."),
    "show": ("agent_lab.cli.runs:show", "The transcript of a stored run."),
    "watch": ("agent_lab.cli.runs:watch_run", "Follow a run until it ends."),
    "cancel": ("agent_lab.cli.run_actions:cancel", "Stop a run for good."),
    "pause": ("agent_lab.cli.run_actions:pause", "Let a run's calls in flight end, and begin no others."),
    "resume": ("agent_lab.cli.run_actions:resume", "Take up a paused or interrupted run where its record ends."),
    "answer": ("agent_lab.cli.run_actions:answer", "Answer a run that waits for a person."),
    "retry": ("agent_lab.cli.run_actions:retry", "Run a run that ended badly again, from where it broke."),
    "fork": ("agent_lab.cli.run_fork:fork", "Run a run again with a change; pay only for what changed."),
    "compare": ("agent_lab.cli.run_compare:compare_runs", "Two runs side by side."),
    "export": ("agent_lab.cli.runs:export", "Write a whole run down, as Markdown or JSON."),
}

runs = LazyGroup(name="runs", help="Stored runs: look at them, act on them, run them again.", table=_COMMANDS)


class Moment(click.ParamType[datetime]):
    """A date, or a date and a time; one without a zone is this machine's."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, with its zone."""
        try:
            return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{str(value)[:80]!r} is no date; write 2026-11-21 or 2026-11-21T09:30.", param, ctx)


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at the most.")
@click.option("--before", metavar="RUN", type=Utf8(), help="Only those older than this run.")
@click.option("--flow", "flow_id", type=Utf8(), metavar="FLOW", help="Only those of this flow.")
@click.option("--status", type=click.Choice(STATUSES), metavar="STATE", help="Only those in this state.")
@click.option("--text", type=Utf8(), metavar="TEXT", help="Only those whose question has this in it.")
@click.option("--since", type=Moment(), metavar="DATE", help="Only those begun then or later.")
@click.option("--until", type=Moment(), metavar="DATE", help="Only those begun before.")
@click.option("--parent", "parent_run_id", type=Utf8(), metavar="RUN", help="Only forks of this run.")
@click.option("--caller", type=Utf8(), metavar="NAME", help="Only those of this access key; '' for the owner's.")
@click.option("--trial/--no-trial", default=None, help="Only trials of one node; only runs of a whole flow.")
@click.option(
    "--cost-from", "cost_usd_from", type=Number(0), metavar="USD", help="Only those that cost so much or more."
)
@click.option("--cost-to", "cost_usd_to", type=Number(0), metavar="USD", help="Only those that cost no more.")
@click.option("--model", type=Utf8(), metavar="MODEL", help="Only those in which this model answered.")
@as_json
def list_runs(limit: int, before: str | None, as_json: bool, **only: Any) -> int:
    """The stored runs, newest first."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json
        from agent_lab.contracts.run_ports import RunFilter

        found = await lab.runs.list(limit=limit, before=before, only=RunFilter(**only))
        if as_json:
            write_json({"runs": [info.model_dump(mode="json") for info in found]})
        elif found:
            _table(found)
        elif any(value is not None for value in (before, *only.values())):
            note("No stored run is like that.")
        else:
            note('No runs are stored yet; start one: agent-lab run challenge "..."')
        return 0

    return with_lab(work)


@click.command("show")
@run_argument
@as_json
def show(run_id: str, as_json: bool) -> int:
    """The transcript of a stored run."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import run_document, show_stored
        from agent_lab.cli.output import write_json

        info = await lab.runs.store.get(run_id)
        view = await lab.runs.so_far(run_id)
        if as_json:
            write_json(run_document(lab, info, view))
        else:
            show_stored(lab, info, await lab.runs.events(run_id), view)
        return 0

    return with_lab(work)


@click.command("watch")
@run_argument
@as_json
def watch_run(run_id: str, as_json: bool) -> int:
    """Follow a run until it ends, is paused or waits for a person; Ctrl-C stops the watching and not the run."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import exit_code, run_document, watch
        from agent_lab.cli.output import write_json

        info = await lab.runs.store.get(run_id)
        if not as_json:
            return await watch(lab, info)
        view = await lab.runs.wait(run_id)
        write_json(run_document(lab, info, view))
        return exit_code(view)

    return with_lab(work)


@click.command("export")
@run_argument
@click.option(
    "--format", "written_as", type=click.Choice(["markdown", "json"]), default="markdown", help="For people, or whole."
)
@click.option("--language", type=click.Choice(["en", "es"]), default="en", help="Of what stands between the texts.")
@as_json
def export(run_id: str, written_as: str, language: Language, as_json: bool) -> int:
    """Write a whole run to standard output: what was said, or with JSON every event."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.clean import clean
        from agent_lab.cli.output import write, write_json
        from agent_lab.runs.transcript import run_document, run_markdown

        events = await lab.runs.events(run_id)
        if as_json or written_as == "json":
            write_json(run_document(events))
        else:
            write(clean(run_markdown(events, language)))
        return 0

    return with_lab(work)


def with_lab(work: Callable[[Lab], Awaitable[int]]) -> int:
    """Open the lab for a command, with everything heavy that comes with it."""
    from agent_lab.cli.session import with_lab as opened

    return opened(work)  # type: ignore[arg-type]


def _table(found: list[RunInfo]) -> None:
    from agent_lab.cli.paper import standard_paper

    paper = standard_paper()
    # On a narrow terminal the question needs the place more.
    with_models = not paper.live or paper.width >= _ROOM_FOR_MODELS
    rows = [
        [info.run_id, _when(info.created_at), _what(info), info.status, *_models(info, with_models), info.prompt]
        for info in found
    ]
    models = ["MODELS"] if with_models else []
    paper.table(rows, headings=["RUN", "BEGUN", "FLOW", "STATUS", *models, "QUESTION"], cut=True)


def _models(info: RunInfo, wanted: bool) -> list[str]:
    """The cell of the models that answered: one by name, the others counted."""
    if not wanted:
        return []
    first, *others = info.models or ("-",)
    return [f"{first} +{len(others)}" if others else first]


def _what(info: RunInfo) -> str:
    """The flow; of a trial its node too."""
    return info.flow_id if info.only_node is None else f"{info.flow_id} > {info.only_node}"


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%m-%d %H:%M")
