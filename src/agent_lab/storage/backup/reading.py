"""Reads the file of a backup, and takes nothing from it that does not agree with its sums."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import pydantic

from agent_lab import __version__
from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.storage.backup.manifest import FORMAT, MANIFEST, MARK, MAX_PARTS, Manifest, Part, Tell
from agent_lab.storage.backup.writing import CHUNK_BYTES, SUM_BYTES, SUM_PREFIX, sum_of

MAX_LINE_BYTES = 256 * 2**20
"""The longest row: four times an event of the longest kind, for JSON in JSON is longer."""
MAX_MANIFEST_BYTES = 16 * 2**20
_NAME_AT = 30
"""Where the name of its first entry stands in a zip."""
_BROKEN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class DamagedError(ValidationError):
    """The backup is not as it was written; take another copy of it."""

    slug = "damaged-backup"


class Reader:
    """A backup that is whole."""

    def __init__(self, path: Path, archive: ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._zip = archive

    def check(self, tell: Tell) -> None:
        """Read every part once. Raises DamagedError where one differs from what the manifest says of it."""
        for number, part in enumerate(self.manifest.parts):
            tell("checking", number, len(self.manifest.parts))
            with self._opened(part) as stream:
                while stream.read(CHUNK_BYTES):
                    pass

    def data(self, part: Part) -> bytes:
        """A part that is one small file."""
        with self._opened(part) as stream:
            return stream.read(part.bytes)

    def rows(self, part: Part) -> Iterator[list[Any]]:
        """The rows of a part, one after the other."""
        count = 0
        with self._opened(part) as stream:
            while line := stream.readline(MAX_LINE_BYTES + 1):
                yield self._row(part, line)
                count += 1
        if count != part.rows:
            raise damaged(self.path, f"{part.name} has {count} rows, not {part.rows}")

    def _row(self, part: Part, line: bytes) -> list[Any]:
        try:
            row = json.loads(line) if len(line) <= MAX_LINE_BYTES else None
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, list) or (part.columns and len(row) != len(part.columns)):
            raise damaged(self.path, f"a row of {part.name} is none")
        return row

    @contextmanager
    def _opened(self, part: Part) -> Iterator[_Summed]:
        try:
            with self._zip.open(part.name) as stream:
                summed = _Summed(stream)
                yield summed
        except _BROKEN as error:
            raise damaged(self.path, str(error)) from error
        if summed.bytes != part.bytes or summed.sha256 != part.sha256:
            raise damaged(self.path, f"{part.name} is not what was saved")


class _Summed:
    """A stream that is summed up as it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sum = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int) -> bytes:
        return self._seen(self._stream.read(size))

    def readline(self, size: int) -> bytes:
        return self._seen(self._stream.readline(size))

    def _seen(self, data: bytes) -> bytes:
        self._sum.update(data)
        self.bytes += len(data)
        return data

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """The backup at `path`, its sum and its manifest checked.

    Raises ValidationError for a file that is no backup, is damaged (DamagedError) or was written by a newer version,
    EnvironmentFaultError for one that cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise EnvironmentFaultError(f"The file {path} cannot be read ({error.strerror}); check the name.") from error
    with file:
        _check_file(path, file)
        try:
            archive = ZipFile(file)
        except _BROKEN as error:
            raise damaged(path, str(error)) from error
        with archive:
            yield Reader(path, archive, _manifest(path, archive))


def is_backup(path: Path) -> bool:
    """True for a file that begins as a backup does."""
    try:
        with path.open("rb") as file:
            return _marked(file)
    except OSError:
        return False


def damaged(path: Path, reason: str) -> DamagedError:
    """The error for a backup that is not as it was written."""
    return DamagedError(f"The backup {path} is damaged ({reason[:200]}); take another copy of it.")


def _marked(file: BinaryIO) -> bool:
    head = file.read(_NAME_AT + len(MARK))
    return head.startswith(b"PK\x03\x04") and head[_NAME_AT:] == MARK.encode()


def _check_file(path: Path, file: BinaryIO) -> None:
    try:
        if not _marked(file):
            raise ValidationError(f"The file {path} is not a backup of AI Agent Lab; name one that it wrote.")
        size = file.seek(0, os.SEEK_END)
        total = sum_of(file, size - SUM_BYTES)
        if file.read(SUM_BYTES) != total:
            cut = b"" if _ends_with_sum(file, size) else b" or cut off"
            raise damaged(path, f"its sum does not agree: it was changed{cut.decode()}")
    except OSError as error:
        raise EnvironmentFaultError(f"The file {path} cannot be read ({error.strerror}); check its disk.") from error


def _ends_with_sum(file: BinaryIO, size: int) -> bool:
    file.seek(max(size - SUM_BYTES, 0))
    return file.read(len(SUM_PREFIX)) == SUM_PREFIX


def _manifest(path: Path, archive: ZipFile) -> Manifest:
    entries = archive.infolist()
    try:
        if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
            raise damaged(path, "its manifest is too long")
        document = json.loads(archive.read(MANIFEST))
        _check_format(path, document)
        manifest = Manifest.model_validate(document)
    except (*_BROKEN, KeyError, RecursionError, pydantic.ValidationError) as error:
        raise damaged(path, "its manifest cannot be read") from error
    sizes = {entry.filename: entry.file_size for entry in entries}
    told = {part.name: part.bytes for part in manifest.parts}
    plain = all(entry.compress_type in {ZIP_STORED, ZIP_DEFLATED} and not entry.flag_bits & 1 for entry in entries)
    known = {name: size for name, size in sizes.items() if name not in {MARK, MANIFEST}}
    if not plain or known != told or len(entries) != len(manifest.parts) + 2 or len(entries) > MAX_PARTS + 2:
        raise damaged(path, "it does not hold what its manifest says")
    return manifest


def _check_format(path: Path, document: Any) -> None:
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise newer(path, str(document.get("version", "?"))[:40])


def newer(path: Path, version: str) -> ValidationError:
    """The error for a backup that this version cannot read yet."""
    return ValidationError(
        f"The backup {path} was written by AI Agent Lab {version}, which is newer than this version ({__version__}); "
        "install that version, then restore."
    )
