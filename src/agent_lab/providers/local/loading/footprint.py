"""Counts what a model takes of memory, from the headers of its files and its config.json: nothing is loaded for it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.weights import Stored, Weights
from agent_lab.providers.local.plan import Dtype, Footprint

DTYPE_BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
READERS: Mapping[str, str] = {
    "bitsandbytes": "bitsandbytes",
    "gptq": "gptqmodel",
    "awq": "gptqmodel",
    "compressed-tensors": "compressed_tensors",
}
"""The package that reads weights which are quantised on disk in that way."""
MADE_WHOLE_ON_CPU = frozenset({"fp8", "mxfp4"})
FLOATING = ("F", "BF")
"""How safetensors begins the names of types that are loaded in the type of the plan; others stay as they are."""
NF4_BITS = {"cuda": 4 + 8 / 64 + 32 / (64 * 256), "cpu": 4 + 16 / 64}
"""For each weight: 4 bit, and a scale for each 64 of them. A GPU quantises the scales too; a CPU keeps bfloat16."""
BLOCK = 64
CPU_ROWS = 32
QUANTISING_BYTES = 24
"""What a CPU takes for each weight of the layer that it is just making 4 bit of."""
WHOLE = re.compile(r"embed|lm_head|wte|wpe|\.experts\.|(^|\.)shared\.|(^|\.)output\.weight$|\.gate\.weight$|router")
"""Matrices that are no layers of their own: embeddings, heads, and experts, which transformers keeps as one block."""
STEP_TOKENS = 1024
"""Of prompts, what one pass reads."""
SPARE = 0.02
"""Of the weights: what an allocator loses between its blocks."""


def quantised_on_disk(config: Mapping[str, Any]) -> str | None:
    """How the weights are quantised in the files: `bitsandbytes`, `gptq`, `fp8`, ...; None where they are whole."""
    found = config.get("quantization_config") or _text(config).get("quantization_config")
    return str(found.get("quant_method") or "bitsandbytes") if isinstance(found, Mapping) else None


def footprint(weights: Weights, *, dtype: Dtype, device: str, four_bit: bool, parallel: int) -> Footprint:
    """Bytes on `cpu` or `cuda` in that type, or with the layers in 4 bit (NF4)."""
    return Footprint(
        weights_bytes=weights_bytes(weights, dtype=dtype, device=device, four_bit=four_bit),
        kv_bytes_per_token=kv_bytes_per_token(weights, dtype),
        margin_bytes=_margin_bytes(weights, dtype, parallel, made_four_bit_on_cpu=four_bit and device == "cpu"),
    )


def weights_bytes(weights: Weights, *, dtype: Dtype, device: str, four_bit: bool = False) -> int:
    """What the weights take when they are loaded."""
    how = quantised_on_disk(weights.config)
    if how is not None:
        is_made_whole = device == "cpu" and how in MADE_WHOLE_ON_CPU
        return weights.parameters * DTYPE_BYTES["bfloat16"] if is_made_whole else weights.size_bytes
    bits = NF4_BITS[device]
    total = 0.0
    for name, tensor in _loaded(weights):
        if four_bit and is_layer(name, tensor, weights):
            total += math.prod(tensor.shape) * bits / 8
        else:
            total += _bytes_in(tensor, dtype)
    return int(total)


def _loaded(weights: Weights) -> Iterator[tuple[str, Stored]]:
    """The tensors that are kept; a head that is the embedding once more is thrown away."""
    tied = bool(weights.config.get("tie_word_embeddings", _text(weights.config).get("tie_word_embeddings", False)))
    has_embedding = any("embed_tokens.weight" in name or "wte.weight" in name for name in weights.tensors)
    for name, tensor in weights.tensors.items():
        if not (tied and has_embedding and name.endswith("lm_head.weight")):
            yield name, tensor


def is_layer(name: str, tensor: Stored, weights: Weights) -> bool:
    """Whether it is the matrix of a linear layer, which 4 bit can be made of."""
    vocabulary = _number(_text(weights.config), "vocab_size")
    return (
        len(tensor.shape) == 2
        and name.endswith(".weight")
        and tensor.dtype.startswith(FLOATING)
        and not WHOLE.search(name)
        and (vocabulary is None or vocabulary not in tensor.shape)
    )


def four_bit_obstacle(weights: Weights, device: str) -> str | None:
    """Why 4 bit cannot be made of the model's layers; None where it can."""
    layers = {name: tensor for name, tensor in weights.tensors.items() if is_layer(name, tensor, weights)}
    if not layers:
        return said("no_layers_for_4_bit", "has no layers that 4 bit can be made of")
    if device == "cpu":
        for name, tensor in layers.items():
            rows, columns = _as_multiplied(tensor, weights)
            if rows % CPU_ROWS or columns % BLOCK:
                return said(
                    "layer_not_for_4_bit",
                    "has a layer ({name}) of {sizes}; 4 bit on a CPU needs multiples of {rows} x {block}",
                    name=name,
                    sizes=f"{rows} x {columns}",
                    rows=CPU_ROWS,
                    block=BLOCK,
                )
    return None


def _as_multiplied(tensor: Stored, weights: Weights) -> tuple[int, int]:
    """(outputs, inputs). GPT-2 keeps its matrices the other way round."""
    first, second = tensor.shape
    return (second, first) if weights.config.get("model_type") == "gpt2" else (first, second)


def kv_bytes_per_token(weights: Weights, dtype: Dtype) -> int:
    """Keys and values of all layers for one token, at the most: every layer is taken to look back as far as it can."""
    config = _text(weights.config)
    layers = _number(config, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    width = _key_value_width(config)
    if layers is None or width is None:
        layers, width = _seen_layers(weights), 2 * 2 * _seen_width(weights)
    return layers * width * DTYPE_BYTES[dtype]


def _key_value_width(config: Mapping[str, Any]) -> int | None:
    """Numbers that one layer keeps for a token; None where the config does not say."""
    latent, rotary = _number(config, "kv_lora_rank"), _number(config, "qk_rope_head_dim")
    if latent is not None and rotary is not None:
        return _latent_width(config, latent, rotary)
    heads = _number(config, "num_attention_heads", "n_head", "num_heads", "n_heads")
    hidden = _number(config, "hidden_size", "n_embd", "d_model", "dim")
    size = _number(config, "head_dim", "attention_head_size", "d_kv")
    if heads is None or (size is None and hidden is None):
        return None
    if size is None:
        size = -(-(hidden or 0) // heads)
    keeping = _key_value_heads(config, heads)
    # Some models have wider heads in some of their layers.
    widest = max(size, _number(config, "global_head_dim") or 0, _number(config, "swa_head_dim") or 0)
    values = max(_number(config, "v_head_dim", "value_head_dim") or 0, widest)
    return keeping * (widest + values)


def _latent_width(config: Mapping[str, Any], latent: int, rotary: int) -> int:
    """Multi-head latent attention (DeepSeek-V2, 2024) keeps the latents; what keeps whole heads has to say so."""
    if config.get("model_type") in LATENT:
        return latent + rotary
    heads = _number(config, "num_attention_heads") or 1
    whole = (_number(config, "qk_nope_head_dim") or 0) + rotary + (_number(config, "v_head_dim") or 0)
    return max(latent + rotary, heads * whole)


LATENT = frozenset({"deepseek_v2", "deepseek_v3"})
"""Those of which it was tried that transformers keeps the latents alone."""


def _key_value_heads(config: Mapping[str, Any], heads: int) -> int:
    if config.get("multi_query") is True and not config.get("new_decoder_architecture"):
        return 1
    found = config.get("num_key_value_heads") or config.get("n_head_kv") or config.get("num_kv_heads")
    if isinstance(found, list) and found and all(isinstance(one, int) for one in found):
        found = max(found)
    if not isinstance(found, int) or found < 1:
        found = heads
    return max(found, _number(config, "num_global_key_value_heads") or 0)


def _seen_layers(weights: Weights) -> int:
    """As many as the names of the tensors count."""
    numbers = [int(found) for name in weights.tensors for found in re.findall(r"\.(\d+)\.", name)]
    return max(numbers, default=0) + 1


def _seen_width(weights: Weights) -> int:
    """The hidden width: the narrow side of the largest matrix, the embedding or a feed-forward layer."""
    matrices = [tensor.shape for tensor in weights.tensors.values() if len(tensor.shape) >= 2]
    return min(max(matrices, key=math.prod, default=(1, 1)))


def _margin_bytes(weights: Weights, dtype: Dtype, parallel: int, *, made_four_bit_on_cpu: bool) -> int:
    """What a pass and a load take beside weights and conversations."""
    config = _text(weights.config)
    hidden = _number(config, "hidden_size", "n_embd", "d_model", "dim") or _seen_width(weights)
    inner = _number(config, "intermediate_size", "n_inner", "ffn_dim") or 4 * hidden
    vocabulary = _number(config, "vocab_size") or 0
    in_a_pass = STEP_TOKENS * (6 * hidden + 3 * inner) * DTYPE_BYTES[dtype]
    scores = 3 * parallel * vocabulary * 4
    while_loading = max((_bytes_in(tensor, dtype) for tensor in weights.tensors.values()), default=0)
    if made_four_bit_on_cpu:
        layers = (math.prod(one.shape) for name, one in weights.tensors.items() if is_layer(name, one, weights))
        while_loading = max(while_loading, QUANTISING_BYTES * max(layers, default=0))
    # A load is over before the first pass.
    return int(max(in_a_pass + scores, while_loading) + SPARE * weights.size_bytes)


def _bytes_in(tensor: Stored, dtype: Dtype) -> int:
    is_floating = tensor.dtype.startswith(FLOATING)
    return math.prod(tensor.shape) * DTYPE_BYTES[dtype] if is_floating else tensor.size_bytes


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part about the language model, where a config has several."""
    for name in ("text_config", "language_config", "llm_config", "thinker_config"):
        found = config.get(name)
        if isinstance(found, Mapping):
            return found
    return config


def _number(config: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        found = config.get(name)
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    return None


def positions(config: Mapping[str, Any]) -> int | None:
    """Tokens that the model reads at the most, as its config has it; None where it does not say."""
    text = _text(config)
    return _number(text, "max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length")


def refuse_unreadable(weights: Weights, key: str, is_installed: Callable[[str], bool]) -> None:
    """Raises UnusableError where the files are quantised in a way that this machine cannot read."""
    how = quantised_on_disk(weights.config)
    if how is not None and how in READERS and not is_installed(READERS[how]):
        package = READERS[how]
        raise UnusableError(
            f"The weights of {key!r} are quantised with {how}, and the package that reads them is not installed (pip "
            f"install {package.replace('_', '-')}); install it, or use a version of the model that is not quantised."
        )
