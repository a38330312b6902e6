"""Reads tensors out of safetensors files into memory of their own, and counts the bytes as they come.

Not by mapping the files: a file that is cut short while it is mapped ends the whole process, and what is mapped is
neither counted as taken nor read before the first answer waits for it.
"""

from __future__ import annotations

import math
import mmap
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent_lab.contracts.errors import ModelCorruptError, UnusableError
from agent_lab.providers.local.files.weights import Stored

CHUNK_BYTES = 4 << 20
PAGED_BYTES = 1 << 20
"""From this size on a tensor gets pages of its own, which go back to the system with it."""
TYPES: Mapping[str, str] = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
"""The types of safetensors as torch calls them."""
CONVERTED = frozenset({"F64", "F32", "F16", "BF16"})


class Reading:
    """The tensors of a model, each read when it is asked for, by any thread.

    `dtype`: torch's name of the type that whole numbers with a fraction are turned into as they are read; None leaves
    all as they are. `on_bytes` is called with the bytes read so far.
    """

    def __init__(
        self,
        tensors: Mapping[str, Stored],
        *,
        dtype: str | None = None,
        on_bytes: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.total_bytes = sum(stored.size_bytes for stored in tensors.values())
        self.tensors = {name: Unread(stored, dtype, self._count) for name, stored in tensors.items()}
        self._on_bytes = on_bytes
        self._done_bytes = 0
        self._lock = threading.Lock()

    def _count(self, more_bytes: int) -> None:
        with self._lock:
            self._done_bytes += more_bytes
            self._on_bytes(self._done_bytes)


class Unread:
    """A tensor that is still in its file. `unread[...]` reads it, as a slice of safetensors does."""

    def __init__(self, stored: Stored, dtype: str | None, count: Callable[[int], None]) -> None:
        self._stored = stored
        self._dtype = dtype if stored.dtype in CONVERTED else None
        self._count = count

    def get_dtype(self) -> str:
        """The type in the file, as safetensors calls it."""
        return self._stored.dtype

    def get_shape(self) -> list[int]:
        """The sides of the tensor."""
        return list(self._stored.shape)

    def __getitem__(self, which: Any) -> Any:
        """The tensor. Raises ModelCorruptError where its file is shorter than it was."""
        import torch

        own = _type_of(self._stored, torch)
        target = own if self._dtype is None else getattr(torch, self._dtype)
        flat = _room(math.prod(self._stored.shape), target, torch)
        if target is own:
            for _ in self._chunks(memoryview(flat.view(torch.uint8).numpy())):
                pass
        else:
            self._convert(flat, own, torch)
        return flat.view(self._stored.shape)[which]

    def _convert(self, flat: Any, own: Any, torch: Any) -> None:
        """Read by pieces that stay in the processor's cache until they are converted."""
        piece = bytearray(min(CHUNK_BYTES, self._stored.size_bytes))
        done = 0
        for count in self._chunks(memoryview(piece), again=True):
            numbers = torch.frombuffer(piece, dtype=own, count=count // own.itemsize) if count else flat[:0]
            flat[done : done + len(numbers)].copy_(numbers)
            done += len(numbers)

    def _chunks(self, into: memoryview, *, again: bool = False) -> Iterator[int]:
        """Read the tensor's bytes, chunk after chunk, into one memory or `again` into the same piece; yields bytes."""
        left, place = self._stored.size_bytes, 0
        with self._stored.path.open("rb", buffering=0) as file:
            file.seek(self._stored.begin)
            while left:
                count = min(left, CHUNK_BYTES)
                _read_all(file, into[place : place + count], self._stored)
                self._count(count)
                left -= count
                place += 0 if again else count
                yield count


def _read_all(file: Any, into: memoryview, stored: Stored) -> None:
    while into:
        count = file.readinto(into)
        if not count:
            raise ModelCorruptError(
                f"The model file {stored.path} is damaged (it became shorter while it was read); fetch it again."
            )
        into = into[count:]


def _type_of(stored: Stored, torch: Any) -> Any:
    found = getattr(torch, TYPES.get(stored.dtype, ""), None)
    if found is None:
        raise UnusableError(
            f"The model file {stored.path} holds numbers of the type {stored.dtype}, which this version of torch does "
            "not know; use another version of the model."
        )
    if math.prod(stored.shape) * found.itemsize != stored.size_bytes:
        raise ModelCorruptError(
            f"The model file {stored.path} is damaged (a tensor of {list(stored.shape)} cannot have "
            f"{stored.size_bytes} bytes); fetch it again."
        )
    return found


def _room(numbers: int, dtype: Any, torch: Any) -> Any:
    """Memory for that many numbers, in one row."""
    size_bytes = numbers * dtype.itemsize
    if size_bytes < PAGED_BYTES or sys.platform == "win32":
        return torch.empty(numbers, dtype=dtype)
    # Not from the heap: what lies between others there stays with the process when the model has gone. And no huge
    # pages: in a virtual machine their first touch was measured to take three to five times as long as the reading.
    pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype)
