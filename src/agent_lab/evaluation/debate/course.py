"""One answer's way from its first draft to its last word: who said what in which round, and whether it was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent_lab.contracts.evaluation import Cell, Statement

RIGHT = 1.0
"""The score of what is right; anything less counts as wrong where only right and wrong are told apart."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What an answer comes down to at one moment, and its score: 0 where there was none, None where nobody can say."""

    choice: str | None
    score: float | None

    @property
    def right(self) -> bool:
        """Whether it was right."""
        return self.score is not None and self.score >= RIGHT


NOTHING = Stand(None, 0.0)
"""Where nobody had said anything: what failed is wrong."""


class Course:
    """The statements of one cell, in their order."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.answer = Stand(cell.choice, cell.score)
        self.speakers: dict[str, list[Statement]] = {}
        for one in cell.statements:
            self.speakers.setdefault(one.speaker, []).append(one)

    @cached_property
    def draft(self) -> Statement | None:
        """The first draft; the answer itself, where it was the first thing said."""
        named = (one for one in self.cell.statements if one.part == "draft")
        first = next(iter(self.cell.statements), None)
        return next(named, first if first is not None and first.part == "answer" else None)

    @cached_property
    def first(self) -> tuple[Statement, ...]:
        """The first answers that were given without sight of each other."""
        voices = tuple(one for one in self.cell.statements if one.part in {"draft", "voice"})
        return voices or ((self.draft,) if self.draft is not None else ())

    @cached_property
    def debaters(self) -> frozenset[str]:
        """Those who gave a first answer, and may be asked for another one."""
        return frozenset(one.speaker for one in self.first)

    @cached_property
    def closing(self) -> frozenset[str]:
        """Speakers of the node whose word is the answer, where they are not among those who answered first."""
        nodes = {one.node for one in self.cell.statements if one.part == "answer"}
        return frozenset(one.speaker for one in self.cell.statements if one.node in nodes) - self.debaters

    def at(self, speaker: str, round_: int) -> Stand:
        """How a speaker stands in that round: who is not asked again stands by the last word."""
        said = self.speakers.get(speaker, [])[:round_]
        return stand(said[-1]) if said else NOTHING

    def round(self, round_: int) -> dict[str, Stand]:
        """What each debater said in that round; who was not asked is not in it."""
        return {
            name: stand(self.speakers[name][round_ - 1])
            for name in sorted(self.debaters)
            if len(self.speakers[name]) >= round_
        }

    @cached_property
    def rounds(self) -> int:
        """How often the debaters were asked at the most."""
        return max((len(self.speakers[name]) for name in self.debaters), default=0)

    def standing(self, round_: int, again: Collection[str]) -> list[Stand]:
        """What is stood by after that round. `again`: debaters who are asked more than once, on any item.

        After the first round it is the word of those and of whoever mends drafts; else the draft, which nobody mended.
        """
        if not self.first:
            return [NOTHING]
        if round_ == 1:
            return [self.at(name, 1) for name in sorted(self.debaters)]
        voices = [self.at(name, round_) for name in sorted(self.debaters.intersection(again))]
        menders = sorted(self.speakers.keys() - self.debaters - self.closing)
        return [*voices, *(self.at(name, round_ - 1) for name in menders)] or [stand(self.first[0])]

    def shown(self) -> Iterator[tuple[int, Statement]]:
        """Each statement with the round it belongs to: who mends a draft speaks from the second round on. The word of
        whoever closes the debate is the answer, and in no round."""
        for one in self.cell.statements:
            if one.speaker not in self.closing:
                yield one.round + (one.speaker not in self.debaters), one


def stand(one: Statement) -> Stand:
    """How somebody stands who says that."""
    return Stand(one.choice, one.score)


def vote_of(stands: Sequence[Stand]) -> Stand:
    """One vote each, the most votes win; of those that share the lead the one that was given first."""
    counts = Counter(one.choice for one in stands if one.choice is not None)
    if not counts:
        return NOTHING
    most = max(counts.values())
    return next(one for one in stands if one.choice is not None and counts[one.choice] == most)


def majority(stands: Mapping[str, Stand], without: str) -> Stand | None:
    """What more than half of the others say who say anything; None where there is no such thing."""
    others = [one for name, one in stands.items() if name != without and one.choice is not None]
    winner = vote_of(others)
    votes = sum(one.choice == winner.choice for one in others)
    return winner if len(others) > 1 and 2 * votes > len(others) else None
