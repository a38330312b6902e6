"""Writes the model in half precision with its tokenizer, and the package data that goes with it."""

from __future__ import annotations

import copy
import hashlib
import json
from itertools import islice
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.phrases import vocabulary
from training.stories import LARGEST_TOLD, normalised, stories

SUMS = "SHA256SUMS"
HELD_OUT_SEED = 7
HELD_OUT_COUNT = 600
EXAMPLE = "Ada has 47 apples. Ada buys 38 more. Then Ada sells 19 apples. How many apples are left?"
CAN = (
    "The built-in model only does small sums and stories of one to four additions, subtractions and multiplications "
    "by one digit, told in its own few words, with whole numbers up to 499."
)


def write_model(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """A folder that AutoModelForCausalLM and AutoTokenizer load offline."""
    half = copy.deepcopy(model).to(torch.float16)
    half.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
        temperature=0.7,
        top_k=0,
        top_p=1.0,
        max_new_tokens=256,
    )
    folder.mkdir(parents=True, exist_ok=True)
    half.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_sums(folder)


def write_sums(folder: Path) -> None:
    """`SHA256SUMS`, which the loader holds the files against (`sha256sum -c` reads it too)."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    for path in files:
        path.chmod(0o644)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def write_domain(path: Path) -> None:
    """The words and bounds that tell whether a question suits the model."""
    row = {"can": CAN, "example": EXAMPLE, "largest_number": LARGEST_TOLD, "most_numbers": 5, "words": vocabulary()}
    path.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")


def write_held_out(path: Path) -> None:
    """Problems of the held-out split, no two with the same text."""
    seen: set[str] = set()
    rows: list[dict[str, str | list[str]]] = []
    for story in islice(stories(HELD_OUT_SEED, "held_out"), 4 * HELD_OUT_COUNT):
        if normalised(story.question) in seen or len(rows) == HELD_OUT_COUNT:
            continue
        seen.add(normalised(story.question))
        number = f"demo-{len(rows) + 1:04d}"
        rows.append({"id": number, "input": story.question, "target": str(story.answer), "steps": story.lines})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
