"""`agent-lab flows`: which flows there are, what is in them, and whether a document is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.flow_edits import delete, duplicate, import_flow, publish, rollback, save
from agent_lab.cli.flow_tests import test_flow
from agent_lab.cli.flow_versions import diff, export, versions
from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_lab.contracts.evaluation_report import Badge
    from agent_lab.contracts.flow import EdgeConfig, FlowConfig
    from agent_lab.flows.finding import Entry
    from agent_lab.wiring import Lab

EVERY_FLOW = 1_000_000


@click.group(context_settings=CONTEXT)
def flows() -> None:
    """List, show, check, save and publish flows."""


for command in (save, import_flow, export, versions, diff, publish, rollback, duplicate, delete, test_flow):
    flows.add_command(command)


@flows.command("list")
@as_json
def list_flows(as_json: bool) -> int:
    """The stored flows, those of your own files, and the library's."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import row_of
        from agent_lab.cli.output import note, write_json
        from agent_lab.cli.worth import badges_by_flow

        found, broken = (await lab.shelf.list(limit=EVERY_FLOW)).entries, lab.flows.broken()
        badges = await badges_by_flow(lab)
        if as_json:
            told = {name: badge.model_dump(mode="json") for name, badge in badges.items()}
            rows = [{**row_of(entry), "badge": told.get(entry.flow_id)} for entry in found]
            write_json({"flows": rows, "broken": [one.sentence() for one in broken]})
            return 0
        _table(found, badges)
        for one in broken:
            note(one.sentence())
        for entry in found:
            if entry.problems:
                name = f"{entry.flow_id}@draft"
                note(f"{name} has {len(entry.problems)} to mend: agent-lab flows check {name}")
        return 0

    return _with_lab(work)


@flows.command("show", short_help="The nodes and edges of a flow; with --json its document.")
@click.argument("flow")
@as_json
def show_flow(flow: str, as_json: bool) -> int:
    """The nodes and edges of FLOW (or FLOW@VERSION); with --json the document itself."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.cli.worth import worth_lines
        from agent_lab.flows.catalog import problems_error

        entry = await lab.shelf.get(flow)
        if as_json:
            write_json(entry.document)
        elif entry.flow is None:
            raise problems_error(flow, entry.problems)
        else:
            _show(entry, entry.flow, await worth_lines(lab, entry))
        return 0

    return _with_lab(work)


@flows.command("check", short_help="Everything that is wrong with a flow, and what a run may take.")
@click.argument("file")
@as_json
def check_file(file: str, as_json: bool) -> int:
    """Say everything that is wrong with the flow in FILE (`-` reads standard input).

    In place of FILE: the name of a flow, or FLOW@VERSION.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.flow_files import read_document, told
        from agent_lab.cli.output import note, write, write_json
        from agent_lab.flows.bounds import bounds
        from agent_lab.flows.catalog import errors_in

        document = (await lab.shelf.get(file)).document if _is_name(file) else read_document(Path(file))
        found = await lab.shelf.examine(document)
        flow, wrong = found.flow, len(errors_in(found.problems))
        most = bounds(flow, lab.kinds, found.subflows.get) if flow and not wrong else None
        if as_json:
            counted = {"most_turns": most.turns, "most_calls": most.calls} if most else {}
            write_json({"file": file, "ok": not wrong, "problems": told(found.problems), **counted})
            return 2 if wrong else 0
        for one in found.problems:
            write(f"{file}{'#' + one.path if one.path else ''}: {one.message}\n")
        if flow and most:
            write(f"{file}: a usable flow of {len(flow.nodes)} nodes. {most.sentence()}\n")
        else:
            note(f"Error: {file} is no usable flow yet; {wrong} to mend.")
        return 2 if wrong else 0

    return _with_lab(work)


@flows.command("schema", short_help="The JSON Schema of flow documents.")
@click.option("--json", "as_json", is_flag=True, hidden=True, help="It is JSON as it is.")
def schema(as_json: bool) -> int:
    """The JSON Schema of flow documents, with the node kinds that there are."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.flows.schema import flow_schema

        write_json(flow_schema(lab.kinds))
        return 0

    return _with_lab(work)


@flows.command("new", short_help="Write a small flow into your flows folder, to start from.")
@click.argument("name")
@as_json
def new_flow(name: str, as_json: bool) -> int:
    """Write a small flow called NAME into your flows folder, ready to run and to change."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json
        from agent_lab.cli.starter import write_starter

        path = write_starter(lab.flows.folder, name, taken=await lab.shelf.names())
        if as_json:
            write_json({"flow": name, "file": str(path)})
        else:
            write(f'{path}\nChange it as you like, then: agent-lab run {name} "..."\n')
        return 0

    return _with_lab(work)


def _line(entry: Entry) -> list[str]:
    from agent_lab.cli.flow_files import standing
    from agent_lab.contracts.flow import in_language

    origin = entry.file.name if entry.file else entry.origin
    what = in_language(entry.flow.description, "en") if entry.flow else "(not in the shape of a flow yet)"
    return [entry.flow_id, str(len(entry.flow.nodes)) if entry.flow else "?", origin, standing(entry), what]


def _is_name(given: str) -> bool:
    """True where it names a flow: there is no such file, and no file would be called so."""
    import re

    return re.fullmatch(r"[a-z][a-z0-9_]*(@\w+)?", given) is not None and not Path(given).exists()


def _table(found: Sequence[Entry], badges: Mapping[str, Badge]) -> None:
    """A flow a line; what was measured of them in a column of its own, where anything was."""
    from agent_lab.cli.paper import standard_paper
    from agent_lab.cli.worth import in_short

    headings, rows = ["FLOW", "NODES", "FROM", "VERSIONS", "WHAT IT DOES"], [_line(entry) for entry in found]
    if badges:
        headings.insert(4, "WORTH")
        for entry, row in zip(found, rows, strict=True):
            row.insert(4, in_short(badges.get(entry.flow_id)))
    standard_paper().table(rows, headings=headings)


def _show(entry: Entry, flow: FlowConfig, worth: Sequence[str]) -> None:
    from agent_lab.cli.paper import standard_paper
    from agent_lab.contracts.flow import in_language

    paper = standard_paper()
    paper.line(f"{flow.id}: {in_language(flow.name, 'en')}. {in_language(flow.description, 'en')}", style="bold")
    paper.line(_whence(entry), style="dim")
    for line in worth:
        paper.line(line)
    others = {name: one for name, one in flow.inputs.items() if name != "user_input"}
    given = [f"{name}{'' if one.default is None else ' (optional)'}" for name, one in others.items()]
    paper.line(
        f"Takes {', '.join(('a question', *given))}; the answer is the text of {flow.answer or 'its last node'}."
    )
    paper.line()
    rows = [[node.id, node.kind, node.part, in_language(node.label, "en") or node.id] for node in flow.nodes]
    paper.table(rows, headings=["NODE", "KIND", "ROLE", "LABEL"])
    paper.line()
    for edge in flow.edges:
        paper.line(_edge_line(edge))
    for one in entry.problems:
        paper.line(f"{one.path or 'the document'}: {one.message}", style="bad")


def _whence(entry: Entry) -> str:
    from agent_lab.cli.flow_files import standing

    stands = standing(entry)
    if entry.is_deleted:
        return f"Version {entry.version} of a flow that was deleted"
    if entry.origin == "stored":
        return f"Version {entry.version} of a stored flow ({stands})"
    return f"From {entry.file or 'library'}" + (f"; stored beside it: {stands}" if stands else "")


def _edge_line(edge: EdgeConfig) -> str:
    import json

    when = f"  when {edge.when.value} {edge.when.op} {json.dumps(edge.when.than)}" if edge.when else ""
    rounds = f"  {edge.max_rounds} times at the most" if edge.max_rounds else ""
    return f"{edge.source} → {edge.target}{when}{'  otherwise' if edge.otherwise else ''}{rounds}"


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
