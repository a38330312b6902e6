"""Which answer sits on which row of the cache: those that write, those that read their prompt, and what others left.

Rows are kept in that order, so that each forward pass is about neighbours and nothing is gathered:

    0 ... writing ... taken ... rows
    [writing ][reading ][left by answers that have ended: their tokens may be the beginning of the next prompt]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

SHORTEST_SHARED = 8
"""A common beginning of fewer tokens is read again: to copy it would cost as much."""

Ids = NDArray[np.int32]
Sitter = TypeVar("Sitter")


class Memory(Protocol):
    """What can be done with rows."""

    @property
    def can_share(self) -> bool:
        """Whether the beginning of a row can be copied into another one."""
        ...

    def copy(self, source: int, target: int, places: int) -> None: ...

    def swap(self, one: int, other: int, places: int) -> None: ...

    def clear(self, row: int, places: int) -> None: ...


@dataclass(slots=True, eq=False)
class Seat(Generic[Sitter]):
    """A row: the tokens that it holds or will hold, how many of them are computed, and whose it is."""

    ids: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """The prompt, whole from the start on; after its answer has left, all that is in memory."""
    filled: int = 0
    """Tokens of the prompt and of what was written whose keys and values are in memory."""
    family: str | None = None
    """Only rows of the same family (the same adapter) have the same keys for the same tokens."""
    sitter: Sitter | None = None
    waits_for: Seat[Sitter] | None = None
    """The row that is just computing the same beginning, and up to where it is shared."""
    shared: int = 0
    reused: int = 0
    """Tokens of the prompt that were found in memory and not read."""
    last_used: int = 0


def common_beginning(one: Ids, other: Ids) -> int:
    """How many tokens two prompts begin with alike."""
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    first = int(differs.argmax()) if length else 0
    return first if length and differs[first] else length


class Seats(Generic[Sitter]):
    """Keeps the order of rows and the memory behind them in step. For one thread alone, the engine's."""

    def __init__(self, rows: int, memory: Memory) -> None:
        self._memory = memory
        self.rows: list[Seat[Sitter]] = [Seat() for _ in range(rows)]
        self.writing = 0
        """Rows before this one write."""
        self.taken = 0
        """Rows before this one have a sitter."""
        self.deepest = [0] * rows
        """Places that were ever filled of each row: on a CPU only these have taken memory."""
        self._turn = 0

    def anew(self) -> Seats[Sitter]:
        """The same rows with nobody on them and nothing in them to be shared."""
        empty: Seats[Sitter] = Seats(len(self.rows), self._memory)
        empty.deepest = self.deepest
        return empty

    @property
    def is_full(self) -> bool:
        """True where nobody can sit down."""
        return self.taken == len(self.rows)

    def writers(self) -> Sequence[Seat[Sitter]]:
        """Those that write, in the order of their rows."""
        return self.rows[: self.writing]

    def readers(self) -> Sequence[Seat[Sitter]]:
        """Those that read their prompt, in the order of their rows."""
        return self.rows[self.writing : self.taken]

    def sit(self, sitter: Sitter, ids: Ids, family: str | None) -> Seat[Sitter]:
        """Give a row to an answer, with as much of its prompt as other rows know already."""
        source, shared = self._best_source(ids, family)
        row = self._free_row(source)
        seat = self.rows[row]
        seat.reused = 0
        if seat is source:
            seat.filled = seat.reused = min(shared, seat.filled)
        else:
            seat.filled = 0
            if source is not None:
                self._share(seat, source, shared)
        seat.ids, seat.family, seat.sitter = ids, family, sitter
        self._touch(seat)
        self.taken += 1
        return seat

    def settle(self) -> None:
        """Take over what rows waited for, where it is computed by now."""
        for seat in self.readers():
            source = seat.waits_for
            if source is not None and source.filled >= seat.shared:
                self._take_over(seat, source, seat.shared)

    def bring_forward(self, seats: Sequence[Seat[Sitter]]) -> int:
        """Make these readers neighbours; returns the row of the first."""
        for number, seat in enumerate(seats):
            self._exchange(self.rows.index(seat), self.writing + number)
        return self.writing

    def fill(self, seat: Seat[Sitter], count: int) -> None:
        """So many tokens more of that row are in memory."""
        seat.filled += count
        row = self.rows.index(seat)
        self.deepest[row] = max(self.deepest[row], seat.filled)

    def begin_writing(self, seat: Seat[Sitter]) -> None:
        """The prompt is read; from here on a token a step."""
        self._exchange(self.rows.index(seat), self.writing)
        self.writing += 1

    def leave(self, seat: Seat[Sitter], written: Sequence[int] = ()) -> None:
        """Free the row; what it holds, prompt and answer, stays for those whose prompt begins alike."""
        for other in self.readers():
            if other.waits_for is seat:
                self._take_over(other, seat, min(other.shared, seat.filled))
        row = self.rows.index(seat)
        if row < self.writing:
            self._exchange(row, self.writing - 1)
            self.writing -= 1
            row = self.writing
        self._exchange(row, self.taken - 1)
        self.taken -= 1
        seat.ids = np.concatenate([seat.ids, np.asarray(written, dtype=np.int32)])[: seat.filled]
        seat.sitter = seat.waits_for = None
        self._touch(seat)

    def spoil(self, seat: Seat[Sitter]) -> None:
        """What the row holds is not to be used again: its numbers have become none."""
        row = self.rows.index(seat)
        self._memory.clear(row, self.deepest[row])
        seat.ids, seat.filled = seat.ids[:0], 0

    def _best_source(self, ids: Ids, family: str | None) -> tuple[Seat[Sitter] | None, int]:
        """The row that begins most like the prompt. The prompt's last token is always read: its scores are wanted."""
        if not self._memory.can_share:
            return None, 0
        best, longest = None, SHORTEST_SHARED - 1
        for seat in self.rows:
            if seat.family != family:
                continue
            shared = min(common_beginning(seat.ids, ids), len(ids) - 1)
            if shared > longest or (shared == longest and best and best.filled < seat.filled):
                best, longest = seat, shared
        return (best, longest) if best is not None else (None, 0)

    def _free_row(self, source: Seat[Sitter] | None) -> int:
        """The row at `taken`, after the one used longest ago among the free ones has been brought there."""
        free = self.rows[self.taken :]
        spared = [seat for seat in free if seat is not source]
        oldest = min(spared or free, key=lambda seat: seat.last_used)
        self._exchange(self.rows.index(oldest), self.taken)
        return self.taken

    def _share(self, seat: Seat[Sitter], source: Seat[Sitter], shared: int) -> None:
        if source.filled >= shared:
            self._take_over(seat, source, shared)
        else:
            seat.waits_for, seat.shared = source, shared

    def _take_over(self, seat: Seat[Sitter], source: Seat[Sitter], places: int) -> None:
        seat.waits_for = None
        if places > seat.filled:
            row = self.rows.index(seat)
            self._memory.copy(self.rows.index(source), row, places)
            seat.filled = seat.reused = places
            self.deepest[row] = max(self.deepest[row], places)
        self._touch(source)

    def _exchange(self, one: int, other: int) -> None:
        if one == other:
            return
        rows = self.rows
        places = max(rows[one].filled, rows[other].filled)
        self._memory.swap(one, other, places)
        rows[one], rows[other] = rows[other], rows[one]
        for row in (one, other):
            self.deepest[row] = max(self.deepest[row], places)

    def _touch(self, seat: Seat[Sitter]) -> None:
        self._turn += 1
        seat.last_used = self._turn
