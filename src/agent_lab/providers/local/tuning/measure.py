"""Measures a model by examples that it never learned from: how likely it finds the answers, and how many it gives."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.registry import Sampling
from agent_lab.providers.local.engine import Engine, Job, Outcome, Written
from agent_lab.providers.local.tuning.encoding import Encoded

SPARE_TOKENS = 16
"""An answer may be so much longer than the expected one before it is cut off."""
GREEDY = Sampling(temperature=0.0)


@dataclass(slots=True)
class _Inbox:
    """Reads an answer whole."""

    number: int
    ended: queue.SimpleQueue[tuple[int, Outcome]] = field(repr=False)

    def show(self, text: str) -> None:
        """Pieces are of no use here."""

    def end(self, outcome: Outcome) -> None:
        self.ended.put((self.number, outcome))


def exact_share(engine: Engine, examples: Sequence[Encoded], adapter: str | None, tell: Callable[[int], None]) -> float:
    """The share of examples that the model, asked as it is served, answers with exactly the expected text.

    Greedy, spaces at both ends aside. `tell` is given the answers that are in; what it raises ends the measuring.
    """
    ended: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
    cancels = [
        engine.submit(
            Job(
                prompt_ids=one.prompt_ids,
                max_tokens=len(one.completion_ids) + SPARE_TOKENS,
                sampling=GREEDY,
                adapter=adapter,
            ),
            _Inbox(number, ended),
        )
        for number, one in enumerate(examples)
    ]
    right = 0
    try:
        for done in range(1, len(examples) + 1):
            number, outcome = ended.get()
            if isinstance(outcome, AgentLabError):
                raise outcome
            if isinstance(outcome, Written):
                right += outcome.text.strip() == examples[number].completion.strip()
            tell(done)
    finally:
        for cancel in cancels:
            cancel()
    return right / len(examples)
