"""Tiny models with random weights, one of each kind of layer memory that transformers knows."""

from collections.abc import Callable
from typing import Any

COMMON: dict[str, Any] = {
    "vocab_size": 263,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 4096,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "bos_token_id": None,
    "initializer_range": 0.4,
}
"""263 tokens: those of the tokenizer of `support.tiny_model`."""


def llama() -> Any:
    """Plain attention, one head of keys for each of queries."""
    from transformers import LlamaConfig

    return LlamaConfig(**COMMON)


def grouped() -> Any:
    """Several heads of queries share one of keys."""
    from transformers import LlamaConfig

    return LlamaConfig(**COMMON, num_key_value_heads=2)


def sliding() -> Any:
    """Every layer looks back 8 places."""
    from transformers import MistralConfig

    return MistralConfig(**COMMON, num_key_value_heads=2, sliding_window=8)


def alternating() -> Any:
    """One layer looks back 8 places, the next at everything."""
    from transformers import Gemma3TextConfig

    kinds = ["sliding_attention", "full_attention"]
    return Gemma3TextConfig(**COMMON, num_key_value_heads=2, head_dim=8, sliding_window=8, layer_types=kinds)


def experts() -> Any:
    """Each token goes through some of the experts."""
    from transformers import MixtralConfig

    return MixtralConfig(**COMMON, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2)


def learned_places() -> Any:
    """Positions have weights of their own, so that there is a last one."""
    from transformers import GPT2Config

    return GPT2Config(
        vocab_size=263, n_embd=32, n_layer=2, n_head=4, n_positions=4096, eos_token_id=1, bos_token_id=None,
        initializer_range=0.4,
    )  # fmt: skip


def recurrent() -> Any:
    """One layer keeps a state instead of keys and values."""
    from transformers import Qwen3NextConfig

    return Qwen3NextConfig(
        **COMMON,
        num_key_value_heads=2,
        head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        layer_types=["linear_attention", "full_attention"],
        num_experts=0,
        decoder_sparse_step=1,
        mlp_only_layers=[0, 1],
    )


KINDS: dict[str, Callable[[], Any]] = {
    kind.__name__: kind for kind in (llama, grouped, sliding, alternating, experts, learned_places, recurrent)
}


def model_of(kind: str) -> Any:
    """The model, with the same weights each time.

    In double precision: which of two likeliest tokens is taken then hangs on no rounding, and so on no batch.
    """
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(KINDS[kind](), attn_implementation="sdpa").eval()
    # Torch multiplies experts in single precision alone.
    return model if kind == "experts" else model.double()
