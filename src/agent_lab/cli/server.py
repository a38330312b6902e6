"""`agent-lab up` and `agent-lab lab`: the server, until Ctrl-C."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

import click

from agent_lab.cli.options import as_json, offline

if TYPE_CHECKING:
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


def _serve(
    surface: Literal["lab", "all"], host: str, port: int | None, *, default_port: int, browser: bool, as_json: bool
) -> int:
    from agent_lab.api.guard import check_bind, host_names
    from agent_lab.api.token import obtain_token
    from agent_lab.cli.listening import bound_socket, event_loop, serve
    from agent_lab.cli.session import with_lab
    from agent_lab.settings import read_settings

    settings = read_settings().settings
    own = settings.port if surface == "all" else None
    port = port or own or default_port
    given = settings.agent_lab_token.get_secret_value() if settings.agent_lab_token else None
    names = host_names(settings.agent_lab_allowed_hosts)
    check_bind(host, given, names)
    listener = bound_socket(host, port)
    token = obtain_token(settings.data_dir, given)
    address = f"http://{_reached_as(host, names)}:{port}"

    async def work(opened: Lab) -> int:
        from agent_lab.wiring import build_app

        app = build_app(opened, token=token, surface=surface)
        link = None
        if surface == "all":
            from agent_lab.api.page import login_path

            link = address + login_path(app.state.login_codes)
        token_file = None if given else str(settings.data_dir / "token")
        said = _announcement(address, link, token_file, as_json)
        await serve(app, listener, said=said, link=link if browser and sys.stdout.isatty() else None)
        return 0

    try:
        return with_lab(work, event_loop)
    finally:
        listener.close()


def _reached_as(host: str, names: Collection[str]) -> str:
    """The host as it is written in a link: an address that only says "everywhere" cannot be called."""
    if host in {"0.0.0.0", "::", ""}:
        return min(names)
    return f"[{host}]" if ":" in host else host


def _announcement(address: str, link: str | None, token_file: str | None, as_json: bool) -> str:
    if as_json:
        return json.dumps({"url": address, "login": link, "token_file": token_file}, indent=2) + "\n"
    lines = [f"AI Agent Lab is at {address} (Ctrl-C stops it)."]
    if link is not None:
        lines.append(f"Sign in with this link, once, within ten minutes: {link}")
    else:
        lines.append(f"Its token is in {token_file}." if token_file else "Its token is the one of AGENT_LAB_TOKEN.")
    return "".join(f"{line}\n" for line in lines)
