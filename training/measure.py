"""Measures the exported model on the held-out problems: each arm's accuracy, with the tokens that it spends."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from agent_lab.demo.problems import WEIGHTS, Problem, extract_answer, held_out
from training.card import write_card
from training.columns import result
from training.dialogues import flagged
from training.intervals import Interval, mean_difference, mean_interval, wilson
from training.sample import Message, Reply, Speaker

RESULTS = Path(__file__).with_name("results.json")
SEED, TEMPERATURE, SAMPLES = 11, 0.7, 9
_CHECKED_LINE = re.compile(r"^Line \d+, (\d+)([+*-])(\d+): .*, so (\d+), draft", re.MULTILINE)
log = logging.getLogger("training")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering: for each problem, the share of right answers and the tokens spent."""

    name: str
    right: list[float]
    new_tokens: float
    all_tokens: float

    def spends_as_much_as(self, other: Arm) -> bool:
        return self.new_tokens >= other.new_tokens and self.all_tokens >= other.all_tokens

    def row(self) -> dict[str, Any]:
        return {
            "arm": self.name,
            "accuracy": round(sum(self.right) / len(self.right), 4),
            "interval": mean_interval(self.right),
            "generated_tokens": round(self.new_tokens, 1),
            "generated_and_read_tokens": round(self.all_tokens, 1),
        }


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was said about the problems, in their order; `drafts` holds one list a sampling round."""

    greedy: list[Reply]
    drafts: list[list[Reply]]
    critiques: list[Reply]
    refined: list[Reply]
    by_columns: list[Reply]


def rehearse(speaker: Speaker, problems: list[Problem], samples: int) -> Transcript:
    """Has the model say everything that the arms need; the first sampled drafts are the ones challenged."""
    chats: list[list[Message]] = [[{"role": "user", "content": problem.input}] for problem in problems]
    drafts = [speaker.say(chats, "creator", TEMPERATURE) for _ in range(samples)]
    drafted = _with(chats, "creator", drafts[0])
    critiques = speaker.say(drafted, "challenger")
    return Transcript(
        greedy=speaker.say(chats, "creator"),
        drafts=drafts,
        critiques=critiques,
        refined=speaker.say(_with(drafted, "challenger", critiques), "refiner"),
        by_columns=speaker.say(chats, "refiner"),
    )


def arms(said: Transcript, problems: list[Problem]) -> list[Arm]:
    """Every arm, scored by the one extractor."""
    each_draft = [_right(replies, problems) for replies in said.drafts]
    kept = [
        d if not flagged(c.text) else r for d, c, r in zip(said.drafts[0], said.critiques, said.refined, strict=True)
    ]
    objected = [r for c, r in zip(said.critiques, said.refined, strict=True) if flagged(c.text)]
    best = [max(marks) for marks in zip(*each_draft[:5], strict=True)]
    challenge = [said.drafts[0], said.critiques, said.refined]
    return [
        _arm("single answer, greedy", _right(said.greedy, problems), [said.greedy]),
        Arm(
            "single answer",
            [sum(m) / len(m) for m in zip(*each_draft, strict=True)],
            *_spent(said.drafts, len(said.drafts)),
        ),
        *(_arm(f"vote of {k}", voted(said.drafts[:k], problems), said.drafts[:k]) for k in (3, 5, 7, 9)),
        _arm("any of 5 right (no way to know which)", best, said.drafts[:5]),
        _arm("challenge", _right(said.refined, problems), challenge),
        Arm("challenge, refiner only on objection", _right(kept, problems), *_spent_in_part(challenge[:2], objected)),
        _arm("single answer by columns, greedy", _right(said.by_columns, problems), [said.by_columns]),
    ]


def voted(rounds: list[list[Reply]], problems: list[Problem]) -> list[float]:
    """The commonest answer of each problem; a tie goes to the answer given first."""
    marks = []
    for replies, problem in zip(zip(*rounds, strict=True), problems, strict=True):
        answers = [answer for reply in replies if (answer := extract_answer(reply.text)) is not None]
        winner = Counter(answers).most_common(1)[0][0] if answers else None
        marks.append(float(winner == problem.target))
    return marks


def checker(said: Transcript, problems: list[Problem]) -> dict[str, Any]:
    """How well the challenger tells wrong drafts from right ones, and how well it works out a line."""
    alarms: dict[bool, list[bool]] = {True: [], False: []}
    for draft, critique, problem in zip(said.drafts[0], said.critiques, problems, strict=True):
        alarms[extract_answer(draft.text) == problem.target].append(flagged(critique.text))
    lines = [found for critique in said.critiques for found in _CHECKED_LINE.findall(critique.text)]
    exact = [result(int(a), op, int(b)) == int(c) for a, op, b, c in lines]
    set_up = [_same_sums(reply.text, problem) for reply, problem in zip(said.by_columns, problems, strict=True)]
    return {
        "wrong_drafts_flagged": _rate(alarms[False]),
        "right_drafts_flagged": _rate(alarms[True]),
        "lines_worked_out_right": _rate(exact),
        "sums_set_up_right": _rate(set_up),
    }


def _same_sums(text: str, problem: Problem) -> bool:
    """Whether operations and operands are the right ones, whatever the values."""
    said = re.findall(r"^\d+([+*-]\d+)[:=]", text, re.MULTILINE)
    return said == [step.lstrip("0123456789").partition("=")[0] for step in problem.steps]


def measure(folder: Path, problems: list[Problem], samples: int = SAMPLES) -> dict[str, Any]:
    """The figures of the model in `folder`."""
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    said = rehearse(Speaker(model, AutoTokenizer.from_pretrained(folder)), problems, samples)
    tried = arms(said, problems)
    by_name = {arm.name: arm for arm in tried}
    challenge = by_name["challenge"]
    rivals = [by_name[f"vote of {k}"] for k in (3, 5, 7, 9)]
    equal = next((arm for arm in rivals if arm.spends_as_much_as(challenge)), rivals[-1])
    shown = next((place for place, reply in enumerate(said.critiques) if flagged(reply.text)), 0)
    low, high = mean_difference(challenge.right, equal.right)
    return {
        "problems": len(problems),
        "seed": SEED,
        "temperature": TEMPERATURE,
        "arms": [arm.row() for arm in tried],
        "checker": checker(said, problems),
        "challenge_minus_vote_of_equal_tokens": {"vote": equal.name, "interval": [low, high]},
        "sample": {
            "question": problems[shown].input,
            "creator": said.drafts[0][shown].text,
            "challenger": said.critiques[shown].text,
            "refiner": said.refined[shown].text,
        },
    }


def _with(chats: list[list[Message]], role: str, replies: list[Reply]) -> list[list[Message]]:
    return [[*chat, {"role": role, "content": reply.text}] for chat, reply in zip(chats, replies, strict=True)]


def _right(replies: list[Reply], problems: list[Problem]) -> list[float]:
    return [float(extract_answer(r.text) == p.target) for r, p in zip(replies, problems, strict=True)]


def _arm(name: str, right: list[float], rounds: list[list[Reply]]) -> Arm:
    return Arm(name, right, *_spent(rounds))


def _spent(rounds: list[list[Reply]], share_of: int = 1) -> tuple[float, float]:
    """Mean tokens a problem: generated, and generated plus read."""
    new = sum(reply.new_tokens for replies in rounds for reply in replies)
    read = sum(reply.prompt_tokens for replies in rounds for reply in replies)
    problems = len(rounds[0]) * share_of
    return new / problems, (new + read) / problems


def _spent_in_part(rounds: list[list[Reply]], more: list[Reply]) -> tuple[float, float]:
    new, both = _spent(rounds)
    extra = sum(reply.new_tokens for reply in more)
    return new + extra / len(rounds[0]), both + (extra + sum(reply.prompt_tokens for reply in more)) / len(rounds[0])


def _rate(marks: list[bool]) -> dict[str, float | int | Interval]:
    return {
        "n": len(marks),
        "rate": round(sum(marks) / max(1, len(marks)), 4),
        "interval": wilson(sum(marks), len(marks)),
    }


def main() -> None:
    """Measures the weights of the package; writes `results.json` and the card."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    transformers_logging.disable_progress_bar()
    figures = measure(WEIGHTS, held_out())
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_card(figures)
    log.info("%s", json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
