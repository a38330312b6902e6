"""`agent-lab run`: a flow on a question, in this process, shown as it goes."""

from __future__ import annotations

from typing import Any

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
    sampling_options,
    take_limits,
)


@click.command()
@click.argument("flow")
@click.argument("prompt", required=False)
@click.option("--model", metavar="KEY", help="The model of every role.")
@click.option("--role", "roles", multiple=True, metavar="ROLE=KEY", help="The model of one role; may be repeated.")
@sampling_options
@limit_options
@click.option("--language", type=click.Choice(["en", "es"]), default="en", help="The language of the flow's prompts.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Another input of the flow.")
@click.option("--only", metavar="NODE", type=Utf8(), help="Run this node alone, on what is pinned of the others.")
@click.option(
    "--pin",
    "pins",
    multiple=True,
    type=Utf8(),
    metavar="NODE=TEXT",
    help="With --only: what another node is taken to have said, or NODE.FIELD=VALUE a field of it; @FILE reads a text.",
)
@click.option("--example", is_flag=True, help="Take a problem that the built-in model has not seen; no PROMPT then.")
@quietly
@offline
@as_json
def run(
    flow: str,
    prompt: str | None,
    only: str | None,
    pins: tuple[str, ...],
    example: bool,
    quiet: bool,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Run FLOW on PROMPT (`-` reads it from standard input) and show the deliberation live.

    FLOW is an id (`agent-lab flows list` shows those that there are), a version of a stored flow (ID@3, ID@draft), or
    a file (FLOW.json), which is run as it is and stored nowhere.
    """
    if example == (prompt is not None):
        raise click.UsageError("Give either PROMPT or --example.")
    from agent_lab.cli.pins import read_pins
    from agent_lab.cli.question import read_question
    from agent_lab.cli.session import with_lab
    from agent_lab.contracts.run import RunLimits, RunOptions, RunRequest

    expected = None
    if prompt is None:
        from agent_lab.cli.examples import pick_example

        picked = pick_example(chosen["seed"])
        question, expected = picked.input, picked.target
    else:
        question = read_question(prompt)
    options = fitting(
        RunOptions,
        models=pairs(chosen.pop("roles"), "--role", "ROLE=KEY"),
        limits=fitting(RunLimits, **take_limits(chosen)),
        **{name: value for name, value in chosen.items() if name != "inputs"},
    )
    inputs, pinned = pairs(chosen["inputs"], "--input"), read_pins(pins)

    async def work(lab: Any) -> int:
        from agent_lab.cli.flow_file import is_file, runs_with_file
        from agent_lab.cli.following import follow

        runs, flow_id = await runs_with_file(lab, flow) if is_file(flow) else (lab.runs, flow)
        asked = {"prompt": question, "inputs": inputs, "options": options, "only": only, "pins": pinned}
        request = fitting(RunRequest, flow=flow_id, **asked)
        return await follow(lab, runs.start(request), Shown(as_json=as_json, quiet=quiet), expected=expected)

    return with_lab(work)
