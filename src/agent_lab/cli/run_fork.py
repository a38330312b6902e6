"""`agent-lab runs fork`: a run again with something changed, after saying what that will take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import (
    Shown,
    Utf8,
    as_json,
    fitting,
    limit_options,
    offline,
    pairs,
    quietly,
    run_argument,
    sampling_options,
    take_limits,
)
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.run import ForkPreview, ForkRequest, RunOptions
    from agent_lab.wiring import Lab


@click.command("fork")
@run_argument
@click.option("--from", "from_node", metavar="NODE", help="Ask everything anew from this node on.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    type=Utf8(),
    metavar="NODE.SETTING=VALUE",
    help="Change what a node says; VALUE is text or JSON, @FILE reads a text, null takes the setting away.",
)
@click.option("--prompt", metavar="TEXT", help="Another question (`-` reads it from standard input).")
@click.option("--model", metavar="KEY", help="Another model for every role.")
@click.option("--role", "roles", multiple=True, metavar="ROLE=KEY", help="Another model for one role.")
@sampling_options
@limit_options
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Another value of an input.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, and begin nothing.")
@click.option("--yes", "-y", is_flag=True, help="Begin without asking.")
@quietly
@offline
@as_json
def fork(run_id: str, dry_run: bool, yes: bool, quiet: bool, as_json: bool, **chosen: Any) -> int:
    """Run RUN again with a change, and pay only for what the change touches. What it will take is said first."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.following import follow

        change = await _change(lab, run_id, chosen)
        preview = await lab.runs.preview(run_id, change)
        if dry_run or not (yes or as_json):
            _show(preview, as_json)
        if dry_run or not (yes or _agreed(asked=not as_json)):
            return 0
        return await follow(lab, lab.runs.fork(run_id, change), Shown(as_json=as_json, quiet=quiet))

    return with_lab(work)


async def _change(lab: Lab, run_id: str, chosen: dict[str, Any]) -> ForkRequest:
    from agent_lab.cli.question import read_question
    from agent_lab.contracts.run import ForkRequest

    prompt = chosen["prompt"]
    found: ForkRequest = fitting(
        ForkRequest,
        from_node=chosen["from_node"],
        nodes=node_settings(chosen["settings"]),
        prompt=read_question(prompt) if prompt is not None else None,
        inputs=pairs(chosen["inputs"], "--input"),
        options=await _options(lab, run_id, chosen),
    )
    return found


async def _options(lab: Lab, run_id: str, chosen: dict[str, Any]) -> RunOptions | None:
    """The first run's options with those that were given; None where none was."""
    from agent_lab.contracts.run import RunLimits, RunOptions
    from agent_lab.runs.record import beginning

    names = ("model", "strategy", "max_tokens", "temperature", "seed")
    given = {name: chosen[name] for name in names if chosen[name] is not None}
    limits, models = take_limits(chosen), pairs(chosen["roles"], "--role", "ROLE=KEY")
    if not (given or limits or models):
        return None
    first = beginning(await lab.runs.events(run_id)).request.options
    old = first.model_dump()
    found: RunOptions = fitting(
        RunOptions,
        **{
            **old,
            **given,
            # A model for every role is meant for those too that had one of their own.
            "models": models if "model" in given else {**old["models"], **models},
            "limits": fitting(RunLimits, **{**old["limits"], **limits}),
        },
    )
    return found


def node_settings(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`NODE.SETTING=VALUE` options by node. Raises ValidationError for one of another form, or given twice."""
    from agent_lab.cli.pins import read_value
    from agent_lab.contracts.errors import ValidationError

    found: dict[str, dict[str, Any]] = {}
    for place, value in pairs(given, "--set", "NODE.SETTING=VALUE").items():
        node, dot, name = place.partition(".")
        if not (node and dot and name):
            raise ValidationError(f"--set takes NODE.SETTING=VALUE, not {place[:80]!r}.", where="--set")
        found.setdefault(node, {})[name] = read_value(value, "--set")
    return found


def _show(preview: ForkPreview, as_json: bool) -> None:
    from agent_lab.cli.output import write_json
    from agent_lab.cli.paper import standard_paper

    if as_json:
        write_json(preview.model_dump(mode="json"))
        return
    paper = standard_paper()
    for line in preview_lines(preview):
        paper.sentence(line)


def preview_lines(preview: ForkPreview) -> Iterable[str]:
    """What a fork would take, for people."""
    from agent_lab.cli.figures import counted, money

    anew = ", ".join(preview.nodes) or "nothing"
    yield f"Asked anew: {anew}."
    yield f"{counted(preview.calls, 'model call')}, cost {money(preview.cost_usd)}" + (
        " (by what the first run took)." if preview.calls and preview.cost_usd is not None else "."
    )
    taken = counted(preview.reused_calls, "answer")
    yield f"Taken from the first run, unpaid: {taken}, worth {money(preview.saved_usd)}."


def _agreed(*, asked: bool) -> bool:
    """Whether the one before the terminal says yes. Raises ValidationError where nobody is there."""
    from agent_lab.cli.person import is_there
    from agent_lab.contracts.errors import ValidationError

    if not (asked and is_there()):
        raise ValidationError("Nothing was begun: add --yes to begin it, or --dry-run to be told only.", where="--yes")
    return click.confirm("Begin it?", default=True)
