"""Makes checkpoints of any size with random weights, and a tokenizer that was trained on this project's documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
VOCABULARY = 8192
SPECIALS = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{%- for message in messages -%}{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Llama."""

    hidden: int
    layers: int
    feed_forward: int
    heads: int
    kv_heads: int
    dtype: str = "float32"
    vocabulary: int = VOCABULARY


SHAPES = {
    "20m": Shape(hidden=384, layers=8, feed_forward=1024, heads=6, kv_heads=6),
    "200m": Shape(hidden=1024, layers=14, feed_forward=2816, heads=16, kv_heads=8),
    "1gb": Shape(hidden=1536, layers=18, feed_forward=4096, heads=24, kv_heads=8, dtype="bfloat16"),
    "mistral-7b": Shape(
        hidden=4096, layers=32, feed_forward=14336, heads=32, kv_heads=8, dtype="bfloat16", vocabulary=32768
    ),
}


def make(name: str, folder: Path) -> Path:
    """Write the checkpoint of that name into a folder of its own below `folder`, once; returns it."""
    target = folder / name
    if (target / "config.json").is_file():
        return target
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = SHAPES[name]
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, shape.dtype))
    try:
        model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    # A score of 0 is never the best of thousands: no answer ends early, so that all have the same tokens to write.
    with torch.no_grad():
        model.get_input_embeddings().weight[config.eos_token_id] = 0
    model.save_pretrained(target)
    tokenizer().save_pretrained(target)
    return target


def tokenizer() -> Any:
    """A byte-level BPE tokenizer of 8,192 tokens at the most, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    texts = sorted(str(path) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=SPECIALS[0],
        eos_token=SPECIALS[1],
        additional_special_tokens=list(SPECIALS[2:]),
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def words(count: int, seed: int) -> str:
    """A text of about that many tokens, each time the same."""
    import random

    known = (ROOT / "README.md").read_text(encoding="utf-8").split()
    return " ".join(random.Random(seed).choices(known, k=max(1, count // 2)))
