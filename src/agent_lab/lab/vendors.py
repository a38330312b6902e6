"""Tells of each provider whom it calls, with which key, and whether it can be called now."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.errors import unknown_name
from agent_lab.contracts.ports import Provider
from agent_lab.contracts.registry import SPLIT, ModelSpec, ProviderSpec
from agent_lab.settings import Origin

Protocol = Literal["local", "scripted", "openai", "anthropic", "openai_compatible", "plug-in"]
ProviderState = Literal["ready", "no key", "offline", "not installed", "broken"]
KeyState = Literal["present", "missing", "not needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One provider as it stands. Nothing in it is a secret."""

    name: str
    protocol: Protocol
    host: str | None = None
    """None: it is in this process."""
    key: KeyState = "not needed"
    key_name: str | None = None
    """The variable that holds the key."""
    key_origin: Origin | None = None
    tried_with: Literal["models", "key"] = "models"
    state: ProviderState = "ready"
    why_not: str | None = None
    """What is missing, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """The providers that models may name: those of this process, of the rows, and of plug-ins."""

    rows: Mapping[str, ProviderSpec]
    callable: Mapping[str, Provider]
    """Those of the rows and of plug-ins that can be called."""
    away: frozenset[str]
    """Those that are not called because this machine is to stay offline."""
    origin_of_key: Callable[[str], Origin | None]
    """Where the variable of that name is read; None where it is unset."""
    dotenv: str
    """The file that a missing key goes into."""

    def all(self, models: list[ModelSpec]) -> list[Vendor]:
        """Every provider, those of this machine first; of the scripted one and of plug-ins only whom a model names."""
        wanted = {model.provider for model in models} - {SPLIT, "local", *self.rows}
        return [self._local(), *map(self._of_row, self.rows.values()), *map(self._other, sorted(wanted))]

    def get(self, name: str, models: list[ModelSpec]) -> Vendor:
        """The provider of that name. Raises NotFoundError with the nearest names."""
        known = {vendor.name: vendor for vendor in self.all(models)}
        if name not in known:
            raise unknown_name("provider", name, known)
        return known[name]

    def _local(self) -> Vendor:
        missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
        if not missing:
            return Vendor(name="local", protocol="local")
        why_not = f"Models of this machine need {' and '.join(missing)}; install them: pip install 'agent-lab[local]'."
        return Vendor(name="local", protocol="local", state="not installed", why_not=why_not)

    def _of_row(self, row: ProviderSpec) -> Vendor:
        origin = None if row.key_env is None else self.origin_of_key(row.key_env)
        against = next(self._against(row), None)
        return Vendor(
            name=row.key,
            protocol=row.kind,
            host=row.host,
            key="not needed" if row.key_env is None else "missing" if origin is None else "present",
            key_name=row.key_env,
            key_origin=origin,
            tried_with=row.tried_with,
            state=against[0] if against else "ready",
            why_not=against[1] if against else None,
        )

    def _against(self, row: ProviderSpec) -> Iterator[tuple[ProviderState, str]]:
        if row.key in self.away:
            yield "offline", f"{row.key!r} is asked over the network, which AGENT_LAB_OFFLINE forbids; leave that out."
        elif row.key not in self.callable:
            yield "no key", f"Put {row.key_env} into {self.dotenv} or the environment, and start again."
        library = "anthropic" if row.kind == "anthropic" else "openai"
        if importlib.util.find_spec(library) is None:
            yield (
                "not installed",
                f"Models of {row.key!r} need the library {library!r}; install it: pip install 'agent-lab[hosted]'.",
            )

    def _other(self, name: str) -> Vendor:
        if name == "scripted":
            return Vendor(name=name, protocol="scripted")
        if name in self.callable:
            return Vendor(name=name, protocol="plug-in")
        if name in self.away:
            why_not = f"Nobody knows where the plug-in {name!r} sends a question; leave AGENT_LAB_OFFLINE out."
            return Vendor(name=name, protocol="plug-in", state="offline", why_not=why_not)
        why_not = f"The plug-in that serves {name!r} could not be used; `agent-lab doctor` says why."
        return Vendor(name=name, protocol="plug-in", state="broken", why_not=why_not)
