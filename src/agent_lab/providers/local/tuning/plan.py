"""What a training is told and what it tells: its settings, its order of examples, its rate of learning, its figures."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

HELD_OUT = 0.1
WARM_UP = 0.05
"""Of the steps, those in which the rate of learning rises."""
Stage = Literal["load", "measure_before", "train", "measure_after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    """How an adapter is trained."""

    base: str
    name: str
    out: Path
    strategy: str | None = None
    """How the base is loaded; None: as its row says."""
    epochs: float = 3.0
    learning_rate: float = 1e-3
    rank: int = 16
    batch: int = 16
    max_steps: int | None = None
    seed: int = 0
    checkpoint_every: int = 50
    """Steps."""
    held_out_share: float = HELD_OUT
    """Of the questions: what is measured by and never learned from."""
    measured: int = 200
    """Of those held out, at most so many are answered."""
    resume: bool = False

    def steps(self, examples: int) -> int:
        """How many steps it takes with so many examples; at least one."""
        steps = max(1, math.ceil(self.epochs * examples / self.batch))
        return steps if self.max_steps is None else min(steps, self.max_steps)

    def settings(self) -> Mapping[str, Any]:
        """What the weights depend on, besides base and data."""
        left_out = {"base", "name", "out", "checkpoint_every", "measured", "resume"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningProgress:
    """How far a training is."""

    stage: Stage
    done: int = 0
    total: int = 0
    """Steps of `train`, answers of the measurements."""
    loss: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the examples that were held out show."""

    loss: float
    """Mean of -ln p of each token that the model should say."""
    exact: float
    """Share of greedy answers that are the expected text, spaces at both ends aside."""
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    """What came of a training."""

    name: str
    base: str
    folder: Path
    row_file: Path
    steps: int
    trained: int
    held_out: int
    skipped: int
    """Examples that are longer than the model reads."""
    before: Measured
    after: Measured
    train_s: float
    parameters: int
    notes: tuple[str, ...] = field(default=())


def batches(examples: int, size: int, seed: int, first: int, last: int) -> Iterator[tuple[int, ...]]:
    """The numbers of the examples of each step from `first` up to `last`, excluded.

    Every pass goes through all of them in an order of its own, which depends on the seed and the pass alone: step 70 is
    the same whether it was reached at once or after a pause.
    """
    of_pass, order = -1, list[int]()
    for step in range(first, last):
        chosen = []
        for at in range(step * size, (step + 1) * size):
            if at // examples != of_pass:
                of_pass, order = at // examples, list(range(examples))
                random.Random(f"{seed}/{of_pass}").shuffle(order)
            chosen.append(order[at % examples])
        yield tuple(chosen)


def rate(step: int, steps: int, highest: float) -> float:
    """The rate of learning of a step: up to the highest, then down a half cosine to a tenth of it."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return highest * (step + 1) / warm
    share = (step - warm) / max(1, steps - warm)
    return highest * (0.55 + 0.45 * math.cos(math.pi * share))
