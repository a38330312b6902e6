"""Refuses addresses, hosts and origins that this server was not opened to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from agent_lab.contracts.errors import ValidationError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"https?://(?P<host>[^/?#@]+)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    slug: str
    status: int
    detail: str


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, token: str | None, allowed_hosts: Collection[str]) -> None:
    """Raises ValidationError where an address that others reach would be opened without a token and host names."""
    if is_loopback(host):
        return
    missing = []
    if not token:
        missing.append("a token (AGENT_LAB_TOKEN)")
    if not allowed_hosts:
        missing.append("the names under which it is reached (AGENT_LAB_ALLOWED_HOSTS)")
    if missing:
        raise ValidationError(
            f"The address {host or '(all)'} can be reached from other machines, which needs {' and '.join(missing)}; "
            "set them, or bind 127.0.0.1.",
            where="host",
        )


def host_names(listed: str | Collection[str]) -> frozenset[str]:
    """The host names of a list (or of a text with commas), in the form in which they are compared.

    Raises ValidationError for what is not a host name.
    """
    names = listed.split(",") if isinstance(listed, str) else listed
    found = {_bracketed(name.strip().lower()) for name in names if name.strip()}
    for name in found:
        match = _HOST.fullmatch(name)
        if match is None or match["port"]:
            raise ValidationError(
                f"{name!r} is not a host name; give names or addresses without scheme and port, apart by commas.",
                where="AGENT_LAB_ALLOWED_HOSTS",
            )
    return frozenset(found)


def origin_names(listed: str | Collection[str]) -> frozenset[str]:
    """The origins of a list (or of a text with commas). Raises ValidationError for what is no origin."""
    names = listed.split(",") if isinstance(listed, str) else listed
    found = {name.strip().lower().rstrip("/") for name in names if name.strip()}
    for name in found:
        if _ORIGIN.fullmatch(name) is None:
            raise ValidationError(
                f"{name!r} is not an origin; give scheme, host and port, like http://localhost:3000, apart by commas.",
                where="AGENT_LAB_ALLOWED_ORIGINS",
            )
    return frozenset(found)


def _bracketed(name: str) -> str:
    """An IPv6 address as it stands in a Host header."""
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name


def refusal(
    hosts: list[str],
    origins: list[str],
    fetch: Mapping[str, str],
    method: str,
    allowed: Collection[str],
    allowed_origins: Collection[str] = (),
) -> Refusal | None:
    """Why a request is refused for where it goes to or comes from; None where it is let in.

    `hosts`, `origins`: the Host and Origin headers as they came. `fetch`: the browser's Sec-Fetch headers.
    `allowed_origins`: those of other pages that may ask.
    """
    match = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    if match is None or (match["name"] not in allowed and match["name"] not in LOOPBACK_NAMES):
        return Refusal(
            "foreign-host",
            421,
            "This server does not answer under that host name; use 127.0.0.1, or name it in AGENT_LAB_ALLOWED_HOSTS.",
        )
    if len(origins) == 1 and origins[0].lower() in allowed_origins:
        return None
    if origins and not _is_own_origin(origins, hosts[0].lower()):
        return Refusal("foreign-origin", 403, "Requests from other sites are not taken; open this server's own page.")
    if not _is_own_fetch(fetch, method):
        return Refusal("foreign-origin", 403, "Another site may not ask for this; open this server's own page.")
    return None


def _is_own_origin(origins: list[str], host: str) -> bool:
    match = _ORIGIN.fullmatch(origins[0].lower()) if len(origins) == 1 else None
    return match is not None and match["host"] == host


def _is_own_fetch(fetch: Mapping[str, str], method: str) -> bool:
    """A browser says where a request comes from. Following a link to here is all that another site may do."""
    site = fetch.get("site")
    if site in {None, "same-origin", "none"}:
        return True
    return method == "GET" and fetch.get("mode") == "navigate" and fetch.get("dest") == "document"
