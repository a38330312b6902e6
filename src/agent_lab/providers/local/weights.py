"""Finds a model's files and checks them before anything is loaded: complete, safetensors only, no code in them."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.damage import PACKAGE as _PACKAGE
from agent_lab.providers.local.damage import again as _again
from agent_lab.providers.local.damage import damaged as _damaged
from agent_lab.providers.local.damage import read_json as _json
from agent_lab.providers.local.damage import strict_json
from agent_lab.providers.local.hub import HubCache, ProgressSink, fetch, silent
from agent_lab.providers.local.refusals import refuse_files, refuse_overlaps

BUILTIN = "builtin:"
MAX_HEADER_BYTES = 16_000_000
"""The largest models need a tenth of it; whatever is larger would be gigabytes once it is read."""
FORBIDDEN_KEYS = frozenset({"auto_map", "trust_remote_code", "_attn_implementation_internal"})
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
PACKED_TYPES = frozenset({"U8", "I8"})
"""Quantised checkpoints keep two 4-bit weights in a byte of these types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model's folder after the check."""

    folder: Path
    files: tuple[Path, ...]
    size_bytes: int
    parameters: int
    packed: bool
    """Quantised on disk already: two weights share a byte."""


def locate(model: ModelSpec, cache: HubCache | Path | None, on_progress: ProgressSink = silent) -> Path:
    """The folder of the model's files: built in, on this machine, or fetched from the Hugging Face hub.

    Raises UnusableError that says what is missing.
    """
    if model.model_id.startswith(BUILTIN):
        name = model.model_id.removeprefix(BUILTIN)
        return _builtin_folder(name)
    path = Path(model.model_id).expanduser()
    # A folder of the working directory that happens to be called like a repository is not the model.
    if not path.is_absolute() and not model.model_id.startswith("."):
        return fetch(model, cache, on_progress)
    if not path.is_dir():
        raise UnusableError(f"The folder {path} of the model {model.key!r} does not exist; mend its model_id.")
    return path


def _builtin_folder(name: str) -> Path:
    folder = _PACKAGE / name / "weights"
    if not name.isidentifier() or not folder.is_dir():
        raise UnusableError(f"There is no built-in model {name!r} in this installation; install agent-lab again.")
    return folder


def inspect(folder: Path) -> Weights:
    """Check a model's folder and count it, from the headers alone. Raises UnusableError that names the file."""
    refuse_files(folder)
    _refuse_code(folder)
    _refuse_changed(folder)
    found = tuple(sorted(folder.glob("*.safetensors")))
    if not found:
        _refuse_missing(folder)
    _refuse_missing_shards(folder, found)
    parameters = size_bytes = 0
    packed = False
    for path in found:
        header, data_bytes = _header(path)
        parameters += sum(math.prod(shape) for shape in _shapes(path, header))
        packed = packed or any(entry.get("dtype") in PACKED_TYPES for entry in header.values())
        size_bytes += data_bytes
    return Weights(folder=folder, files=found, size_bytes=size_bytes, parameters=parameters, packed=packed)


def _refuse_missing(folder: Path) -> None:
    if any(any(folder.glob(pattern)) for pattern in PICKLES):
        raise UnusableError(
            f"The model in {folder} has pickled weights only, and loading a pickle runs whatever code is in it; "
            "use a version of it with safetensors."
        )
    raise UnusableError(f"The model in {folder} has no *.safetensors file; fetch it again or mend its model_id.")


def _refuse_missing_shards(folder: Path, found: tuple[Path, ...]) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    listed = _json(index).get("weight_map", {})
    missing = sorted(set(map(str, listed.values())) - {path.name for path in found}) if isinstance(listed, dict) else []
    if missing:
        raise ModelCorruptError(f"The model in {folder} is not complete: {missing[0]} is missing; {_again(folder)}.")


def _refuse_code(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelCorruptError(f"The model in {folder} has no config.json; {_again(folder)}.")
    for path in sorted(folder.glob("*config.json")):
        for key in _keys(_json(path)):
            if key in FORBIDDEN_KEYS:
                raise UnusableError(
                    f"The model file {path} asks for code of its own ({key}), which is never run; use a model that "
                    "transformers knows by itself."
                )


def _refuse_changed(folder: Path) -> None:
    """Hold the files against `SHA256SUMS`, where the model brings one: a flipped bit is nothing that a header shows."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="ascii", errors="replace").splitlines():
        expected, _, name = line.partition("  ")
        path = folder / Path(name).name
        if not path.is_file():
            raise _damaged(path, "it is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise _damaged(path, "it is not what SHA256SUMS says")


def _keys(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from map(str, part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The safetensors header and the bytes of data that it announces, which the file must have to the byte."""
    actual_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        header_bytes = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= header_bytes <= min(MAX_HEADER_BYTES, actual_bytes - 8):
            raise _damaged(path, "it has no safetensors header")
        raw = file.read(header_bytes)
    try:
        header = strict_json(raw)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        data_bytes = max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path, "its header cannot be read") from error
    due_bytes = 8 + header_bytes + data_bytes
    if actual_bytes != due_bytes:
        raise _damaged(path, f"it has {actual_bytes} bytes where {due_bytes} are due")
    return tensors, data_bytes


def _shapes(path: Path, tensors: dict[str, Any]) -> Iterator[list[int]]:
    refuse_overlaps(path, tensors)
    for entry in tensors.values():
        shape = entry["shape"]
        yield [2, *shape] if entry["dtype"] in PACKED_TYPES else shape
