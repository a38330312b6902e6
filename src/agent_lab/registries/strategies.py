"""The catalogue of strategies: how a local model is loaded, how any model samples, and what stands in for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from agent_lab.contracts.errors import ValidationError, unknown_name
from agent_lab.contracts.registry import StrategySpec
from agent_lab.registries.rows import read_rows


class StrategyRegistry:
    """The strategies that may be asked for, by name. Raises ValidationError where a fallback does not exist."""

    def __init__(self, rows: Iterable[StrategySpec], files: Mapping[str, str] | None = None) -> None:
        self._rows = {row.name: row for row in rows}
        for row in self._rows.values():
            file = f"{files[row.name]}: " if files and row.name in files else ""
            for fallback in row.fallbacks:
                if fallback not in self._rows:
                    missing = unknown_name("strategy", fallback, self._rows).message
                    raise ValidationError(f"{file}The strategy {row.name!r} cannot fall back: {missing}")

    def get_strategy(self, name: str) -> StrategySpec:
        """The strategy of that name. Raises NotFoundError with the nearest names."""
        if name not in self._rows:
            raise unknown_name("strategy", name, self._rows)
        return self._rows[name]

    def find(self, name: str) -> StrategySpec | None:
        """The strategy of that name; None where there is none."""
        return self._rows.get(name)

    def list_strategies(self) -> list[StrategySpec]:
        """All of them, in the order of the files: built in first, the user's last."""
        return list(self._rows.values())


def load_strategies(config_dir: Path) -> StrategyRegistry:
    """The built-in strategies, with the `[[strategy]]` tables of `<config_dir>/*.toml` over and after them.

    A user's row with an existing name replaces the built-in one. Raises ValidationError naming file, row and field.
    """
    read = read_rows("strategy", StrategySpec, "name", config_dir)
    return StrategyRegistry(read.rows, read.files)
