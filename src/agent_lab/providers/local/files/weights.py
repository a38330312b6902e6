"""Finds a model's files and checks them before anything is loaded: complete, safetensors only, no code in them."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.damage import PACKAGE as _PACKAGE
from agent_lab.providers.local.files.damage import again as _again
from agent_lab.providers.local.files.damage import damaged as _damaged
from agent_lab.providers.local.files.damage import read_json as _json
from agent_lab.providers.local.files.damage import strict_json
from agent_lab.providers.local.files.hub import HubCache, ProgressSink, fetch, silent
from agent_lab.providers.local.files.refusals import refuse_files, refuse_overlaps

BUILTIN = "builtin:"
MAX_HEADER_BYTES = 16_000_000
"""The largest models need a tenth of it; whatever is larger would be gigabytes once it is read."""
FORBIDDEN_KEYS = frozenset({"auto_map", "trust_remote_code", "_attn_implementation_internal"})
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
PACKED_TYPES = frozenset({"U8", "I8"})
"""Quantised checkpoints keep two 4-bit weights in a byte of these types."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file, as the file's header has it."""

    path: Path
    dtype: str
    """As safetensors calls it: `F32`, `BF16`, `U8`, ..."""
    shape: tuple[int, ...]
    begin: int
    """Where its bytes begin in the file."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model's folder after the check."""

    folder: Path
    files: tuple[Path, ...]
    size_bytes: int
    parameters: int
    packed: bool
    """Quantised on disk already: two weights share a byte."""
    config: Mapping[str, Any]
    """What config.json says."""
    tensors: Mapping[str, Stored]


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
        raise UnusableError(
            said(
                "no_model_folder",
                "The folder {folder} of the model {model!r} does not exist; mend its model_id.",
                folder=str(path),
                model=model.key,
            )
        )
    return path


def _builtin_folder(name: str) -> Path:
    folder = _PACKAGE / name / "weights"
    if not name.isidentifier() or not folder.is_dir():
        raise UnusableError(
            said(
                "no_such_built_in",
                "There is no built-in model {name!r} in this installation; install agent-lab again.",
                name=name,
            )
        )
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
    found = _meant(folder, found)
    parameters = size_bytes = 0
    tensors: dict[str, Stored] = {}
    for path in found:
        header, data_bytes = _header(path)
        parameters += sum(math.prod(shape) for shape in _shapes(path, header))
        tensors |= {name: _stored(path, entry, path.stat().st_size - data_bytes) for name, entry in header.items()}
        size_bytes += data_bytes
    return Weights(
        folder=folder,
        files=found,
        size_bytes=size_bytes,
        parameters=parameters,
        packed=any(tensor.dtype in PACKED_TYPES for tensor in tensors.values()),
        config=_json(folder / "config.json"),
        tensors=tensors,
    )


def _stored(path: Path, entry: dict[str, Any], data_begin: int) -> Stored:
    begin, end = map(int, entry["data_offsets"])
    return Stored(path, str(entry.get("dtype")), tuple(entry["shape"]), data_begin + begin, end - begin)


def _refuse_missing(folder: Path) -> None:
    if any(any(folder.glob(pattern)) for pattern in PICKLES):
        raise UnusableError(
            said(
                "weights_pickled",
                "The model in {folder} has pickled weights only, and loading a pickle runs whatever "
                "code is in it; use a version of it with safetensors.",
                folder=str(folder),
            )
        )
    raise UnusableError(
        said(
            "folder_without_safetensors",
            "The model in {folder} has no *.safetensors file; fetch it again or mend its model_id.",
            folder=str(folder),
        )
    )


def _refuse_missing_shards(folder: Path, found: tuple[Path, ...]) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    listed = _json(index).get("weight_map", {})
    missing = sorted(set(map(str, listed.values())) - {path.name for path in found}) if isinstance(listed, dict) else []
    if missing:
        raise ModelCorruptError(f"The model in {folder} is not complete: {missing[0]} is missing; {_again(folder)}.")


def _meant(folder: Path, found: tuple[Path, ...]) -> tuple[Path, ...]:
    """Of the weights in a folder those that are the model: some repositories hold a second copy of it."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        listed = set(map(str, _json(index).get("weight_map", {}).values()))
        return tuple(path for path in found if path.name in listed) or found
    return tuple(path for path in found if path.name == "model.safetensors") or found


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
        notes = header.get("__metadata__", {})
        if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
            raise TypeError("a note on the file is no text")
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        spans = [tuple(map(int, entry["data_offsets"])) for entry in tensors.values()]
        data_bytes = max((end for _, end in spans), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path, "its header cannot be read") from error
    if any(not 0 <= begin <= end for begin, end in spans):
        raise _damaged(path, "a place in its header is not one")
    due_bytes = 8 + header_bytes + data_bytes
    if actual_bytes != due_bytes:
        raise _damaged(path, f"it has {actual_bytes} bytes where {due_bytes} are due")
    return tensors, data_bytes


def _shapes(path: Path, tensors: dict[str, Any]) -> Iterator[list[int]]:
    refuse_overlaps(path, tensors)
    for entry in tensors.values():
        shape = entry["shape"]
        yield [2, *shape] if entry["dtype"] in PACKED_TYPES else shape
