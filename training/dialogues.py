"""What each role should say: the creator's lines, the challenger's check by columns, the refiner's repair."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.columns import result, worked
from training.stories import Story

ALL_RIGHT = "Verdict: all lines are right."


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; the training loss counts it only where `learn` is set."""

    role: str
    text: str
    learn: bool = True


@dataclass(frozen=True, slots=True)
class Critique:
    """The challenger's text; `wrong_line` counts from 0, and is the number of lines when only the answer is off."""

    text: str
    wrong_line: int | None


def solved(story: Story) -> str:
    """The creator's text when nothing goes wrong."""
    return _closed(story.lines, story.answer)


def solved_by_columns(story: Story) -> str:
    """The refiner's text when there is no critique to lean on."""
    return _closed([worked(a, op, b) for a, op, b, _ in story.sums], story.answer)


def critique(story: Story, draft: str, *, terse: bool = False) -> Critique:
    """Does each line again by columns and stops at the first that the draft has wrong.

    A terse one judges each line at a glance, where otherwise the digits are compared one by one.
    """
    values, answer = values_of(draft)
    said = []
    for index, (a, op, b, c) in enumerate(story.sums):
        value = values[index] if index < len(values) else "none"
        judged = f" {_judgement(value == str(c))}" if terse else compared(str(c), value)
        said.append(f"Line {index + 1}, {worked(a, op, b)}, draft {value}:{judged}.")
        if value != str(c):
            said.append(f"Verdict: line {index + 1} is wrong, it is {c}.")
            return Critique("\n".join(said), index)
    if answer != str(story.answer):
        said.append(f"Verdict: the answer is wrong, it is {story.answer}.")
        return Critique("\n".join(said), len(story.steps))
    return Critique("\n".join([*said, ALL_RIGHT]), None)


def compared(right: str, value: str) -> str:
    """Pairs of digits, units first, up to the first that differ: ` 2/2, 0/9 wrong`."""
    width = max(len(right), len(value)) if value.isdigit() else len(right)
    pairs = []
    for place in range(1, width + 1):
        mine = right[-place] if place <= len(right) else "-"
        theirs = value[-place] if value.isdigit() and place <= len(value) else "-"
        pairs.append(f"{mine}/{theirs}")
        if mine != theirs:
            break
    return f" {', '.join(pairs)} {_judgement(right == value)}"


def _judgement(right: bool) -> str:
    return "right" if right else "wrong"


def refined(story: Story, wrong_line: int | None) -> str:
    """Keeps what was not flagged, takes the corrected line, and does the later ones by columns."""
    if wrong_line is None:
        return solved(story)
    kept = story.lines[: wrong_line + 1]
    again = [worked(a, op, b) for a, op, b, _ in story.sums[wrong_line + 1 :]]
    return _closed([*kept, *again], story.answer)


def values_of(draft: str) -> tuple[list[str], str]:
    """The value that each line of a draft ends in, and its answer."""
    *lines, last = draft.strip().split("\n")
    return [line.rpartition("=")[2] for line in lines], last.removeprefix("Answer: ")


def flagged(critique_text: str) -> bool:
    """Whether a critique objects to the draft."""
    return ALL_RIGHT not in critique_text


def with_slips(story: Story, rng: random.Random) -> str:
    """A draft with at least one slip, as a hurried solver makes them; later lines follow from the slip."""
    where = rng.randrange(len(story.steps) + (rng.random() < 0.06))
    value, lines = story.start, []
    for index, (op, operand) in enumerate(story.steps):
        if index == where and rng.random() < 0.12:
            op, operand = _misread(rng, value, op, operand)
        elif index == where or (index > where and rng.random() < 0.15):
            lines.append(f"{value}{op}{operand}={slipped(rng, result(value, op, operand))}")
            value = int(lines[-1].rpartition("=")[2])
            continue
        wrong = max(0, result(value, op, operand))
        lines.append(f"{value}{op}{operand}={wrong}")
        value = wrong
    return _closed(lines, slipped(rng, value) if where == len(story.steps) else value)


def slipped(rng: random.Random, value: int) -> int:
    """Another number that looks like `value`: off by a little, or by one digit."""
    digits = str(abs(value))
    kind = rng.random()
    if kind < 0.55:
        near = value + rng.choice((-1, 1)) * rng.choice((1, 1, 2, 10, 10, 10, 100, 100, 20, 9, 11, 90))
    elif kind < 0.9:
        place = rng.randrange(len(digits))
        near = int(digits[:place] + str(rng.randrange(10)) + digits[place + 1 :])
    else:
        near = int(digits[::-1])
    return near if near != value and 0 <= near <= 1999 else value + rng.choice((1, 10))


def _misread(rng: random.Random, value: int, op: str, operand: int) -> tuple[str, int]:
    if op != "*" and rng.random() < 0.5:
        return ("-" if op == "+" else "+"), operand
    return op, slipped(rng, operand) if op != "*" else rng.randint(2, 9)


def _closed(lines: list[str], answer: int) -> str:
    return "\n".join([*lines, f"Answer: {answer}"])
