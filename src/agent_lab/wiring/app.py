"""Builds the web application over an open lab."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from agent_lab.lab.vendors import Vendors
from agent_lab.providers.local.gpu_guard import ram, utilisation
from agent_lab.settings import origin_of_secret
from agent_lab.telemetry.history.machine import Machine
from agent_lab.telemetry.history.rollups import Rollups
from agent_lab.telemetry.history.sampler import Sampler
from agent_lab.wiring.lab import Lab, case_runner

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent_lab.api.auth import LoginCodes

Surface = Literal["lab", "all"]
"""`lab`: the lab API alone (port 8001). `all`: everything under one roof (port 8000)."""


def build_app(lab: Lab, *, token: str, surface: Surface = "all", login_codes: LoginCodes | None = None) -> FastAPI:
    """The web application over an open lab. Runs that nobody works on any more are taken up while it runs.

    Raises ValidationError for a weak token or a host name that is none.
    """
    from agent_lab.api.app import create_app
    from agent_lab.lab.connections import Connections
    from agent_lab.lab.loads import Loads
    from agent_lab.lab.services import LabServices

    loads, sampler = Loads(lab.host), _sampler(lab)
    services = LabServices(
        models=lab.models,
        strategies=lab.strategies,
        gateway=lab.gateway,
        generator=lab.generator,
        host=lab.host,
        monitor=lab.monitor,
        loads=loads,
        figures=lab.figures,
        loading=lab.loading,
        flows=lab.flows,
        shelf=lab.shelf,
        runs=lab.runs,
        cases=case_runner(lab),
        evaluations=lab.evaluations,
        tallies=lab.tallies,
        metrics=lab.metrics,
        sampler=sampler,
        spending=lab.spending,
        daily_budget_usd=lab.settings.agent_lab_daily_budget_usd,
        reading=lab.reading,
        vendors=_vendors(lab),
        connections=Connections(lab.generator),
        tools=lab.tools,
        started_at=lab.started_at,
    )

    async def start() -> None:
        lab.access_keys.by_name()  # what is wrong with their file is told in the log now
        lab.keeper.serving = True
        await lab.evaluations.recover()
        lab.warm()
        sampler.start()

    async def stop() -> None:
        lab.keeper.serving = False
        await loads.close()
        await sampler.stop()

    return create_app(
        services,
        token=token,
        allowed_hosts=lab.settings.agent_lab_allowed_hosts,
        allowed_origins=lab.settings.agent_lab_allowed_origins,
        surface=surface,
        login_codes=login_codes,
        key_name=lab.access_keys.name_of,
        lab_api_url=lab.settings.lab_api_url,
        request_timeout_s=lab.settings.request_timeout,
        on_start=start,
        on_stop=stop,
    )


def _vendors(lab: Lab) -> Vendors:
    return Vendors(
        rows=lab.providers,
        callable=lab.hosted.providers,
        away=lab.hosted.away,
        origin_of_key=partial(origin_of_secret, lab.reading),
        dotenv=str(lab.reading.dotenv),
    )


def _sampler(lab: Lab) -> Sampler:
    folder = lab.settings.data_dir
    return Sampler(
        metrics=lab.metrics,
        breakers=lab.gateway.breakers,
        waiting=lab.gateway.waiting,
        machine=Machine(lab.monitor, ram=ram, utilisation=utilisation, folder=folder),
        rollups=Rollups(folder),
    )
