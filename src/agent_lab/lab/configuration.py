"""Tells the settings as they may be shown: values, where each was read, and of secrets only that they are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from pydantic import SecretStr

from agent_lab.settings import Origin, Reading, Settings

SECRET = frozenset(
    name.upper() for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)
)
UNUSED = frozenset({"APP_ENV", "NEXT_PUBLIC_API_URL", "NEXT_PUBLIC_MOCK_MODE"})
"""Settings that are read and that nothing in this version uses yet."""


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting. `value` is None where nothing is set, and of a secret `set`."""

    name: str
    value: str | None
    origin: Origin

    @property
    def secret(self) -> bool:
        """True where only its being there is told."""
        return self.name in SECRET

    @property
    def used(self) -> bool:
        """False where nothing in this version does anything with it."""
        return self.name not in UNUSED


def shown_settings(reading: Reading) -> Iterator[ShownSetting]:
    """Every setting."""
    for name, origin in reading.origins.items():
        yield ShownSetting(name, shown_value(reading.settings, name), origin)


def shown_value(settings: Settings, name: str) -> str | None:
    """A setting's value as it may be shown."""
    value = getattr(settings, name.lower())
    if isinstance(value, SecretStr):
        return "set"
    if name == "DATABASE_URL" and value:
        from agent_lab.storage.place import shown_url

        return shown_url(value)
    return None if value is None or value == "" else str(value)
