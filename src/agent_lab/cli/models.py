"""`agent-lab models`: what there is, what would be chosen and why, and what a running server keeps in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli import residency
from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import as_json
from agent_lab.cli.pull import pull
from agent_lab.cli.why import why

if TYPE_CHECKING:
    from agent_lab.contracts.registry import ModelSpec
    from agent_lab.wiring import Lab

LOOK_S = 3.0
"""A server that does not say within this time what it has in memory is left out of the list."""


@click.group(context_settings=CONTEXT)
def models() -> None:
    """List models, say which is chosen and why; pull, load, unload and pin."""


@models.command("list", short_help="Every model of the registry, and whether it can be used here.")
@click.option("--url", metavar="URL", help="The server whose memory is shown; else that of this machine, if any.")
@as_json
def list_models(url: str | None, as_json: bool) -> int:
    """Every model of the registry: its key, size, price and whether it can be used here.

    Where a server runs, also what it has in memory.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.lab.places import place_of

        memory = _memory(lab, url)
        found = [
            (
                model,
                place_of(
                    model,
                    lab.settings,
                    callable_now=_callable_now(lab, model.key),
                    missing_key=lab.hosted.missing_keys.get(model.provider),
                ),
            )
            for model in lab.models.list_models()
        ]
        if as_json:
            told = [
                {**model.model_dump(mode="json"), "where": place, **_state(memory, model)} for model, place in found
            ]
            write_json({"models": told, "memory": memory and memory["memory"]})
        else:
            _show(found, memory)
        return 0

    return _with_lab(work)


for command in (why, pull, residency.load, residency.unload, residency.pin, residency.unpin):
    models.add_command(command)


def _memory(lab: Lab, url: str | None) -> dict[str, Any] | None:
    """What `GET /cache` of the server says; None where none was named and none answers."""
    from agent_lab.cli.remote import call
    from agent_lab.contracts.errors import AgentLabError

    at = url or f"http://127.0.0.1:{lab.settings.port or 8000}"
    try:
        return call(lab.settings, at, "GET", "/cache", timeout_s=LOOK_S)
    except AgentLabError:
        if url is None:
            return None
        raise


def _state(memory: dict[str, Any] | None, model: ModelSpec) -> dict[str, bool | None]:
    """Whether the model is in the server's memory, is kept there, and is on its way; None where no server answers."""
    if memory is None:
        return dict.fromkeys(("loaded", "pinned", "loading"))
    here = [one for one in memory["models"] if model.key in {one["model_key"], *one.get("adapters", ())}]
    return {
        "loaded": bool(here),
        "pinned": any(one.get("pinned") for one in here),
        "loading": model.key in {one["model_key"] for one in memory.get("loading", ())},
    }


def _show(found: list[tuple[ModelSpec, str]], memory: dict[str, Any] | None) -> None:
    from agent_lab.cli.figures import price
    from agent_lab.cli.paper import standard_paper

    paper = standard_paper()
    rows = [
        [
            model.key,
            model.provider,
            f"{model.context_window:,}" if model.context_window else "-",
            f"{model.min_vram_gb:g}" if model.min_vram_gb else "-",
            price(model),
            ", ".join((place, *(["demonstration"] if model.demonstration else []), *_words(_state(memory, model)))),
        ]
        for model, place in found
    ]
    paper.table(rows, headings=["MODEL", "PROVIDER", "CONTEXT", "GB", "USD/MTOK", "WHERE"])
    if memory is not None:
        paper.line()
        for line in _memory_lines(memory["memory"]):
            paper.sentence(line)


def _words(state: dict[str, bool | None]) -> list[str]:
    if state["loading"]:
        return ["loading"]
    loaded = ["in memory"] if state["loaded"] else []
    return [*loaded, "pinned"] if state["pinned"] else loaded


def _memory_lines(memory: dict[str, Any]) -> list[str]:
    """What models take of each device and may take of it."""
    devices = memory.get("devices") or [{"name": memory["device"], **memory}]
    return [
        f"{one['name']}: models take {one['used_by_models_gb']:.3g} GB and may take {one['limit_gb']:.3g} GB; "
        f"{one['available_gb']:.3g} of {one['total_gb']:.3g} GB are free."
        for one in devices
    ]


def _callable_now(lab: Lab, key: str) -> bool:
    from agent_lab.contracts.errors import AgentLabError
    from agent_lab.contracts.generation import GenerationRequest

    try:
        return bool(lab.gateway.resolve_model(GenerationRequest(prompt="?", model_key=key)))
    except AgentLabError:
        return False


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
