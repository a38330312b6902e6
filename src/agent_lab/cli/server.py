"""`agent-lab up`, `agent-lab lab` and `agent-lab backend`: the server, until Ctrl-C."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import click

from agent_lab.cli.options import as_json, offline
from agent_lab.cli.output import note

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent_lab.settings import Settings
    from agent_lab.wiring import Lab

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")


@click.command()
@host_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port; else PORT, else 8000.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@offline
@as_json
def up(host: str, port: int | None, no_browser: bool, as_json: bool) -> int:
    """Serve the web application and its API, and open it in the browser."""
    return _serve("all", host, port, default_port=8000, browser=not (no_browser or as_json), as_json=as_json)


@click.command()
@host_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port; else 8001.")
@offline
@as_json
def lab(host: str, port: int | None, as_json: bool) -> int:
    """Serve the lab's API alone, for a machine whose models others use."""
    return _serve("lab", host, port, default_port=8001, browser=False, as_json=as_json)


@click.command()
@host_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port; else PORT, else 8000.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@as_json
def backend(host: str, port: int | None, no_browser: bool, as_json: bool) -> int:
    """Serve page and API before a lab elsewhere: the one at LAB_API_URL, else at http://127.0.0.1:8001.

    It starts also while that lab is away, and answers 503 until it comes. Both need the same AGENT_LAB_TOKEN, where
    they do not share a data folder.
    """
    import asyncio

    from agent_lab.cli.listening import event_loop, serve
    from agent_lab.settings import read_settings
    from agent_lab.telemetry import logging

    reading = read_settings()
    settings = reading.settings
    for warning in reading.warnings:
        note(f"Note: {warning}")
    with _door(host, port or settings.port or 8000, settings) as door:
        logging.configure(settings.data_dir / "logs", level=settings.log_level, stderr=False)
        try:
            app = _backend_app(settings, door.token)
            link = door.login(app)
            said = _announcement(door, link, as_json, lab=app.state.lab.address)
            with asyncio.Runner(loop_factory=event_loop) as runner:
                runner.run(serve(app, door.listener, said=said, link=door.to_open(link, no_browser or as_json)))
        finally:
            logging.close()
    return 0


def _backend_app(settings: Settings, token: str) -> FastAPI:
    """The backend before the lab at LAB_API_URL. Raises ValidationError for an address or host name that is none."""
    from agent_lab.api.app import create_backend
    from agent_lab.backend.client import DEFAULT_URL, over_http
    from agent_lab.storage.access_keys import AccessKeys

    return create_backend(
        over_http(settings.lab_api_url or DEFAULT_URL, token=token, timeout_s=settings.request_timeout),
        token=token,
        allowed_hosts=settings.agent_lab_allowed_hosts,
        allowed_origins=settings.agent_lab_allowed_origins,
        key_name=AccessKeys(settings.config_dir).name_of,
    )


def _serve(
    surface: Literal["lab", "all"], host: str, port: int | None, *, default_port: int, browser: bool, as_json: bool
) -> int:
    from agent_lab.cli.listening import event_loop, serve
    from agent_lab.cli.session import with_lab
    from agent_lab.settings import read_settings

    settings = read_settings().settings
    own = settings.port if surface == "all" else None
    with _door(host, port or own or default_port, settings) as door:

        async def work(opened: Lab) -> int:
            from agent_lab.wiring import build_app

            app = build_app(opened, token=door.token, surface=surface)
            link = door.login(app) if surface == "all" else None
            elsewhere = settings.lab_api_url if surface == "all" else None
            said = _announcement(door, link, as_json, lab=elsewhere)
            await serve(app, door.listener, said=said, link=door.to_open(link, not browser))
            return 0

        return with_lab(work, event_loop)


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a server listens, and the secret that opens it."""

    listener: socket.socket
    address: str
    token: str = field(repr=False)
    token_file: str | None

    def login(self, app: FastAPI) -> str:
        """A link that signs one browser in."""
        from agent_lab.api.page import login_path

        return self.address + login_path(app.state.login_codes)

    @staticmethod
    def to_open(link: str | None, silently: bool) -> str | None:
        """The link, where a browser is to be opened with it."""
        return None if silently or not sys.stdout.isatty() else link


@contextmanager
def _door(host: str, port: int, settings: Settings) -> Iterator[_Door]:
    """A door that may be opened there, closed at the end. Raises ValidationError, EnvironmentFaultError."""
    from agent_lab.api.guard import check_bind, host_names
    from agent_lab.api.token import obtain_token
    from agent_lab.cli.listening import bound_socket

    given = settings.agent_lab_token.get_secret_value() if settings.agent_lab_token else None
    names = host_names(settings.agent_lab_allowed_hosts)
    check_bind(host, given, names)
    with closing(bound_socket(host, port)) as listener:
        token = obtain_token(settings.data_dir, given)
        token_file = None if given else str(settings.data_dir / "token")
        yield _Door(listener, f"http://{_reached_as(host, names)}:{port}", token, token_file)


def _reached_as(host: str, names: Collection[str]) -> str:
    """The host as it is written in a link: an address that only says "everywhere" cannot be called."""
    if host in {"0.0.0.0", "::", ""}:
        return min(names)
    return f"[{host}]" if ":" in host else host


def _announcement(door: _Door, link: str | None, as_json: bool, *, lab: str | None) -> str:
    """What is said once requests are taken. `lab`: the address of the lab that is asked, where it is elsewhere."""
    if as_json:
        told = {"url": door.address, "login": link, "token_file": door.token_file}
        return json.dumps(told | ({"lab": lab} if lab else {}), indent=2) + "\n"
    lines = [f"AI Agent Lab is at {door.address} (Ctrl-C stops it)."]
    if link is not None:
        lines.append(f"Sign in with this link, once, within ten minutes: {link}")
    else:
        own = f"Its token is in {door.token_file}." if door.token_file else "Its token is the one of AGENT_LAB_TOKEN."
        lines.append(own)
    if lab is not None:
        lines.append(f"What is under /api/v1 is asked of the lab at {lab} (LAB_API_URL).")
    return "".join(f"{line}\n" for line in lines)
