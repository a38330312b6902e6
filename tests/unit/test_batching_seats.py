"""Rows of the cache: whoever joins, leaves or shares, each row holds just the tokens of its own answer."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent_lab.providers.local.batching.engine import read_together
from agent_lab.providers.local.batching.seats import SHORTEST_SHARED, Seat, Seats, common_beginning

ROWS = 4


@dataclass
class PaperMemory:
    """Rows of tokens in place of keys and values; a place that was never written holds None."""

    rows: list[list[object]] = field(default_factory=lambda: [[None] * 64 for _ in range(ROWS)])
    copied: int = 0
    can_share: bool = True

    def copy(self, source: int, target: int, places: int) -> None:
        self.rows[target][:places] = self.rows[source][:places]
        self.copied += places

    def clear(self, row: int, places: int) -> None:
        self.rows[row][:places] = [None] * places

    def swap(self, one: int, other: int, places: int) -> None:
        first = self.rows[one][:places]
        self.rows[one][:places] = self.rows[other][:places]
        self.rows[other][:places] = first


@dataclass(eq=False)
class Sitter:
    prompt: list[int]
    family: str | None
    written: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> list[tuple[str | None, int]]:
        return [(self.family, token) for token in (*self.prompt, *self.written)]


def prompt_of(length: int, kind: int) -> list[int]:
    """Prompts that begin alike: the last quarter is of its own kind."""
    return [*range(length - length // 4), *[100 + kind] * (length // 4)]


class SeatsMachine(RuleBasedStateMachine):
    """Answers join, read in portions, write and leave in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = PaperMemory()
        self.seats: Seats[Sitter] = Seats(ROWS, self.memory)

    def seated(self) -> list[Seat[Sitter]]:
        return self.seats.rows[: self.seats.taken]

    @precondition(lambda self: not self.seats.is_full)
    @rule(length=st.integers(1, 48), kind=st.integers(0, 2), family=st.sampled_from([None, "a"]))
    def sit(self, length: int, kind: int, family: str | None) -> None:
        sitter = Sitter(prompt_of(length, kind), family)
        seat = self.seats.sit(sitter, np.asarray(sitter.prompt, dtype=np.int32), family)
        assert seat.filled < length, "the last token of a prompt is always read"
        assert seat.reused == seat.filled

    @rule(portion=st.integers(1, 20))
    def read(self, portion: int) -> None:
        self.seats.settle()
        chosen = read_together([seat for seat in self.seats.readers() if seat.waits_for is None], portion)  # type: ignore[arg-type]
        if not chosen:
            return
        first = self.seats.bring_forward(chosen)  # type: ignore[arg-type]
        for number, seat in enumerate(chosen):
            assert self.seats.rows[first + number] is seat
            part = min(portion, len(seat.ids) - seat.filled)
            self.compute(seat, part)  # type: ignore[arg-type]
        for seat in chosen:
            if seat.filled == len(seat.ids):
                self.seats.begin_writing(seat)  # type: ignore[arg-type]
                seat.sitter.written.append(7)  # type: ignore[union-attr]

    @rule()
    def write(self) -> None:
        for seat in list(self.seats.writers()):
            if seat.filled < 60:
                self.compute(seat, 1)
                seat.sitter.written.append(8)  # type: ignore[union-attr]

    @precondition(lambda self: self.seats.taken)
    @rule(which=st.integers(0, ROWS - 1))
    def leave(self, which: int) -> None:
        seat = self.seated()[which % self.seats.taken]
        self.seats.leave(seat, seat.sitter.written)  # type: ignore[union-attr]

    @precondition(lambda self: self.seats.taken)
    @rule(which=st.integers(0, ROWS - 1))
    def spoil_and_leave(self, which: int) -> None:
        seat = self.seated()[which % self.seats.taken]
        self.seats.spoil(seat)
        self.seats.leave(seat, seat.sitter.written)  # type: ignore[union-attr]

    def compute(self, seat: Seat[Sitter], count: int) -> None:
        """What a forward pass does: write keys for the next tokens, having looked at all that come before them."""
        row = self.seats.rows.index(seat)
        assert seat.sitter is not None
        due = seat.sitter.tokens
        assert self.memory.rows[row][: seat.filled] == due[: seat.filled]
        self.memory.rows[row][seat.filled : seat.filled + count] = due[seat.filled : seat.filled + count]
        self.seats.fill(seat, count)

    @invariant()
    def every_row_holds_its_own_tokens(self) -> None:
        for row, seat in enumerate(self.seats.rows):
            held = self.memory.rows[row][: seat.filled]
            if seat.sitter is not None:
                assert held == seat.sitter.tokens[: seat.filled]
            else:
                assert held == [(seat.family, int(token)) for token in seat.ids[: seat.filled]]
            assert self.seats.deepest[row] >= seat.filled

    @invariant()
    def rows_are_in_order(self) -> None:
        assert 0 <= self.seats.writing <= self.seats.taken <= ROWS
        assert all(seat.sitter is not None for seat in self.seated())
        assert all(seat.sitter is None for seat in self.seats.rows[self.seats.taken :])
        assert all(seat.filled >= len(seat.ids) for seat in self.seats.writers())

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        for seat in self.seats.readers():
            if seat.waits_for is not None:
                assert seat.waits_for.sitter is not None
                assert seat.shared <= len(seat.waits_for.ids)


SeatsMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestRowsOfTheCache = SeatsMachine.TestCase


def sit(seats: Seats[Sitter], prompt: list[int]) -> Seat[Sitter]:
    return seats.sit(Sitter(prompt, None), np.asarray(prompt, dtype=np.int32), None)


def test_a_beginning_that_is_just_being_read_is_waited_for_and_not_read_twice() -> None:
    memory = PaperMemory()
    seats: Seats[Sitter] = Seats(ROWS, memory)
    first, second = sit(seats, [*range(40), 1]), sit(seats, [*range(40), 2])
    assert second.waits_for is first
    seats.fill(first, 30)
    seats.settle()
    assert second.waits_for is first
    seats.fill(first, 11)
    seats.settle()
    assert (second.waits_for, second.filled, second.reused, memory.copied) == (None, 40, 40, 40)


def test_what_an_answer_has_left_is_found_by_the_next_turn_of_its_conversation() -> None:
    seats: Seats[Sitter] = Seats(ROWS, PaperMemory())
    first = sit(seats, list(range(20)))
    seats.fill(first, 20)
    seats.begin_writing(first)
    seats.fill(first, 5)
    seats.leave(first, [50, 51, 52, 53, 54, 55])
    again = sit(seats, [*range(20), 50, 51, 52, 53, 54, 99, 98])
    assert again.filled == 25


def test_a_short_common_beginning_is_read_again() -> None:
    seats: Seats[Sitter] = Seats(ROWS, PaperMemory())
    short = list(range(SHORTEST_SHARED - 1))
    first = sit(seats, [*short, 91])
    seats.fill(first, SHORTEST_SHARED)
    assert sit(seats, [*short, 92, 93]).filled == 0


def test_the_row_that_was_left_longest_ago_is_given_up_first() -> None:
    seats: Seats[Sitter] = Seats(2, PaperMemory())
    for start in (0, 100):
        seat = sit(seats, list(range(start, start + 20)))
        seats.fill(seat, 20)
        seats.leave(seat)
    sit(seats, list(range(200, 220)))
    assert sit(seats, list(range(100, 125))).filled == 20


def test_prompts_of_like_length_are_read_together_and_a_long_one_alone() -> None:
    def seat(length: int) -> Seat[Sitter]:
        return Seat(ids=np.zeros(length, dtype=np.int32))

    short = [seat(30), seat(28), seat(25)]
    assert read_together([*short, seat(900)], 1024) == short  # type: ignore[arg-type,list-item]
    assert len(read_together([seat(2000), seat(2000)], 1024)) == 1  # type: ignore[list-item]
    assert len(read_together([seat(300)] * 8, 1024)) == 3  # type: ignore[list-item]


def test_a_common_beginning_is_counted_to_the_token() -> None:
    one = np.asarray([1, 2, 3, 4], dtype=np.int32)
    for other, length in (([1, 2, 9], 2), ([1, 2, 3, 4], 4), ([], 0), ([7], 0), ([1, 2, 3, 4, 5], 4)):
        assert common_beginning(one, np.asarray(other, dtype=np.int32)) == length
