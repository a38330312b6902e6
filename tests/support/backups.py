"""Backups taken apart, changed, and sealed anew, as somebody would who means harm."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent_lab.storage.backup.manifest import MANIFEST, MARK
from agent_lab.storage.backup.writing import SUM_PREFIX

Entries = dict[str, bytes]


def silent(_part: str, _done: int, _total: int) -> None:
    """Nobody is told how far it is."""


def entries_of(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seal(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A file of these entries whose sum is right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = SUM_PREFIX + b"0" * 64
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    body = buffer.getvalue()[:-64]
    path.write_bytes(body + hashlib.sha256(body[: -len(SUM_PREFIX)]).hexdigest().encode())
    return path


def forge(
    path: Path, change: Callable[[Entries], Any], *, manifest: Callable[[dict[str, Any]], Any] | None = None
) -> Path:
    """The backup changed, its manifest made to agree, then changed itself where that is asked."""
    entries = entries_of(path)
    document = json.loads(entries.pop(MANIFEST))
    mark = entries.pop(MARK)
    change(entries)
    known = {part["name"]: part for part in document["parts"]}
    document["parts"] = [
        {
            "columns": known.get(name, {}).get("columns", []),
            "name": name,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows": data.count(b"\n") if name.endswith(".jsonl") else 0,
        }
        for name, data in entries.items()
    ]
    if manifest is not None:
        manifest(document)
    whole = {MARK: mark, **entries, MANIFEST: json.dumps(document).encode()}
    return seal(path.with_name(f"forged-{path.name}"), whole)
