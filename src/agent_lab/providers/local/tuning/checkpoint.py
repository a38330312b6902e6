"""Keeps a half-way training in one file, written whole or not at all, so that it can be gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import ConflictError, ModelCorruptError

FILE = "checkpoint.safetensors"
MARK = "agent_lab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of a training after so many steps."""

    steps: int
    identity: Mapping[str, Any]
    """What the training is of: base, data and settings. Only the same one can go on from here."""
    facts: Mapping[str, Any]
    """Figures to carry over: what was measured before, seconds spent."""
    tensors: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Put it into the folder in place of the last one. Raises OSError."""
    from safetensors.torch import save

    about = {"steps": checkpoint.steps, "identity": dict(checkpoint.identity), "facts": dict(checkpoint.facts)}
    data = save({name: one.contiguous() for name, one in checkpoint.tensors.items()}, {MARK: json.dumps(about)})
    write_whole(folder / FILE, data)


def load_checkpoint(folder: Path, identity: Mapping[str, Any]) -> Checkpoint | None:
    """The folder's checkpoint; None where there is none.

    Raises ConflictError where it is of another training and ModelCorruptError where it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {})[MARK])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = Checkpoint(steps=int(about["steps"]), identity=about["identity"], facts=about["facts"], tensors=tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorruptError(f"The checkpoint {path} is damaged; delete it and train from the start.") from error
    asked = json.loads(json.dumps(dict(identity)))
    differing = [name for name in asked if found.identity.get(name) != asked[name]]
    if differing:
        name = differing[0]
        raise ConflictError(
            f"The training in {folder} has another {name.replace('_', ' ')} ({_short(found.identity.get(name))}, not "
            f"{_short(asked[name])}); go on with the same command and --resume, or take another --name."
        )
    return found


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`; whoever reads it has the old file or the new one. Raises OSError."""
    passing = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with passing.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)
    finally:
        passing.unlink(missing_ok=True)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"
