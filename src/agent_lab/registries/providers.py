"""The providers of hosted models: which protocol each speaks, at which address, with the key in which variable."""

from __future__ import annotations

from pathlib import Path

from agent_lab.contracts.registry import ProviderSpec
from agent_lab.registries.rows import read_rows


def load_providers(config_dir: Path) -> list[ProviderSpec]:
    """The built-in providers, with the `[[provider]]` tables of `<config_dir>/*.toml` over and after them.

    A user's row with an existing key replaces the built-in one. Raises ValidationError naming file, row and field.
    """
    return read_rows("provider", ProviderSpec, "key", config_dir).rows
