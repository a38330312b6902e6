"""Opens the hosted providers that can be called, and says of the others why they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from agent_lab.contracts.ports import Provider
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.vendors import hosted_provider


@dataclass(frozen=True, slots=True)
class Hosted:
    """The providers that can be called, and those that cannot."""

    providers: Mapping[str, Provider]
    missing_keys: Mapping[str, str]
    """For want of a key, and the variable that would hold it."""
    away: frozenset[str]
    """Because this machine is to stay offline."""


def open_hosted(rows: Iterable[ProviderSpec], *, secret_of: Callable[[str], SecretStr | None], offline: bool) -> Hosted:
    """The providers of those rows. `secret_of` reads the variable that a row names."""
    providers: dict[str, Provider] = {}
    missing: dict[str, str] = {}
    away: set[str] = set()
    for spec in rows:
        secret = None if spec.key_env is None else secret_of(spec.key_env)
        if offline and not spec.is_here:
            away.add(spec.key)
        elif spec.key_env is not None and secret is None:
            missing[spec.key] = spec.key_env
        else:
            providers[spec.key] = hosted_provider(spec, secret)
    return Hosted(providers, missing, frozenset(away))
