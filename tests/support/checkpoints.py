"""Checkpoints of many architectures with random weights, made from a config in a moment."""

import json
from pathlib import Path
from typing import Any

from support.tiny_model import save_tiny_model

SHAPE: dict[str, Any] = {
    "vocab_size": 263,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "bos_token_id": None,
}
MULTI_HEAD = {"num_key_value_heads": None}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "num_local_experts": 4}
LATENT = {
    "num_key_value_heads": 4,
    "kv_lora_rank": 32,
    "q_lora_rank": 32,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 32,
    "v_head_dim": 32,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
    "first_k_dense_replace": 1,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False},
    "llama tied": {"model_type": "llama", "tie_word_embeddings": True},
    "mistral": {"sliding_window": 32, "head_dim": 32},
    "qwen2": {"num_key_value_heads": 1},
    "qwen3": {"head_dim": 32},
    "gemma3_text": {"head_dim": 32, "sliding_window": 32},
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512, "n_inner": 128, **MULTI_HEAD},
    "gpt_neox": {"rotary_pct": 0.5, **MULTI_HEAD},
    "falcon": {"multi_query": True, "new_decoder_architecture": False, **MULTI_HEAD},
    "phi3": {"tie_word_embeddings": False},
    "mixtral": EXPERTS,
    "qwen3_moe": EXPERTS,
    "deepseek_v2": LATENT,
    "deepseek_v3": LATENT,
}


def save_checkpoint(folder: Path, architecture: str, *, dtype: str = "float32", **more: Any) -> Path:
    """Write a checkpoint of that architecture, with the tokenizer of the tiny model, into the folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    save_tiny_model(folder)
    fields = {**SHAPE, **ARCHITECTURES[architecture], **more}
    torch.manual_seed(0)
    config = AutoConfig.for_model(fields.pop("model_type", architecture), **fields)
    AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).save_pretrained(folder)
    return folder


def change_config(folder: Path, **fields: Any) -> None:
    """Put other values into the folder's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
