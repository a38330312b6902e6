"""`agent-lab models load`, `unload`, `pin` and `unpin`: what a running server keeps in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from agent_lab.cli.options import as_json, at_url
from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError

INTERRUPTED = 130


@click.command("load", short_help="Have a running server load a local model now.")
@click.argument("key")
@click.option("--strategy", metavar="NAME", help="How to load it; else as its row says.")
@click.option("--pin", is_flag=True, help="Keep it in memory whatever else wants its place.")
@at_url
@as_json
def load(key: str, strategy: str | None, pin: bool, url: str, as_json: bool) -> int:
    """Have a running server load the local model KEY now, so that its first question need not wait.

    Shows how far it is. Ctrl-C ends the showing; the server goes on loading.
    """
    from agent_lab.cli.loading import show
    from agent_lab.cli.output import note
    from agent_lab.cli.paper import standard_paper

    answer: dict[str, Any] = {}
    states = _states(key, {"strategy": strategy, "pin": pin} if strategy else {"pin": pin}, url, answer)
    try:
        if as_json:
            for _ in states:
                pass
        else:
            show(states, standard_paper(moving=True))
    except KeyboardInterrupt:
        note(f"No longer watching; the server goes on loading {key}. See: agent-lab models list")
        return INTERRUPTED
    if not answer:
        raise EnvironmentFaultError(f"The server at {url} ended without {key!r} in memory; its log says why.")
    pinned = ", pinned" if answer["pinned"] else ""
    there = f"{_named(answer, key)} is in memory: {answer['size_gb']:.3g} GB on {_place(answer)}{pinned}."
    return _tell(answer, "\n".join([there, *(f"Note: {said}" for said in answer.get("notes", ()))]), as_json)


@click.command("unload", short_help="Have a running server put local models out of memory.")
@click.argument("key", required=False)
@click.option("--all", "everything", is_flag=True, help="Every model that is not in use.")
@at_url
@as_json
def unload(key: str | None, everything: bool, url: str, as_json: bool) -> int:
    """Have a running server put the local model KEY, or all of them, out of memory."""
    if (key is None) != everything:
        raise ValidationError("Give either KEY or --all.", where="--all")
    path, method = ("/cache/clear", "POST") if everything else ("/cache/{}", "DELETE")
    answer = _call(method, path, key or "", url)
    gone = answer.get("unloaded", [])
    nothing = "Nothing was in memory that is not in use." if everything else "Nothing unloaded."
    return _tell(answer, f"{', '.join(gone)} unloaded." if gone else nothing, as_json)


@click.command("pin", short_help="Have a running server keep a local model in memory.")
@click.argument("key")
@at_url
@as_json
def pin(key: str, url: str, as_json: bool) -> int:
    """Have a running server keep the local model KEY in memory, whatever else wants its place."""
    answer = _call("PUT", "/models/{}/pin", key, url)
    return _tell(answer, f"{_named(answer, key)} is pinned: no other model takes its place in memory.", as_json)


@click.command("unpin", short_help="Have a running server let a local model make way again.")
@click.argument("key")
@at_url
@as_json
def unpin(key: str, url: str, as_json: bool) -> int:
    """Have a running server let the local model KEY make way again when another one needs its place."""
    answer = _call("DELETE", "/models/{}/pin", key, url)
    return _tell(answer, f"{_named(answer, key)} is not pinned: it makes way when its place is needed.", as_json)


def _states(key: str, body: dict[str, Any], url: str, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """How far the load is; the model goes into `answer` at its end."""
    from agent_lab.cli.remote import stream
    from agent_lab.settings import read_settings

    for event, data in stream(read_settings().settings, url, "/models/{}/load", key, body=body):
        if event == "ready":
            answer.update(data)
        elif event == "progress":
            yield data


def _call(method: str, path: str, key: str, url: str) -> dict[str, Any]:
    from agent_lab.cli.remote import call
    from agent_lab.settings import read_settings

    return call(read_settings().settings, url, method, path, key)


def _named(answer: dict[str, Any], key: str) -> str:
    """The model that was meant; for an adapter with the model that it is put on."""
    found = answer.get("model_key", key)
    return key if found == key else f"{key} (on {found})"


def _place(answer: dict[str, Any]) -> str:
    worker = answer.get("worker_pid")
    return f"{answer['device']}, in process {worker}" if worker else str(answer["device"])


def _tell(answer: dict[str, Any], sentence: str, as_json: bool) -> int:
    from agent_lab.cli.clean import clean
    from agent_lab.cli.output import write, write_json

    if as_json:
        write_json(answer)
    else:
        write(f"{clean(sentence)}\n")
    return 0
