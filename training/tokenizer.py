"""Builds the model's own tokenizer: digits one by one, short words whole, one special token a role."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("user", "creator", "challenger", "refiner")
SPECIALS = [PAD, END, *(f"<|{role}|>" for role in ROLES)]
# A digit, a word with the space before it, a separator, or any other single sign.
PIECES = r" ?[A-Za-z]+|\d|, |: |\. |[^\w]|_"
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def train_tokenizer(texts: Iterable[str], size: int, context: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `size` tokens that can encode any text."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=SPECIALS[2:],
        chat_template=TEMPLATE.read_text(encoding="utf-8"),
        padding_side="left",
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
