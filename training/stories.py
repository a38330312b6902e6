"""Small arithmetic word problems with their answers, and the split that keeps some out of training."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from training import phrases
from training.columns import LARGEST, result

Split = Literal["train", "dev", "held_out"]
PLAIN_SHARE = 0.3
SMALL_NUMBER_SHARE = 0.12
LARGE_NUMBER_SHARE = 0.1
LARGEST_TOLD = LARGEST // 2
USUAL_PRODUCT = 500


@dataclass(frozen=True, slots=True)
class Story:
    """A question, and the operations that answer it, worked from left to right."""

    question: str
    start: int
    steps: tuple[tuple[str, int], ...]

    @property
    def sums(self) -> list[tuple[int, str, int, int]]:
        """Each step as (a, operation, b, value)."""
        value, sums = self.start, []
        for op, operand in self.steps:
            sums.append((value, op, operand, result(value, op, operand)))
            value = sums[-1][3]
        return sums

    @property
    def lines(self) -> list[str]:
        """Each step as `47+38=85`."""
        return [f"{a}{op}{b}={c}" for a, op, b, c in self.sums]

    @property
    def answer(self) -> int:
        return self.sums[-1][3]

    @property
    def split(self) -> Split:
        return split_of(self.start, self.steps)


def split_of(start: int, steps: tuple[tuple[str, int], ...]) -> Split:
    """Decides by a hash of the numbers and operations alone: 3 % are held out, 3 % serve development."""
    key = f"{start}" + "".join(f"{op}{operand}" for op, operand in steps)
    bucket = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100
    if bucket < 3:
        return "held_out"
    return "dev" if bucket < 6 else "train"


def normalised(question: str) -> str:
    """The question with case, spacing and punctuation taken out, for comparing."""
    return " ".join(re.findall(r"[a-z]+|\d|[+*-]", question.lower()))


def stories(seed: int, split: Split, *, operations: tuple[int, ...] = (2, 3, 4)) -> Iterator[Story]:
    """An endless stream of one split's problems; the same seed gives the same stream."""
    rng = random.Random(f"{split}-{seed}")
    while True:
        story = draw(rng, rng.choice(operations))
        if story.split == split:
            yield story


def plain_sums(seed: int, split: Split) -> Iterator[Story]:
    """An endless stream of questions with a single operation."""
    rng = random.Random(f"plain-{split}-{seed}")
    while True:
        start, steps = _numbers(rng, 1)
        story = Story(_plain_question(rng, start, steps), start, steps)
        if story.split == split:
            yield story


def draw(rng: random.Random, operations: int) -> Story:
    """One problem, of any split."""
    start, steps = _numbers(rng, operations)
    left_to_right = all(op != "*" for op, _ in steps[1:])
    if left_to_right and rng.random() < PLAIN_SHARE:
        return Story(_plain_question(rng, start, steps), start, steps)
    return Story(_told(rng, start, steps), start, steps)


def _numbers(rng: random.Random, operations: int) -> tuple[int, tuple[tuple[str, int], ...]]:
    value, steps = _size(rng, 120), []
    start = value
    for _ in range(operations):
        op, operand = _step(rng, value)
        steps.append((op, operand))
        value = result(value, op, operand)
    return start, tuple(steps)


def _size(rng: random.Random, usual: int) -> int:
    """Mostly a number from 12 to `usual`; at times a small one, at times a large one."""
    kind = rng.random()
    if kind < SMALL_NUMBER_SHARE:
        return rng.randint(2, 11)
    return rng.randint(12, LARGEST_TOLD if kind > 1 - LARGE_NUMBER_SHARE else usual)


def _step(rng: random.Random, value: int) -> tuple[str, int]:
    """An operation that keeps the value between 1 and 999."""
    operand, factor = _size(rng, 99), rng.randint(2, 9)
    choices = ["*"] if value * factor <= USUAL_PRODUCT else []
    if value + operand <= LARGEST:
        choices.append("+")
    if value > operand:
        choices.append("-")
    if not choices:
        return "-", value // 2
    op = rng.choice(choices)
    return op, factor if op == "*" else operand


def _told(rng: random.Random, start: int, steps: tuple[tuple[str, int], ...]) -> str:
    scene = rng.choice(phrases.SCENES)
    words = {
        "who": rng.choice(phrases.NAMES),
        "friend": rng.choice(phrases.NAMES),
        "things": rng.choice(phrases.THINGS),
    }
    words["place"] = rng.choice(phrases.PLACES)
    rest = list(steps)
    if rest[0][0] == "*" and rng.random() < 0.5:
        sentences = [rng.choice(scene.packed).format(n=start, k=rest.pop(0)[1], **words)]
    else:
        sentences = [rng.choice(scene.opening).format(n=start, **words)]
    told = {"+": scene.more, "-": scene.fewer, "*": scene.times}
    for op, operand in rest:
        sentences.append(rng.choice(told[op]).format(n=operand, k=operand, **words))
    sentences.append(rng.choice(scene.question).format(**words))
    return " ".join(sentences)


def _plain_question(rng: random.Random, start: int, steps: tuple[tuple[str, int], ...]) -> str:
    signs = rng.choice(phrases.SIGNS)
    gap = "" if signs["+"] == "+" and rng.random() < 0.3 else " "
    text = f"{start}" + "".join(f"{gap}{signs[op]}{gap}{operand}" for op, operand in steps)
    return rng.choice(phrases.PLAIN_QUESTIONS).format(sum=text)
