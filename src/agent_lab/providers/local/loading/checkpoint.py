"""Turns a checked folder into a model of transformers: read byte by byte with a report, placed, whole or refused."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.files.hub import ProgressSink
from agent_lab.providers.local.files.weights import Weights
from agent_lab.providers.local.letting_go import trim
from agent_lab.providers.local.loading.footprint import quantised_on_disk
from agent_lab.providers.local.loading.reading import Reading
from agent_lab.providers.local.loading.spreading import device_map
from agent_lab.providers.local.plan import LoadPlan, Placement

BETWEEN_REPORTS_S = 0.1
BETWEEN_TRIMS_BYTES = 16_000_000


class Report:
    """Tells how far a load is, not more often than somebody can read."""

    def __init__(self, key: str, started: float, sink: ProgressSink) -> None:
        self._key = key
        self._started = started
        self._sink = sink
        self._next_at = 0.0
        self.total_bytes = 0

    def __call__(self, done_bytes: int) -> None:
        now = time.monotonic()
        if now < self._next_at and done_bytes < self.total_bytes:
            return
        self._next_at = now + BETWEEN_REPORTS_S
        elapsed_s = now - self._started
        left_bytes = self.total_bytes - done_bytes
        self._sink(
            LoadProgress(
                model_key=self._key,
                stage="loading",
                done_bytes=done_bytes,
                total_bytes=self.total_bytes,
                elapsed_s=elapsed_s,
                seconds_left=elapsed_s * left_bytes / done_bytes if done_bytes else None,
            )
        )


class Trimming:
    """Passes the bytes on, and now and then returns what making 4 bit of them has left on the heap.

    What stays is small and lies between what goes, so that otherwise the heap would grow to several times the model.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next_bytes = BETWEEN_TRIMS_BYTES

    def __call__(self, done_bytes: int) -> None:
        self._report(done_bytes)
        if done_bytes >= self._next_bytes:
            self._next_bytes = done_bytes + BETWEEN_TRIMS_BYTES
            trim()


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer, from the files of the folder alone."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # It warns of a package that is kept from it on purpose (gpu_guard.import_torch).
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    return transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def read_model(spec: ModelSpec, plan: LoadPlan, weights: Weights, placement: Placement, report: Report) -> Any:
    """The model on its devices. Raises UnusableError where the files lack a part of it."""
    import torch
    import transformers

    config, model_class = _class_of(transformers, weights.folder)
    # A GPU converts faster than the processor would; what is quantised in the files must stay as it is.
    stays = plan.device == "cuda" or quantised_on_disk(weights.config) is not None
    on_bytes = Trimming(report) if plan.quantised and plan.device == "cpu" else report
    reading = Reading(weights.tensors, dtype=None if stays else plan.dtype, on_bytes=on_bytes)
    report.total_bytes = reading.total_bytes
    report(0)
    options: dict[str, Any] = {"dtype": getattr(torch, plan.dtype), "attn_implementation": plan.attention}
    if plan.quantised:
        options["quantization_config"] = _four_bit(torch, transformers, plan)
    if plan.quantised or placement.keys() != {"cpu"}:
        options["device_map"] = device_map(config, model_class, placement, spec.key)
    # The files are read by `reading` and by nobody else: without a path transformers looks nothing up.
    model, found = model_class.from_pretrained(
        None, config=config, state_dict=reading.tensors, output_loading_info=True, **options
    )
    wrong = found["missing_keys"] or {name for name, *_ in found["mismatched_keys"]}
    if wrong:
        # transformers would go on with random numbers in their place.
        raise UnusableError(
            f"The model {spec.key!r} in {weights.folder} is not complete: it has no weights for {min(wrong)}; "
            "fetch it again or use another model."
        )
    # What the checkpoint wishes for its sampling (top_k, penalties) would silently mix with the strategy's.
    model.generation_config = transformers.GenerationConfig()
    return model.eval()


def _class_of(transformers: Any, folder: Path) -> tuple[Any, Any]:
    """The config, and the class that transformers has for it; of a model that sees as well, its language model."""
    config = _config(transformers, folder)
    found = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    if isinstance(found, list | tuple):
        named = {one.__name__: one for one in found}
        found = next((named[name] for name in config.architectures or () if name in named), found[0])
    text_class = config.sub_configs.get("text_config")
    if text_class is not None and getattr(found, "config_class", None) is text_class:
        quantisation = getattr(config, "quantization_config", None)
        config = config.get_text_config()
        if quantisation is not None:
            config.quantization_config = quantisation
    return config, found


def _config(transformers: Any, folder: Path) -> Any:
    return transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def _four_bit(torch: Any, transformers: Any, plan: LoadPlan) -> Any:
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, plan.dtype),
    )


def settle_four_bit(model: Any) -> None:
    """Let each layer in 4 bit arrange its weights for the processor, which it does at its first pass.

    Layer by layer, because what each takes for that stays on the heap until it is trimmed. Only for answering: layers
    that are arranged so cannot be trained any more.
    """
    import torch
    from bitsandbytes.nn import Linear4bit

    with torch.inference_mode():
        for layer in model.modules():
            if isinstance(layer, Linear4bit):
                layer(torch.zeros(1, layer.in_features, dtype=layer.compute_dtype))
                trim()


def end_ids(folder: Path, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end an answer."""
    import transformers

    try:
        wished = transformers.GenerationConfig.from_pretrained(str(folder), local_files_only=True)
    except OSError:  # it brings none: what its config says of the same things stands for it
        config = _config(transformers, folder)
        wished = config.get_text_config()
    found = getattr(wished, "eos_token_id", None)
    listed = found if isinstance(found, list) else [found]
    return tuple(sorted({one for one in (*listed, tokenizer.eos_token_id) if one is not None}))
