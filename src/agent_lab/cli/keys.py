"""`agent-lab keys`: access keys, with which others than the owner come in, each with bounds of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.lazy import LazyGroup
from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.registries.access_keys import AccessKey
    from agent_lab.storage.access_keys import AccessKeys

_COMMANDS = {
    "new": ("agent_lab.cli.keys:new_key", "Make an access key, and show it this once."),
    "list": ("agent_lab.cli.keys:list_keys", "The access keys, and how many runs each may have."),
    "revoke": ("agent_lab.cli.keys:revoke_key", "Admit an access key no more, from this moment on."),
}

keys = LazyGroup(name="keys", help="Let others in with access keys that have bounds of their own.", table=_COMMANDS)


@click.command("new")
@click.argument("name")
@click.option("--runs-at-once", type=click.IntRange(1, 10_000), metavar="N", help="How many of its runs go on at once.")
@click.option("--runs-waiting", type=click.IntRange(0, 100_000), metavar="N", help="How many of its runs may wait.")
@as_json
def new_key(name: str, runs_at_once: int | None, runs_waiting: int | None, as_json: bool) -> int:
    """Make an access key called NAME, and show it this once: it is kept nowhere.

    It opens what the token opens over HTTP. A server that runs takes it at once.
    """
    from agent_lab.cli.output import note, write, write_json

    store = _access_keys()
    key, secret = store.add(name, runs_at_once=runs_at_once, runs_waiting=runs_waiting)
    if as_json:
        write_json({**_row(key), "key": secret})
    else:
        write(f"{secret}\n")
        note(f"This is shown once. It goes where the token goes; `agent-lab keys revoke {name}` ends it.")
    return 0


@click.command("list")
@as_json
def list_keys(as_json: bool) -> int:
    """The access keys, and how many runs each may have."""
    from agent_lab.cli.output import note, write_json
    from agent_lab.cli.paper import standard_paper

    found = _access_keys().check().values()
    if as_json:
        write_json({"keys": [_row(key) for key in found]})
    elif not found:
        note("There are no access keys; make one: agent-lab keys new NAME")
    else:
        rows = [[_when(key), _bound(key.runs_at_once), _bound(key.runs_waiting), key.name] for key in found]
        standard_paper().table(rows, headings=["MADE", "RUNS AT ONCE", "RUNS WAITING", "NAME"])
    return 0


@click.command("revoke")
@click.argument("name")
@as_json
def revoke_key(name: str, as_json: bool) -> int:
    """Admit the access key NAME no more, from this moment on.

    Runs that it has begun go on; those that wait begin one at a time.
    """
    from agent_lab.cli.output import write, write_json

    _access_keys().revoke(name)
    if as_json:
        write_json({"revoked": name})
    else:
        write(f"{name} is revoked. Its runs: agent-lab runs list --caller {name}\n")
    return 0


def _access_keys() -> AccessKeys:
    from agent_lab.settings import read_settings
    from agent_lab.storage.access_keys import AccessKeys

    return AccessKeys(read_settings().settings.config_dir)


def _row(key: AccessKey) -> dict[str, object]:
    return key.model_dump(mode="json", exclude={"sha256"})


def _when(key: AccessKey) -> str:
    return f"{key.created_at.astimezone():%Y-%m-%d %H:%M}"


def _bound(most: int | None) -> str:
    return "-" if most is None else f"{most:,}"
