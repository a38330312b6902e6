"""`agent-lab flows versions`, `diff`, `export`: what was saved of a flow, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.contracts.flow_ports import VersionRow
    from agent_lab.wiring import Lab


@click.command("versions", short_help="The saved versions of a flow, newest first.")
@click.argument("flow")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at the most.")
@click.option("--before", type=click.IntRange(min=1), metavar="N", help="Only those older than version N.")
@as_json
def versions(flow: str, limit: int, before: int | None, as_json: bool) -> int:
    """The saved versions of FLOW, newest first; also of a deleted one."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json
        from agent_lab.cli.paper import standard_paper

        found = await lab.shelf.versions(flow, limit=limit, before=before)
        stored = await lab.shelf.stored(flow)
        published = stored.published if stored else None
        if as_json:
            write_json({"id": flow, "published": published, "versions": [_row(one) for one in found]})
        elif found:
            rows = [_line(one, published=one.number == published) for one in found]
            standard_paper().table(rows, headings=["VERSION", "SAVED", "HASH", "NOTE"], cut=True)
        else:
            note(f"No version of {flow} is saved; `agent-lab flows save FILE` saves one.")
        return 0

    return _with_lab(work)


@click.command("diff")
@click.argument("flow")
@click.argument("before", default="published")
@click.argument("after", default="draft")
@as_json
def diff(flow: str, before: str, after: str, as_json: bool) -> int:
    """What changed in FLOW from version BEFORE to AFTER.

    Each is a number, `published`, `draft` (the newest), or `original` (what is not stored: the file's or the
    library's). Without them: from what is published to the draft.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.cli.paper import standard_paper
        from agent_lab.flows.difference import difference_text

        found = await lab.shelf.difference(flow, before, after)
        if as_json:
            write_json(found.model_dump(mode="json"))
            return 0
        paper = standard_paper()
        for line in difference_text(found).splitlines():
            paper.line(line, style=_STYLES.get(line.lstrip()[:1], ""))
        return 0

    return _with_lab(work)


@click.command("export", short_help="Print the document of a flow, to keep it or to give it away.")
@click.argument("flow")
@click.option("--versions", "whole", is_flag=True, help="All versions in one document, for `flows import`.")
@click.option("--json", "as_json", is_flag=True, hidden=True, help="It is JSON as it is.")
def export(flow: str, whole: bool, as_json: bool) -> int:
    """Print the document of FLOW (or FLOW@VERSION), to keep it or to give it away."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json

        write_json(await lab.shelf.bundle(flow) if whole else (await lab.shelf.get(flow)).document)
        return 0

    return _with_lab(work)


_STYLES = {"+": "good", "-": "bad"}


def _line(version: VersionRow, *, published: bool) -> list[str]:
    saved = version.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    mark = "(published) " if published else "(autosaved) " if version.autosaved else ""
    return [str(version.number), saved, version.flow_hash[:12], mark + version.note]


def _row(version: VersionRow) -> dict[str, Any]:
    return {
        "number": version.number,
        "flow_hash": version.flow_hash,
        "note": version.note,
        "created_at": version.created_at.isoformat(),
        "autosaved": version.autosaved,
    }


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
