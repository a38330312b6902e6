"""A backend before a scripted lab: both in one process without a socket, or apart, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from fastapi import FastAPI

from agent_lab.api.app import create_backend
from agent_lab.backend.client import LabClient, over_http
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, TOKEN, Door, open_door, serve

Place = Literal["inside", "apart"]


@dataclass(frozen=True, slots=True)
class Fronted:
    """The backend's application and address, and the lab behind it."""

    door: Door
    app: FastAPI
    url: str

    @property
    def client(self) -> LabClient:
        client: LabClient = self.app.state.lab
        return client

    def owner(self, **headers: str) -> httpx.AsyncClient:
        return self.anybody(**SIGNED_IN, **headers)

    def anybody(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENT_S)


@asynccontextmanager
async def fronted(
    place: Place, home: Path, provider: ScriptedProvider | None = None, *, timeout_s: float = PATIENT_S
) -> AsyncIterator[Fronted]:
    """The backend under a real server."""
    surface = "all" if place == "inside" else "lab"
    async with open_door(home, provider, surface=surface) as door:
        if place == "inside":
            door.app.state.lab.timeout_s = timeout_s
            async with serve(door.app) as url:
                yield Fronted(door, door.app, url)
            return
        async with serve(door.app) as lab_url:
            client = over_http(lab_url, token=TOKEN, timeout_s=timeout_s)
            app = create_backend(client, token=TOKEN, key_name=door.lab.access_keys.name_of)
            async with serve(app) as url:
                yield Fronted(door, app, url)
