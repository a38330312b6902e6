"""`agent-lab flows save`, `import`, `publish`, `rollback`, `duplicate`, `delete`: flows that are kept with versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.flows.finding import Entry
    from agent_lab.wiring import Lab

FILE = click.argument("file", type=click.Path(path_type=Path))
note_option = click.option("--note", default="", metavar="TEXT", help="Why; shown beside the version.")


@click.command("save")
@FILE
@note_option
@click.option("--publish", is_flag=True, help="Publish this version too.")
@as_json
def save(file: Path, note: str, publish: bool, as_json: bool) -> int:
    """Keep the flow in FILE (`-`: standard input) as a new version.

    It may have problems yet. A flow of the library, or of a file, is changed by saving one with its id.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import read_document, show_edit
        from agent_lab.flows.drafts import check_id

        document = read_document(file)
        given = document.get("id") if isinstance(document, dict) else None
        flow_id = check_id(given, where="/id")
        before = await lab.shelf.stored(flow_id)
        entry = await lab.shelf.save(flow_id, document, note=note)
        if publish:
            entry = await lab.shelf.publish(flow_id, entry.version)
        if publish:
            sentence = f"{flow_id}: version {entry.version} is saved and published."
        elif before is not None and before.newest == entry.version:
            sentence = f"{flow_id}: nothing has changed since version {entry.version}."
        else:
            sentence = f"{flow_id}: version {entry.version} is saved.{_next_step(entry)}"
        return show_edit(entry, sentence, as_json=as_json)

    return _with_lab(work)


@click.command("import")
@FILE
@click.option("--as", "as_id", metavar="ID", help="Another id for it.")
@note_option
@as_json
def import_flow(file: Path, as_id: str | None, note: str, as_json: bool) -> int:
    """Keep a new flow: the one in FILE (`-`: standard input).

    FILE holds a flow, or what `flows export --versions` wrote.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import read_document, show_edit, standing
        from agent_lab.flows.bundle import MAX_BUNDLE_BYTES

        document = read_document(file, max_bytes=MAX_BUNDLE_BYTES)
        entry = await lab.shelf.import_document(document, flow_id=as_id, note=note)
        return show_edit(entry, f"{entry.flow_id} is kept: {standing(entry)}.", as_json=as_json)

    return _with_lab(work)


@click.command("publish")
@click.argument("flow")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option("--withdraw", is_flag=True, help="Publish none of its versions.")
@as_json
def publish(flow: str, version: int | None, withdraw: bool, as_json: bool) -> int:
    """Let FLOW stand for VERSION, or for its newest one.

    That is what runs by its plain name, and what clients find as the model flow/FLOW. It must have no problems.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import show_edit
        from agent_lab.contracts.errors import ValidationError

        if withdraw and version is not None:
            raise ValidationError("Give either VERSION or --withdraw.", where="VERSION")
        if withdraw:
            entry = await lab.shelf.withdraw(flow)
            return show_edit(entry, f"{flow}: no version is published.", as_json=as_json)
        entry = await lab.shelf.publish(flow, version)
        return show_edit(entry, f"{flow}: version {entry.version} is published.", as_json=as_json)

    return _with_lab(work)


@click.command("rollback")
@click.argument("flow")
@click.argument("version", type=click.IntRange(min=1))
@as_json
def rollback(flow: str, version: int, as_json: bool) -> int:
    """Save a new version of FLOW with the content of VERSION."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import show_edit

        before = await lab.shelf.stored(flow)
        entry = await lab.shelf.roll_back(flow, version)
        if before is not None and before.newest == entry.version:
            sentence = f"{flow}: nothing has changed; version {entry.version}, the newest, has that content already."
        else:
            sentence = f"{flow}: version {entry.version} has the content of version {version}."
        return show_edit(entry, sentence, as_json=as_json)

    return _with_lab(work)


@click.command("duplicate")
@click.argument("flow")
@click.argument("new")
@as_json
def duplicate(flow: str, new: str, as_json: bool) -> int:
    """Keep a copy of FLOW (or FLOW@VERSION) as a flow called NEW."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import show_edit

        entry = await lab.shelf.duplicate(flow, new)
        return show_edit(entry, f"{new} is kept: version {entry.version}.", as_json=as_json)

    return _with_lab(work)


@click.command("delete")
@click.argument("flow")
@as_json
def delete(flow: str, as_json: bool) -> int:
    """Delete a stored flow. Its versions stay, for the runs that name them."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json

        newest = (await lab.shelf.get(f"{flow}@draft")).version
        await lab.shelf.delete(flow)
        if as_json:
            write_json({"id": flow, "deleted": True, "newest": newest})
        else:
            write(f"{flow} is deleted. To have it again: agent-lab flows duplicate {flow}@{newest} {flow}\n")
        return 0

    return _with_lab(work)


def _next_step(entry: Entry) -> str:
    from agent_lab.flows.catalog import errors_in

    return "" if errors_in(entry.problems) else f" Publish it: agent-lab flows publish {entry.flow_id}"


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
