"""`agent-lab eval report`: what came of an evaluation, on the terminal or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_lab.cli.eval_options import evaluation_argument, named
from agent_lab.cli.options import as_json
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation_report import Report
    from agent_lab.wiring import Lab

FORMATS = ("terminal", "md", "html", "json")
_OF_SUFFIX = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".json": "json"}


@click.command("report")
@evaluation_argument
@click.option(
    "--format", "written_as", type=click.Choice(FORMATS), help="How it is written.  [by the file, or terminal]"
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it into a file.")
@as_json
def report(evaluation: str, written_as: str | None, out: Path | None, as_json: bool) -> int:
    """The report of EVALUATION (`last`: the newest): verdicts first, then arms, differences and what the debate did.

    HTML is one file that needs nothing else, with drawings; it can be mailed and printed.
    """
    wanted = "json" if as_json else written_as or (_of_file(out) if out is not None else "terminal")

    async def work(lab: Lab) -> int:
        found = await lab.evaluations.report(await named(lab.evaluations, evaluation))
        if out is None:
            show(found, wanted)
        else:
            save(found, wanted, out)
        return 0

    return with_lab(work)


def _of_file(out: Path) -> str:
    from agent_lab.contracts.errors import ValidationError

    found = _OF_SUFFIX.get(out.suffix.lower())
    if found is None:
        raise ValidationError(f"{out} does not say how to write it; add --format md, html or json.", where="--out")
    return found


def show(found: Report, wanted: str) -> None:
    """Write the report to standard output."""
    from agent_lab.cli.output import write, write_json

    if wanted == "json":
        write_json(found.model_dump(mode="json"))
    elif wanted == "terminal":
        from agent_lab.cli.eval_paper import show_report
        from agent_lab.cli.paper import standard_paper

        show_report(standard_paper(), found)
    else:
        write(_text(found, wanted))


def save(found: Report, wanted: str, out: Path) -> None:
    """Write the report into a file, whole. Raises EnvironmentFaultError."""
    import os

    from agent_lab.cli.output import note
    from agent_lab.contracts.errors import EnvironmentFaultError

    if wanted == "terminal":
        wanted = "md"  # a file has no columns to fit
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_text(_text(found, wanted), encoding="utf-8")
        os.replace(beside, out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EnvironmentFaultError(f"The file {out} cannot be written: {error.strerror or error}.") from error
    note(f"Written to {out}")


def _text(found: Report, wanted: str) -> str:
    if wanted == "html":
        from agent_lab.evaluation.render.html import html

        return html(found)
    if wanted == "md":
        from agent_lab.evaluation.render.markdown import markdown

        return markdown(found)
    return found.model_dump_json(indent=2) + "\n"
