"""`agent-lab models`: what there is, what would be chosen and why, and loading on a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import as_json, at_url
from agent_lab.cli.pull import pull
from agent_lab.cli.why import why

if TYPE_CHECKING:
    from agent_lab.wiring import Lab


@click.group(context_settings=CONTEXT)
def models() -> None:
    """List models, say which is chosen and why, load and unload."""


@models.command("list")
@as_json
def list_models(as_json: bool) -> int:
    """Every model of the registry: its key, size, price and whether it can be used here."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.figures import price
        from agent_lab.cli.output import write_json
        from agent_lab.cli.paper import standard_paper
        from agent_lab.cli.places import place_of

        found = [
            (
                model,
                place_of(
                    model,
                    lab.settings,
                    callable_now=_callable_now(lab, model.key),
                    missing_key=lab.missing_keys.get(model.provider),
                ),
            )
            for model in lab.models.list_models()
        ]
        if as_json:
            write_json({"models": [{**model.model_dump(mode="json"), "where": place} for model, place in found]})
            return 0
        rows = [
            [
                model.key,
                model.provider,
                f"{model.context_window:,}" if model.context_window else "-",
                f"{model.min_vram_gb:g}" if model.min_vram_gb else "-",
                price(model),
                place + (", demonstration" if model.demonstration else ""),
            ]
            for model, place in found
        ]
        standard_paper().table(rows, headings=["MODEL", "PROVIDER", "CONTEXT", "GB", "USD/MTOK", "WHERE"])
        return 0

    return _with_lab(work)


models.add_command(why)
models.add_command(pull)


@models.command("load")
@click.argument("key")
@click.option("--strategy", metavar="NAME", help="How to load it; else as its row says.")
@at_url
@as_json
def load(key: str, strategy: str | None, url: str, as_json: bool) -> int:
    """Have a running server load the local model KEY now, so that its first question need not wait."""
    from agent_lab.cli.remote import call
    from agent_lab.settings import read_settings

    body = {"strategy": strategy} if strategy else {}
    answer = call(read_settings().settings, url, "POST", "/models/{}/load", key, body=body)
    told = f"{answer.get('model_key', key)} is in memory: {answer.get('size_gb', 0):.3g} GB on {answer.get('device')}."
    return _tell(answer, told, as_json)


@models.command("unload")
@click.argument("key")
@at_url
@as_json
def unload(key: str, url: str, as_json: bool) -> int:
    """Have a running server put the local model KEY out of memory."""
    from agent_lab.cli.remote import call
    from agent_lab.settings import read_settings

    answer = call(read_settings().settings, url, "DELETE", "/cache/{}", key)
    return _tell(answer, f"{', '.join(answer.get('unloaded', [])) or 'Nothing'} unloaded.", as_json)


def _callable_now(lab: Lab, key: str) -> bool:
    from agent_lab.contracts.errors import AgentLabError
    from agent_lab.contracts.generation import GenerationRequest

    try:
        return bool(lab.gateway.resolve_model(GenerationRequest(prompt="?", model_key=key)))
    except AgentLabError:
        return False


def _tell(answer: dict[str, Any], sentence: str, as_json: bool) -> int:
    from agent_lab.cli.output import write, write_json

    if as_json:
        write_json(answer)
    else:
        write(f"{sentence}\n")
    return 0


def _with_lab(work: Any) -> int:
    from agent_lab.cli.session import with_lab

    return with_lab(work)
