"""`agent-lab doctor`: what was read from where, what this machine has, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.cli.checkup import Finding
    from agent_lab.settings import Reading

_STYLES = {"ok": "good", "missing": "warn", "bad": "bad"}


@click.command()
@click.option("--network", is_flag=True, help="Also try to reach the Hugging Face hub; nothing else is sent.")
@as_json
def doctor(network: bool, as_json: bool) -> int:
    """Say what was read from where, what this machine has, and what is missing.

    Exits with 0 where AI Agent Lab can be used, else with 1.
    """
    from agent_lab.cli.checkup import check_up
    from agent_lab.cli.output import write_json
    from agent_lab.contracts.errors import AgentLabError
    from agent_lab.settings import read_settings

    reading: Reading | None = None
    refused = ""
    try:
        reading = read_settings()
    except AgentLabError as error:
        refused = error.message
    findings = check_up(reading, refused, network=network)
    usable = all(finding.state != "bad" for finding in findings)
    if as_json:
        told = [{"what": one.what, "state": one.state, "says": one.says} for one in findings]
        write_json({"usable": usable, "settings": _settings(reading), "findings": told})
    else:
        _show(reading, findings, usable)
    return 0 if usable else 1


def _settings(reading: Reading | None) -> list[dict[str, str | None]]:
    """Each setting, its value (a secret's only as "set") and where it was read."""
    if reading is None:
        return []
    from agent_lab.lab.configuration import shown_settings

    return [{"name": one.name, "value": one.value, "from": one.origin} for one in shown_settings(reading)]


def _show(reading: Reading | None, findings: list[Finding], usable: bool) -> None:
    from agent_lab.cli.paper import standard_paper

    paper = standard_paper()
    rows = [[one["name"] or "", one["from"] or "", _value(one)] for one in _settings(reading)]
    if rows:
        paper.table(rows, headings=["SETTING", "FROM", "VALUE"])
        paper.line()
    told = [[one.state, f"{one.what}: {one.says}"] for one in findings]
    paper.table(told, styles=[_STYLES[one.state] for one in findings])
    paper.line()
    paper.line("Usable." if usable else "Not usable until what is marked is mended.", style="good" if usable else "bad")


def _value(setting: dict[str, str | None]) -> str:
    from agent_lab.lab.configuration import UNUSED

    value = setting["value"] or "-"
    return f"{value} (not used by this version)" if setting["name"] in UNUSED else value
