"""`agent-lab flows`: which flows there are, what is in them, and whether a file is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.flow_tests import test_flow
from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.contracts.flow import EdgeConfig, FlowConfig
    from agent_lab.wiring import Lab


@click.group(context_settings=CONTEXT)
def flows() -> None:
    """List, show, check and start flows."""


flows.add_command(test_flow)


@flows.command("list")
@as_json
def list_flows(as_json: bool) -> int:
    """The flows of the library and your own."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json
        from agent_lab.cli.paper import standard_paper
        from agent_lab.contracts.flow import in_language

        found, broken = lab.flows.list(), lab.flows.broken()
        if as_json:
            write_json({"flows": [_row(lab, flow) for flow in found], "broken": [one.sentence() for one in broken]})
            return 0
        rows = [
            [flow.id, str(len(flow.nodes)), _from(lab, flow), in_language(flow.description, "en")] for flow in found
        ]
        standard_paper().table(rows, headings=["FLOW", "NODES", "FROM", "WHAT IT DOES"])
        for one in broken:
            note(one.sentence())
        return 0

    return _with_lab(work)


@flows.command("show")
@click.argument("flow")
@as_json
def show_flow(flow: str, as_json: bool) -> int:
    """The nodes and edges of FLOW; with --json the document itself."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json

        found = lab.flows.get(flow)
        if as_json:
            write_json(document_of(found))
        else:
            _show(lab, found)
        return 0

    return _with_lab(work)


@flows.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def check_file(file: Path, as_json: bool) -> int:
    """Say everything that is wrong with the flow in FILE (`-` reads standard input)."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write, write_json
        from agent_lab.contracts.documents import read_json

        flow, problems = lab.flows.check(read_json(_bytes_of(file), what=f"The file {file}"))
        if as_json:
            told = [{"path": one.path, "message": one.message} for one in problems]
            write_json({"file": str(file), "ok": not problems, "problems": told})
        elif not problems:
            write(f"{file}: a usable flow of {len(flow.nodes) if flow else 0} nodes.\n")
        for one in () if as_json else problems:
            write(f"{file}{'#' + one.path if one.path else ''}: {one.message}\n")
        if problems:
            note(f"Error: {file} is no usable flow yet; {len(problems)} to mend.")
        return 2 if problems else 0

    return _with_lab(work)


@flows.command("schema")
@click.option("--json", "as_json", is_flag=True, hidden=True, help="It is JSON as it is.")
def schema(as_json: bool) -> int:
    """The JSON Schema of flow documents, with the node kinds that there are."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.flows.schema import flow_schema

        write_json(flow_schema(lab.kinds))
        return 0

    return _with_lab(work)


@flows.command("new")
@click.argument("name")
@as_json
def new_flow(name: str, as_json: bool) -> int:
    """Write a small flow called NAME into your flows folder, ready to run and to change."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json
        from agent_lab.cli.starter import write_starter

        path = write_starter(lab.flows, name)
        if as_json:
            write_json({"flow": name, "file": str(path)})
        else:
            write(f'{path}\nChange it as you like, then: agent-lab run {name} "..."\n')
        return 0

    return _with_lab(work)


def document_of(flow: FlowConfig) -> dict[str, Any]:
    """The flow as its JSON document, without what is left at its default."""
    return flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _row(lab: Lab, flow: FlowConfig) -> dict[str, Any]:
    document = flow.model_dump(mode="json", include={"id", "name", "description"})
    return {**document, "nodes": [node.id for node in flow.nodes], "origin": lab.flows.origins()[flow.id]}


def _from(lab: Lab, flow: FlowConfig) -> str:
    origin = lab.flows.origins()[flow.id]
    return origin if origin == "library" else Path(origin).name


def _show(lab: Lab, flow: FlowConfig) -> None:
    from agent_lab.cli.paper import standard_paper
    from agent_lab.contracts.flow import in_language

    paper = standard_paper()
    paper.line(f"{flow.id}: {in_language(flow.name, 'en')}. {in_language(flow.description, 'en')}", style="bold")
    paper.line(f"From {lab.flows.origins()[flow.id]}", style="dim")
    given = [f"{name}{'' if one.default is None else ' (optional)'}" for name, one in flow.inputs.items()]
    paper.line(f"Takes {', '.join(given) or 'nothing'}; the answer is the text of {flow.answer or 'its last node'}.")
    paper.line()
    rows = [[node.id, node.kind, node.part, in_language(node.label, "en") or node.id] for node in flow.nodes]
    paper.table(rows, headings=["NODE", "KIND", "ROLE", "LABEL"])
    paper.line()
    for edge in flow.edges:
        paper.line(_edge_line(edge))


def _edge_line(edge: EdgeConfig) -> str:
    import json

    when = f"  when {edge.when.value} {edge.when.op} {json.dumps(edge.when.than)}" if edge.when else ""
    rounds = f"  {edge.max_rounds} times at the most" if edge.max_rounds else ""
    return f"{edge.source} → {edge.target}{when}{'  otherwise' if edge.otherwise else ''}{rounds}"


def _bytes_of(file: Path) -> bytes:
    import sys

    from agent_lab.contracts.documents import MAX_BYTES
    from agent_lab.contracts.errors import ValidationError

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValidationError(f"The file {file} cannot be read: {error.strerror or error}.", where="FILE") from error


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
