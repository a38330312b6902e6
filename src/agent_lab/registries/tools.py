"""The commands that the administrator registered as tools."""

from __future__ import annotations

from pathlib import Path

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.registry import ToolRow
from agent_lab.registries.rows import read_rows
from agent_lab.registries.schemas import schema_fault


def load_tools(config_dir: Path) -> list[ToolRow]:
    """The `[[tool]]` tables of `<config_dir>/*.toml`. Raises ValidationError naming file, row and field."""
    read = read_rows("tool", ToolRow, "name", config_dir)
    for row in read.rows:
        fault = schema_fault(row.parameters)
        if fault:
            place = f"{read.files[row.name]}, tool {row.name!r}"
            raise ValidationError(f"{place}: the field 'parameters' is no usable JSON Schema: {fault}.")
    return read.rows
