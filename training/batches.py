"""Mixes dialogues of every role and turns them into padded batches with a mask for the loss."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from training.dialogues import Turn, critique, refined, solved, solved_by_columns, with_slips
from training.stories import Story, plain_sums, stories
from training.tokenizer import END

POOL = 384
Dialogue = tuple[Turn, ...]
Encoded = tuple[list[int], list[bool]]


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of the dialogues by kind; what is left over are whole challenges, terse or with digits compared."""

    answers: float = 0.45
    by_columns: float = 0.18
    right_drafts: float = 0.4
    own_drafts: float = 0.6
    plain: float = 0.3
    terse: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that the model itself wrote for a training problem."""

    story: Story
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids, and which of them the model is to learn to say."""

    ids: Tensor
    learn: Tensor


def dialogues(seed: int, mixture: Mixture, drafts: list[Draft]) -> Iterator[Dialogue]:
    """An endless mixture over training problems; `drafts` may be empty."""
    rng = random.Random(f"dialogues-{seed}")
    told, plain = stories(seed, "train"), plain_sums(seed, "train")
    while True:
        kind = rng.random()
        if kind > mixture.answers + mixture.by_columns and drafts and rng.random() < mixture.own_drafts:
            draft = rng.choice(drafts)
            yield challenge(draft.story, draft.text, terse=mixture.terse)
            continue
        story = next(plain if rng.random() < mixture.plain else told)
        question = Turn("user", story.question, learn=False)
        if kind < mixture.answers:
            yield question, Turn("creator", solved(story))
        elif kind < mixture.answers + mixture.by_columns:
            yield question, Turn("refiner", solved_by_columns(story))
        else:
            text = solved(story) if rng.random() < mixture.right_drafts else with_slips(story, rng)
            yield challenge(story, text, terse=mixture.terse)


def challenge(story: Story, draft: str, *, terse: bool) -> Dialogue:
    """Question, draft, check and repair; the draft is learned from only where it is right."""
    check = critique(story, draft, terse=terse)
    return (
        Turn("user", story.question, learn=False),
        Turn("creator", draft, learn=draft == solved(story)),
        Turn("challenger", check.text),
        Turn("refiner", refined(story, check.wrong_line)),
    )


def batches(source: Iterator[Dialogue], tokenizer: PreTrainedTokenizerFast, tokens: int, seed: int) -> Iterator[Batch]:
    """Batches of about `tokens` tokens, of dialogues of like length, shuffled within each pool."""
    rng = random.Random(f"batches-{seed}")
    while True:
        pool = sorted((encoded(next(source), tokenizer) for _ in range(POOL)), key=lambda pair: len(pair[0]))
        cut: list[Encoded] = []
        ready: list[Batch] = []
        for pair in pool:
            if cut and (len(cut) + 1) * len(pair[0]) > tokens:
                ready.append(padded(cut))
                cut = []
            cut.append(pair)
        ready.append(padded(cut))
        rng.shuffle(ready)
        yield from ready


def encoded(dialogue: Dialogue, tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """Token ids of a dialogue, and which of them to learn."""
    ids: list[int] = []
    learn: list[bool] = []
    for turn in dialogue:
        ids.append(tokenizer.convert_tokens_to_ids(f"<|{turn.role}|>"))
        learn.append(False)
        said = tokenizer(turn.text + END)["input_ids"]
        ids += said
        learn += [turn.learn] * len(said)
    return ids, learn


def padded(pairs: list[Encoded]) -> Batch:
    """Right-padded with zeros, the id of the padding token."""
    longest = max(len(ids) for ids, _ in pairs)
    ids = torch.zeros(len(pairs), longest, dtype=torch.long)
    learn = torch.zeros(len(pairs), longest, dtype=torch.bool)
    for row, (tokens, wanted) in enumerate(pairs):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        learn[row, : len(wanted)] = torch.tensor(wanted)
    return Batch(ids, learn)
