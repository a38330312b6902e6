"""Has the critic of a flow speak of something else: it says what it said to another item of the dataset."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from agent_lab.contracts.events import GenerationFinished
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, OnCut, Piece
from agent_lab.contracts.ports import Generator
from agent_lab.runs.record import outermost
from agent_lab.runs.step import asking


def circle(items: Iterable[str], seed: int) -> tuple[str, ...]:
    """The items in an order that only the seed decides."""
    return tuple(
        sorted(items, key=lambda one: hashlib.sha256(f"noise/{seed}/{one}".encode("utf-8", "surrogatepass")).digest())
    )


def others(around: Sequence[str], item: str) -> Iterator[str]:
    """The items of a circle whose critique may stand in for that of `item`, the next one first; never itself.

    The first choices of all items are a derangement: each critique is used once, so that noise costs what the
    critiques cost.
    """
    place = around.index(item)
    yield from around[place + 1 :]
    yield from around[:place]


def critiques(results: Sequence[GenerationFinished], critic: str) -> list[GenerationFinished]:
    """What the critic said in a run, turn by turn and sample by sample, in flows that it runs too."""
    said = [event for event in results if outermost(event.node) == critic]
    return sorted(said, key=lambda event: (event.visit, event.sample))


@dataclass(slots=True)
class NoisyGenerator:
    """Answers for the critic from another item's critique, call by call and the last one again and again; everybody
    else is asked as ever. It is charged what the critique cost."""

    inner: Generator
    critic: str
    said: Sequence[GenerationFinished]
    _by_path: dict[str, list[GenerationResult]] = field(init=False)
    _asked: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self._by_path = {}
        for event in self.said:
            self._by_path.setdefault(event.node, []).append(event.result)

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        """The other item's critique, or the answer."""
        path = asking.get()
        if outermost(path) != self.critic:
            return await self.inner.generate(request, sticky=sticky)
        there = self._by_path.get(path) or [self.said[-1].result]
        number = self._asked[path]
        self._asked[path] += 1
        return there[min(number, len(there) - 1)]

    async def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncIterator[Piece]:
        """The same as one piece."""
        yield await self.generate(request, sticky=sticky)

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        """As the generator inside."""
        return self.inner.worst_case_usd(request, sticky=sticky)
