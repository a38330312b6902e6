"""Tells a newcomer whether anything but the demonstration model can answer, and what to write where for a real one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.registry import ModelSpec
from agent_lab.lab.places import is_here
from agent_lab.lab.vendors import Vendor
from agent_lab.settings import Reading

OF_THE_HUB = """\
[[model]]
key = "my-model"
provider = "local"
model_id = "Qwen/Qwen3-4B-Instruct-2507"
context_window = 32768
"""
OF_A_SERVER = """\
[[provider]]
key = "my-server"
kind = "openai_compatible"
base_url = "http://127.0.0.1:8000/v1"

[[model]]
key = "my-model"
provider = "my-server"
model_id = "what the server calls it"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a real model: put `text` into `file`, and start again."""

    kind: Literal["key", "hub", "server"]
    """A vendor's key; a model of the Hugging Face hub, run here; a server that speaks OpenAI's protocol."""
    file: str
    text: str
    provider: str | None = None
    """Whose key it is."""
    models: tuple[str, ...] = ()
    """Models of the registry that it opens."""


def demonstration_only(models: Iterable[ModelSpec], vendors: Iterable[Vendor], reading: Reading) -> bool:
    """True while nothing but a demonstration can answer without being fetched, or set up, first."""
    ready = {vendor.name for vendor in vendors if vendor.state == "ready"}
    return not any(_answers(model, ready, reading) for model in models)


def ways(models: Collection[ModelSpec], vendors: Iterable[Vendor], reading: Reading) -> list[Way]:
    """The shortest ways to a real model; the keys that are missing first."""
    rows = str(reading.settings.config_dir / "models.toml")
    return [
        *_keys(models, vendors, str(reading.dotenv)),
        Way(kind="hub", file=rows, text=OF_THE_HUB),
        Way(kind="server", file=rows, text=OF_A_SERVER),
    ]


def _answers(model: ModelSpec, ready: Collection[str], reading: Reading) -> bool:
    if model.demonstration or model.provider not in ready:
        return False
    return is_here(model, reading.settings) if model.provider == "local" else True


def _keys(models: Collection[ModelSpec], vendors: Iterable[Vendor], dotenv: str) -> Iterable[Way]:
    for vendor in vendors:
        of_it = tuple(model.key for model in models if model.provider == vendor.name)
        if vendor.state == "no key" and of_it:
            yield Way(kind="key", file=dotenv, text=f"{vendor.key_name}=\n", provider=vendor.name, models=of_it)
