"""Writes a file whole or not at all, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` at `path`; a reader, and a machine that loses power, has the old file or the new one.

    A process killed on the way may leave a hidden `.<name>.<random>.tmp` beside it. Raises OSError.
    """
    with writing_atomically(path, mode) as file:
        file.write(data)


@contextlib.contextmanager
def writing_atomically(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """The same for what comes in pieces: a file to write and read, which is at `path` once the block has ended well."""
    # In the same folder, because only a rename within one file system is atomic; short, because names have a limit.
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Without this the rename itself may be lost with the power, though the file's content is safe.
    if os.name == "nt":  # Windows opens no folders and orders renames by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
