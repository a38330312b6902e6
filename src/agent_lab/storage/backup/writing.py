"""Writes the file of a backup as a stream: a zip whose last bytes are the sum of all that stand before them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO, Any, BinaryIO, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from agent_lab.storage.backup.manifest import MANIFEST, MARK, Manifest, Part
from agent_lab.storage.utf8 import well_formed

SUM_PREFIX = b"sha256:"
SUM_BYTES = len(SUM_PREFIX) + 64
CHUNK_BYTES = 2**20
_LEVEL = 3
"""Of compression: beyond it backups take twice as long to be a tenth smaller."""
_ABOUT = b"A backup of AI Agent Lab. `agent-lab restore FILE` reads it.\n"


class PartWriter:
    """One part while it is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sum = hashlib.sha256()
        self.bytes = 0
        self.rows = 0

    def write(self, data: bytes) -> None:
        """The next piece."""
        self._stream.write(data)
        self._sum.update(data)
        self.bytes += len(data)

    def row(self, values: list[Any]) -> None:
        """The next row, as one line of JSON."""
        self.write(well_formed(json.dumps(values, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n")
        self.rows += 1

    @property
    def sha256(self) -> str:
        """The sum so far."""
        return self._sum.hexdigest()


class Writer:
    """A backup while it is written. `file` is open for writing and reading."""

    def __init__(self, file: BinaryIO, *, at: datetime) -> None:
        self._file = file
        self._at = at
        self._parts: list[Part] = []
        self._zip = ZipFile(file, "w")
        # As SUM_BYTES long as what takes its place in the end.
        self._zip.comment = SUM_PREFIX + b"0" * 64
        self._zip.writestr(self._entry(MARK, ZIP_STORED), _ABOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            # Or the zip would be closed with the garbage, when its file is no more.
            with suppress(OSError, ValueError):
                self._zip.close()

    @contextmanager
    def part(self, name: str, columns: tuple[str, ...] = ()) -> Iterator[PartWriter]:
        """Write one part."""
        with self._zip.open(self._entry(name, ZIP_DEFLATED), "w", force_zip64=True) as stream:
            writer = PartWriter(stream)
            yield writer
        self._parts.append(Part(name=name, bytes=writer.bytes, sha256=writer.sha256, rows=writer.rows, columns=columns))

    def finish(self, *, version: str, schema_version: str) -> Manifest:
        """Write the manifest and the sum; the file is whole then."""
        manifest = Manifest(
            version=version, schema_version=schema_version, created_at=self._at, parts=tuple(self._parts)
        )
        self._zip.writestr(self._entry(MANIFEST, ZIP_DEFLATED), manifest.model_dump_json(indent=1).encode())
        self._zip.close()
        self._file.seek(0, os.SEEK_END)
        size = self._file.tell()
        total = sum_of(self._file, size - SUM_BYTES)
        self._file.seek(size - SUM_BYTES)
        self._file.write(total)
        return manifest

    def _entry(self, name: str, kind: int) -> ZipInfo:
        entry = ZipInfo(name, date_time=(self._at.year, self._at.month, self._at.day, 0, 0, 0))
        entry.compress_type, entry.external_attr = kind, 0o600 << 16
        entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # as ZipFile.writestr does it; there is no other way
        return entry


def sum_of(file: BinaryIO, size: int) -> bytes:
    """The sum of the first `size` bytes, as it stands at the end of a backup."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0:
        piece = file.read(min(CHUNK_BYTES, size))
        if not piece:
            break
        digest.update(piece)
        size -= len(piece)
    return SUM_PREFIX + digest.hexdigest().encode()
