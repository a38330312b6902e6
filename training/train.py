"""Trains the built-in model from nothing: `python -m training.train` writes its weights, data and figures."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch
from torch import Tensor
from torch.multiprocessing import spawn
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
from transformers.utils import logging as transformers_logging

from training import measure
from training.batches import Draft, Mixture, batches, dialogues
from training.dialogues import values_of
from training.export import write_domain, write_held_out, write_model
from training.fit import fit, tiny_llama
from training.optimiser import Optimiser
from training.sample import Speaker
from training.stories import stories
from training.team import Team
from training.tokenizer import train_tokenizer

PACKAGE = Path(__file__).parent.parent / "src" / "agent_lab" / "demo"
log = logging.getLogger("training")


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of training; the share of the full rate falls in a line over it, after a short warm-up."""

    steps: int
    first_rate: float
    last_rate: float
    own_drafts: int
    mixture: Mixture

    def rate(self, share: float) -> float:
        return min(1.0, share * 20) * (self.first_rate + (self.last_rate - self.first_rate) * share)


# Columns first, in shorter texts. Judging a line at a glance stays unlearned at this size: later phases compare digits.
COLUMNS = Mixture(terse=True)
CHALLENGES = Mixture(answers=0.55, by_columns=0.1, right_drafts=0.6)
PHASES = (
    Phase(1300, 1.0, 0.5, 0, COLUMNS),
    Phase(700, 0.7, 0.5, 3000, CHALLENGES),
    Phase(1200, 0.5, 0.0, 3000, CHALLENGES),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 20261121
    vocabulary: int = 640
    vocabulary_dialogues: int = 6_000
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    inner: int = 384
    context: int = 1024
    workers: int = 2
    batch_tokens: int = 2048
    temperature: float = 0.8
    phases: tuple[Phase, ...] = PHASES

    def untrained(self) -> LlamaForCausalLM:
        """The same model for every worker."""
        torch.manual_seed(self.seed)
        return tiny_llama(
            vocabulary=self.vocabulary,
            hidden=self.hidden,
            layers=self.layers,
            heads=self.heads,
            inner=self.inner,
            context=self.context,
        )


class Training:
    """One phase: the model as the phase before left it in `folder`, or untrained; a fresh optimiser either way."""

    def __init__(self, recipe: Recipe, number: int, folder: Path, team: Team | None = None) -> None:
        self.recipe, self.phase, self.team = recipe, recipe.phases[number], team
        self.seed = 1000 * recipe.seed + 100 * number + (team.rank if team else 0)
        if number == 0:
            self.tokenizer = train_tokenizer(_texts(recipe), recipe.vocabulary, recipe.context)
            self.model = recipe.untrained()
        else:
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
            self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def run(self) -> list[float]:
        """The loss of each step."""
        phase, seed = self.phase, self.seed
        source = dialogues(seed, phase.mixture, self.own_drafts() if phase.own_drafts else [])
        stream = batches(source, self.tokenizer, self.recipe.batch_tokens, seed)
        return fit(self.model, Optimiser(self.model), stream, phase.steps, phase.rate, self.team)

    def own_drafts(self) -> list[Draft]:
        """What the model itself answers to training problems, wherever it keeps to the form."""
        torch.manual_seed(self.seed)
        asked = list(islice(stories(self.seed + 50, "train", operations=(1, 2, 3, 4)), self.phase.own_drafts))
        chats = [[{"role": "user", "content": story.question}] for story in asked]
        replies = Speaker(self.model, self.tokenizer).say(chats, "creator", self.recipe.temperature)
        drafts = [Draft(story, reply.text) for story, reply in zip(asked, replies, strict=True)]
        kept = [draft for draft in drafts if _keeps_to_the_form(draft.text)]
        right = sum(values_of(draft.text)[1] == str(draft.story.answer) for draft in kept)
        log.info("%d own drafts, %d of them right", len(kept), right)
        return kept


def work(rank: int, recipe: Recipe, number: int, slots: Tensor, barrier: Barrier, folder: Path) -> None:
    """One worker's part in a phase; the first also writes the weights."""
    torch.set_num_threads(1)
    _talk(logging.INFO if rank == 0 else logging.WARNING)
    training = Training(recipe, number, folder, Team(rank, slots, barrier))
    training.run()
    if rank == 0:
        write_model(training.model, training.tokenizer, folder)


def train(recipe: Recipe, folder: Path, first: int = 0) -> None:
    """Trains with the recipe's workers, one thread each; `folder` holds the model after each phase."""
    parameters = sum(parameter.numel() for parameter in recipe.untrained().parameters())
    started = time.monotonic()
    for number in range(first, len(recipe.phases)):
        slots = torch.zeros(recipe.workers, parameters).share_memory_()
        barrier = get_context("spawn").Barrier(recipe.workers)
        spawn(work, (recipe, number, slots, barrier, folder), nprocs=recipe.workers)
        log.info("phase %d of %d done after %.0f s", number + 1, len(recipe.phases), time.monotonic() - started)


def _keeps_to_the_form(draft: str) -> bool:
    values, answer = values_of(draft)
    return all(value.isdigit() for value in [*values, answer])


def _texts(recipe: Recipe) -> Iterator[str]:
    for dialogue in islice(dialogues(recipe.seed, COLUMNS, []), recipe.vocabulary_dialogues):
        for turn in dialogue:
            yield turn.text


def _talk(level: int) -> None:
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stdout)
    transformers_logging.disable_progress_bar()


def main() -> None:
    """Writes domain, held-out problems and weights into the package, then measures them.

    A number as the only argument resumes at that phase, 1 being the second.
    """
    _talk(logging.INFO)
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    write_domain(PACKAGE / "domain.json")
    write_held_out(PACKAGE / "held_out.jsonl")
    train(Recipe(), PACKAGE / "weights", first)
    measure.main()


if __name__ == "__main__":
    main()
