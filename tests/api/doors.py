"""An open lab with a scripted model at its end, its application, clients for it, and a server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import uvicorn
from fastapi import FastAPI

from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.settings import Reading, read_settings
from agent_lab.telemetry.measured import Measured
from agent_lab.wiring import Lab, build_app, open_lab
from agent_lab.wiring.evaluations import open_evaluations

TOKEN = "a-token-that-is-long-enough"
SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}
PATIENT_S = 60.0
"""How long clients over a socket wait for an answer: no test is held to a clock by its client."""

MODELS = """
[[model]]
key = "voice"
name = "Scripted voice"
family = "scripted"
provider = "scripted"
model_id = "scripted:role"
context_window = 100000
default_strategy = "standard"

[[model]]
key = "other"
name = "Another scripted voice"
family = "scripted"
provider = "scripted"
model_id = "scripted:role"
context_window = 100000
default_strategy = "standard"
"""


@dataclass(slots=True)
class Door:
    """A lab, the script of its model, and its application."""

    lab: Lab
    provider: ScriptedProvider
    app: FastAPI

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client that speaks to the application without a network."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)

    def owner(self, **headers: str) -> httpx.AsyncClient:
        """The same with the token."""
        return self.client(**SIGNED_IN, **headers)


def _settings(home: Path, hosts: str, more_models: str, origins: str) -> Reading:
    home.mkdir(exist_ok=True)
    (home / "models.toml").write_text(MODELS + more_models)
    named = {"AGENT_LAB_ALLOWED_HOSTS": hosts, "AGENT_LAB_ALLOWED_ORIGINS": origins}
    return read_settings({"AGENT_LAB_HOME": str(home), **named}, dotenv=home / "no.env")


@asynccontextmanager
async def open_door(
    home: Path,
    provider: ScriptedProvider | None = None,
    *,
    surface: str = "all",
    hosts: str = "",
    origins: str = "",
    more_models: str = "",
) -> AsyncIterator[Door]:
    """A real lab in that folder; only the model at its end is scripted."""
    reading = _settings(home, hosts, more_models, origins)
    provider = provider or ScriptedProvider()
    async with open_lab(reading) as lab:
        gateway = ProviderGateway(
            models=lab.models,
            strategies=lab.strategies,
            providers={"scripted": provider},
            defaults=GatewayDefaults(provider="scripted", model="voice"),
        )
        generator = Measured(gateway, lab.metrics)
        runs = replace(lab.runs, shop=replace(lab.runs.shop, generator=generator))
        lab.keeper.runs = runs
        kept = lab.evaluations
        stores = SimpleNamespace(
            datasets=kept.datasets, evaluations=kept.store, badges=kept.badge_store, answers=kept.answers
        )
        evaluations = open_evaluations(
            stores,  # type: ignore[arg-type]  # these are all that it takes of them
            gateway=gateway,
            generator=generator,
            runs=runs,
            default_tokens=512,
        )
        lab = replace(lab, gateway=gateway, generator=generator, runs=runs, evaluations=evaluations)
        yield Door(lab, provider, build_app(lab, token=TOKEN, surface=surface))  # type: ignore[arg-type]


async def until(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait for something that another task brings about."""
    for _look in range(int(seconds / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it did not come about in {seconds} s")


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncIterator[str]:
    """The application under uvicorn on a free port; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
