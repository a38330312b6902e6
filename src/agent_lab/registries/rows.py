"""Reads rows from TOML, the product's own and the user's, and says where a file is wrong."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Generic, TypeVar

import pydantic

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.registry import Row

BUILTIN = {"model": "models.toml", "provider": "providers.toml", "strategy": "strategies.toml"}
TABLES = (*BUILTIN, "tool")
ACCESS_KEYS = "keys.toml"
"""The one `*.toml` of the configuration folder that is no registry."""
RowType = TypeVar("RowType", bound=Row)


@dataclass(frozen=True, slots=True)
class Rows(Generic[RowType]):
    """What was read: the rows, and the file of each by its key."""

    rows: list[RowType]
    files: Mapping[str, str]


def read_rows(table: str, row_type: type[RowType], id_field: str, config_dir: Path) -> Rows[RowType]:
    """The rows of the package's own file, with those of `<config_dir>/*.toml` over and after them.

    A user's file holds `[[model]]`, `[[provider]]`, `[[strategy]]` and `[[tool]]` tables; a row whose key exists
    replaces it. Raises ValidationError that names the file, the row and the field, and what it may be.
    """
    rows = {getattr(row, id_field): row for row in _builtin(table, row_type)}
    read_from = dict.fromkeys(rows, BUILTIN.get(table, ""))
    seen: dict[str, Path] = {}
    for path in _user_files(config_dir):
        for row in rows_of(parsed(str(path), _bytes_of(path)), str(path), table, row_type):
            identity = getattr(row, id_field)
            if identity in seen:
                where = f"in {path}" if seen[identity] == path else f"in {seen[identity]} and in {path}"
                raise ValidationError(f"The {table} {identity!r} is given twice, {where}; take one of them away.")
            seen[identity] = path
            rows[identity], read_from[identity] = row, str(path)
    return Rows(list(rows.values()), read_from)


def _builtin(table: str, row_type: type[RowType]) -> list[RowType]:
    if table not in BUILTIN:
        return []
    name = BUILTIN[table]
    content = files("agent_lab.registries").joinpath(name).read_bytes()
    return rows_of(parsed(name, content), name, table, row_type)


def _user_files(config_dir: Path) -> list[Path]:
    return sorted(path for path in config_dir.glob("*.toml") if path.is_file() and path.name != ACCESS_KEYS)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValidationError(f"The file {path} cannot be read ({error.strerror}); mend it or take it away.") from error


def parsed(file: str, content: bytes, tables: Sequence[str] = TABLES) -> dict[str, Any]:
    """The document in these bytes. Raises ValidationError where it is no TOML, or has tables of other names."""
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValidationError(f"The file {file} is not readable TOML: {error}.") from error
    for name in document:
        if name not in tables:
            known = " and ".join(", ".join(f"[[{one}]]" for one in tables).rsplit(", ", 1))
            raise ValidationError(f"{file} has a table {name!r}; there may be {known} tables only.")
    return document


def rows_of(document: Mapping[str, Any], file: str, table: str, row_type: type[RowType]) -> list[RowType]:
    """The rows of a document's table. Raises ValidationError that names the file, the row and the field."""
    listed = document.get(table, [])
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise ValidationError(f"{file}: write each {table} as a table of its own under [[{table}]], two brackets.")
    rows = []
    for number, values in enumerate(listed, start=1):
        try:
            rows.append(row_type.model_validate(values))
        except pydantic.ValidationError as error:
            called = values.get("key") or values.get("name") or f"number {number}"
            raise ValidationError(f"{file}, {table} {str(called)[:64]!r}: {_sentence(error, row_type)}") from None
    return rows


def _sentence(error: pydantic.ValidationError, row_type: type[Row]) -> str:
    # A misspelt field is told before the field that is missing because of it.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"the field {field!r} is missing."
    if first["type"] == "extra_forbidden":
        return f"there is no field {field!r}; {_fields(row_type, first['loc'])}"
    said = _lower_first(first["msg"].removeprefix("Value error, "))
    return f"the field {field!r} is {str(first['input'])[:60]!r}: {said}." if field else f"{said}."


def _fields(row_type: type[Row], loc: Sequence[int | str]) -> str:
    names = list(_model_at(row_type, loc[:-1]).model_fields)
    near = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"there may be {', '.join(names)}."


def _model_at(row_type: type[Row], loc: Sequence[int | str]) -> type[Row]:
    for part in loc:
        annotation = row_type.model_fields[str(part)].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        row_type = next(c for c in candidates if isinstance(c, type) and issubclass(c, Row))
    return row_type


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
