"""The memory of conversations: one row of keys and values each, read and written in place by the model's own layers."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


@dataclass(slots=True)
class Window:
    """The rows that one forward pass reads and writes: neighbours, from `first` on.

    Row `first + i` gets `counts[i]` tokens more from place `starts[i]` on; all rows are read up to place `length`.
    """

    first: int
    starts: tuple[int, ...]
    counts: tuple[int, ...]
    length: int = 0
    """Places up to which any of the rows is filled after the pass."""
    is_step: bool = False
    """One token for each row."""
    _lines: dict[tuple[int, int, Any], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.length = max(start + count for start, count in zip(self.starts, self.counts, strict=True))
        self.is_step = max(self.counts) == 1

    @property
    def is_even(self) -> bool:
        """All rows begin and end at the same place: transformers' own mask is right for them."""
        return len(set(self.starts)) == 1 and len(set(self.counts)) == 1

    def lines(self, heads: int, places: int, device: Any) -> Any:
        """Of rows x heads x places lines of numbers, those that a step writes, as a tensor; the same for all layers."""
        found = self._lines.get((heads, places, device))
        if found is None:
            rows = torch.arange(self.first, self.first + len(self.starts), device=device)[:, None]
            begins = torch.tensor(self.starts, device=device)[:, None]
            found = ((rows * heads + torch.arange(heads, device=device)) * places + begins).flatten()
            self._lines[heads, places, device] = found
        return found


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers is not typed
    """One layer's keys and values: [rows, heads, places, head size], allocated at the first pass.

    Zeros at first, for rows of unlike lengths are read up to the longest: what is masked counts nothing, but nothing
    times what is no number is no number.
    """

    is_sliding = False

    def __init__(self, rows: int, places: int) -> None:
        super().__init__()
        self._rows, self._places = rows, places
        self.window = Window(0, (0,), (0,))

    def lazy_initialization(self, key_states: Any, value_states: Any) -> None:
        """Allocate, with the heads, head size, type and device of the first keys and values."""
        self.keys, self.values = (self._room(states) for states in (key_states, value_states))
        self.is_initialized = True

    def _room(self, states: Any) -> Any:
        _, heads, _, size = states.shape
        shape = (self._rows, heads, self._places, size)
        if states.device.type != "cpu":
            return torch.zeros(shape, dtype=states.dtype, device=states.device)
        # Zeros that take no memory before they are written, and give it back to the system at the end.
        return torch.frombuffer(mmap.mmap(-1, math.prod(shape) * states.itemsize), dtype=states.dtype).view(shape)

    def open(self, window: Window) -> None:
        """Say which rows the next pass is about."""
        self.window = window

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Write the new keys and values and return all that the rows may look at."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        window = self.window
        if window.is_step and len(window.starts) > 1:
            self._write_step(key_states, value_states)
        else:
            self._write_runs(key_states, value_states)
        rows = slice(window.first, window.first + len(window.starts))
        return self.keys[rows, :, : window.length], self.values[rows, :, : window.length]

    def _write_step(self, key_states: Any, value_states: Any) -> None:
        for kept, new in ((self.keys, key_states), (self.values, value_states)):
            _, heads, _, size = kept.shape
            lines = self.window.lines(heads, self._places, kept.device)
            kept.view(-1, size).index_copy_(0, lines, new.reshape(-1, size))

    def _write_runs(self, key_states: Any, value_states: Any) -> None:
        for number, (start, count) in enumerate(zip(self.window.starts, self.window.counts, strict=True)):
            row = self.window.first + number
            self.keys[row, :, start : start + count] = key_states[number, :, :count]
            self.values[row, :, start : start + count] = value_states[number, :, :count]

    def get_seq_length(self) -> int:
        """Places filled before the pass, in the one row that transformers itself makes a mask for."""
        return max(self.window.starts)

    def get_max_length(self) -> int:
        """Places in a row."""
        return self._places

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """(places that the pass reads, 0)."""
        return self.get_seq_length() + query_length, 0

    def copy(self, source: int, target: int, places: int) -> None:
        """Copy the first places of a row into another one."""
        if self.is_initialized:
            self.keys[target, :, :places] = self.keys[source, :, :places]
            self.values[target, :, :places] = self.values[source, :, :places]

    def swap(self, one: int, other: int, places: int) -> None:
        """Exchange the first places of two rows."""
        if not self.is_initialized:
            return
        for states in (self.keys, self.values):
            kept = states[one, :, :places].clone()
            states[one, :, :places] = states[other, :, :places]
            states[other, :, :places] = kept

    def clear(self, row: int, places: int) -> None:
        """Make the first places of a row zeros again."""
        if self.is_initialized:
            self.keys[row, :, :places] = 0
            self.values[row, :, :places] = 0


class SlotCache(Cache):  # type: ignore[misc]  # transformers is not typed
    """The rows of all layers, as a model of transformers takes them for its `past_key_values`."""

    def __init__(self, layers: int, rows: int, places: int) -> None:
        super().__init__(layers=[SlotLayer(rows, places) for _ in range(layers)])

    @property
    def can_share(self) -> bool:
        """The beginning of a row can be copied into another one."""
        return True

    def open(self, window: Window) -> None:
        """Say which rows the next pass is about."""
        for layer in self.layers:
            layer.open(window)

    def copy(self, source: int, target: int, places: int) -> None:
        """Copy the first places of a row into another one."""
        for layer in self.layers:
            layer.copy(source, target, places)

    def swap(self, one: int, other: int, places: int) -> None:
        """Exchange the first places of two rows."""
        for layer in self.layers:
            layer.swap(one, other, places)

    def clear(self, row: int, places: int) -> None:
        """Make the first places of a row zeros again."""
        for layer in self.layers:
            layer.clear(row, places)


def causal_mask(window: Window, *, sliding: int | None, dtype: Any, device: Any) -> Any:
    """What each new token may look at: [rows, 1, new tokens, places], 0 where it may and the least number elsewhere."""
    places = torch.arange(window.length, device=device)
    begins = torch.tensor(window.starts, device=device)[:, None]
    asked = begins + torch.arange(max(window.counts), device=device)[None, :]
    seen = places[None, None, :] <= asked[:, :, None]
    if sliding is not None:
        seen &= places[None, None, :] > asked[:, :, None] - sliding
    mask = torch.zeros(seen.shape, dtype=dtype, device=device)
    return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None]
