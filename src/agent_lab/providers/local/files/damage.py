"""Says of a model's file that it is damaged, with its path and how to put it right; and reads JSON from strangers."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from agent_lab.contracts.errors import ModelCorruptError

PACKAGE = Path(str(files("agent_lab")))
MAX_JSON_BYTES = 64_000_000
"""The largest vocabularies take half of it; whatever is larger would be gigabytes once it is read."""


def damaged(path: Path, why: str) -> ModelCorruptError:
    """The error; `why` is a clause."""
    return ModelCorruptError(f"The model file {path} is damaged ({why}); {again(path)}.")


def again(path: Path) -> str:
    """How to come by a whole copy, as a clause."""
    folder = path if path.is_dir() else path.parent
    if folder.is_relative_to(PACKAGE):
        return "it came with the program: install agent-lab again, or restore the file from its repository"
    if "snapshots" in folder.parts:  # the hub's cache; anywhere else the folder is the user's own
        return f"delete {folder} and it is fetched again at the next use"
    return "put a whole copy of it there"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ModelCorruptError."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise damaged(path, f"it is larger than {MAX_JSON_BYTES // 1_000_000} MB")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise damaged(path, f"it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, "it is not JSON") from error
    if not isinstance(value, dict):
        raise damaged(path, "it holds no object")
    return value


def strict_json(raw: bytes) -> Any:
    """JSON in which no name comes twice and every number is one. Raises ValueError and RecursionError."""
    return json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
