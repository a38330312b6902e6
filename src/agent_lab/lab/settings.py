"""The route of the settings: what was read from where, the limits in force, and what a newcomer still needs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from agent_lab import __version__
from agent_lab.contracts.registry import Usd
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.configuration import shown_settings
from agent_lab.lab.first_run import demonstration_only, ways
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services
from agent_lab.settings import Origin
from agent_lab.storage.place import database_place

router = APIRouter(route_class=GuardedRoute, tags=["system"])

EXAMPLE: dict[str, Any] = {
    "version": "0.1.0",
    "places": {
        "configuration": "/home/ana/.config/agent-lab",
        "data": "/home/ana/.local/share/agent-lab",
        "database": "/home/ana/.local/share/agent-lab/agent-lab.db",
        "dotenv": "/home/ana/lab/.env",
    },
    "settings": [
        {"name": "OPENAI_API_KEY", "value": None, "secret": True, "used": True, "origin": "default"},
        {"name": "LOG_LEVEL", "value": "INFO", "secret": False, "used": True, "origin": ".env"},
    ],
    "warnings": [],
    "limits": {
        "runs_at_once": 64,
        "runs_waiting": 1000,
        "daily_budget_usd": 5.0,
        "max_tokens": 1024,
        "request_timeout_s": 300.0,
        "failures_to_open": 3,
        "left_alone_s": 60.0,
        "memory_gb": 20.2,
    },
    "first_run": {
        "demonstration_only": True,
        "ways": [
            {
                "kind": "key",
                "file": "/home/ana/lab/.env",
                "text": "OPENAI_API_KEY=\n",
                "provider": "openai",
                "models": ["gpt-5-mini"],
            }
        ],
    },
}


class SettingEntry(BaseModel):
    """A setting: to change it, set the variable `name` in the environment or in the file `.env`, and start again."""

    name: str
    value: str | None
    """None: not set. Of a secret `set`, where it is."""
    secret: bool
    used: bool
    """False where nothing in this version does anything with it."""
    origin: Origin
    """The environment is stronger than the file, and the file than the default."""


class Places(BaseModel):
    """Where things are on the machine of the server."""

    configuration: str
    data: str
    database: str
    dotenv: str
    """The file `.env` that was looked for; it need not exist."""


class Limits(BaseModel):
    """The limits in force on everything that goes through this server."""

    runs_at_once: int
    runs_waiting: int
    daily_budget_usd: Usd | None
    """For hosted models together, a day (UTC). None: no bound."""
    max_tokens: int
    """Of an answer, where neither request nor strategy says."""
    request_timeout_s: float
    failures_to_open: int
    """Failures in a row after which a model is left alone, for `left_alone_s`."""
    left_alone_s: float
    memory_gb: float
    """What models of this machine may take of its memory."""


class WayEntry(BaseModel):
    """One way to a real model: put `text` into `file`, and start again."""

    kind: Literal["key", "hub", "server"]
    """A vendor's key; a model of the Hugging Face hub, run here; a server that speaks OpenAI's protocol."""
    file: str
    text: str
    provider: str | None
    models: list[str]
    """Models of the registry that it opens."""


class FirstRun(BaseModel):
    """What a newcomer needs to know."""

    demonstration_only: bool
    """True while nothing but the demonstration model can answer without being fetched, or set up, first."""
    ways: list[WayEntry]


class SettingsView(BaseModel):
    """How this server is set up. It is changed in the administrator's files, not here."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    version: str
    places: Places
    settings: list[SettingEntry]
    warnings: list[str]
    """What looked wrong without being fatal, such as a misspelt name."""
    limits: Limits
    first_run: FirstRun


@router.get("/api/settings", operation_id="get_settings", responses=documented())
@owner
async def get_settings(services: Services) -> SettingsView:
    """What was read from where; of secrets only that they are there."""
    reading = services.reading
    settings = [
        SettingEntry(name=one.name, value=one.value, secret=one.secret, used=one.used, origin=one.origin)
        for one in shown_settings(reading)
    ]
    places = Places(
        configuration=str(reading.settings.config_dir),
        data=str(reading.settings.data_dir),
        database=str(database_place(reading.settings)),
        dotenv=str(reading.dotenv),
    )
    return SettingsView(
        version=__version__,
        places=places,
        settings=settings,
        warnings=list(reading.warnings),
        limits=await _limits(services),
        first_run=await asyncio.to_thread(_first_run, services),
    )


async def _limits(services: LabServices) -> Limits:
    settings, rules = services.reading.settings, services.runs.rules
    return Limits(
        runs_at_once=rules.at_once,
        runs_waiting=rules.waiting,
        daily_budget_usd=services.daily_budget_usd,
        max_tokens=settings.max_tokens_default,
        request_timeout_s=settings.request_timeout,
        failures_to_open=settings.circuit_breaker_max_failures,
        left_alone_s=settings.circuit_breaker_timeout,
        memory_gb=(await asyncio.to_thread(services.monitor.look)).limit_gb,
    )


def _first_run(services: LabServices) -> FirstRun:
    models = services.models.list_models()
    vendors = services.vendors.all(models)
    return FirstRun(
        demonstration_only=demonstration_only(models, vendors, services.reading),
        ways=[WayEntry.model_validate(asdict(way)) for way in ways(models, vendors, services.reading)],
    )
