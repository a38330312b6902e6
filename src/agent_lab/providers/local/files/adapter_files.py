"""Checks a LoRA adapter's folder before anything of it is loaded: safetensors only, plain LoRA, nothing to be run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import ModelCorruptError, UnusableError

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
MAX_CONFIG_BYTES = 1_000_000
PLAIN = frozenset(
    {
        "alpha_pattern",
        "auto_mapping",
        "base_model_name_or_path",
        "bias",
        "exclude_modules",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "lora_dropout",
        "megatron_core",
        "peft_type",
        "peft_version",
        "qalora_group_size",
        "r",
        "rank_pattern",
        "revision",
        "target_modules",
        "task_type",
        "use_rslora",
    }
)
"""Fields that say nothing more than what is read here, or what the tensors' names and shapes say better. Any other
field must be empty: it would make the adapter more than a product of two matrices."""
FRESH = frozenset({"gaussian", "eva", "orthogonal"})
"""Beginnings of a training that leave the base's weights as they are."""
_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSpec:
    """What an adapter adds: for each module of the base, how its product is scaled, and its shape."""

    folder: Path
    scales: Mapping[str, float]
    """By the module's name in the base. `x @ A.T @ B.T * scale` is added to what the module makes of `x`."""
    shapes: Mapping[str, tuple[int, int, int]]
    """(rank, inputs, outputs) by the module's name."""

    @property
    def weights(self) -> Path:
        """The file of the two matrices of each module."""
        return self.folder / WEIGHTS

    @property
    def parameters(self) -> int:
        """Numbers in all its matrices."""
        return sum(rank * (inputs + outputs) for rank, inputs, outputs in self.shapes.values())


def inspect_adapter(folder: Path) -> LoraSpec:
    """Check an adapter's folder, from its configuration and the file's header alone.

    Raises ModelCorruptError for damaged files and UnusableError for adapters of another kind.
    """
    config = _config(folder / CONFIG)
    _refuse_other_kinds(folder, config)
    if not (folder / WEIGHTS).is_file():
        _refuse_missing(folder)
    shapes = _paired(folder, _shapes(folder / WEIGHTS))
    scales = {module: _scale(folder, config, module, rank) for module, (rank, _, _) in shapes.items()}
    return LoraSpec(folder=folder, scales=scales, shapes=shapes)


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UnusableError(f"{path.parent} holds no LoRA adapter: it has no {CONFIG}; mend the row's model_id.")
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise _damaged(path, "it is far too long")
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(config, dict):
        raise _damaged(path, "it holds no object")
    return config


def _refuse_other_kinds(folder: Path, config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise _other(folder, f"its kind is {str(config.get('peft_type'))[:40]!r}")
    for name, value in config.items():
        if name not in PLAIN and value:
            raise _other(folder, f"it uses {name[:60]!r}")
    if config.get("bias", "none") != "none":
        raise _other(folder, "it changes the base's biases")
    beginning = config.get("init_lora_weights")
    if isinstance(beginning, str) and beginning.lower() not in FRESH:
        raise _other(folder, f"its training ({beginning[:40]!r}) changed the base's own weights")


def _refuse_missing(folder: Path) -> None:
    if (folder / PICKLE).is_file():
        raise UnusableError(
            f"The adapter in {folder} has pickled weights only, and loading a pickle runs whatever code is in it; "
            "use a version of it with safetensors."
        )
    raise ModelCorruptError(f"The adapter in {folder} has no {WEIGHTS}; fetch it again.")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, str(error).splitlines()[0][:120] if str(error) else "it cannot be read") from error


def _paired(folder: Path, found: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int, int]]:
    sides: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in found.items():
        match = _NAME.fullmatch(name)
        if match is None or len(shape) != 2 or not all(shape):
            raise _other(folder, f"it brings {name[:120]!r}")
        sides.setdefault(match["module"], {})[match["side"]] = shape
    if not sides:
        raise _damaged(folder / WEIGHTS, "it is empty")
    paired = {}
    for module, pair in sides.items():
        if set(pair) != {"A", "B"} or pair["A"][0] != pair["B"][1]:
            raise _damaged(folder / WEIGHTS, f"the matrices of {module[:120]} do not belong together")
        paired[module] = (pair["A"][0], pair["A"][1], pair["B"][0])
    return paired


def _scale(folder: Path, config: Mapping[str, Any], module: str, rank: int) -> float:
    alphas = config.get("alpha_pattern") or {}
    if not isinstance(alphas, dict):
        raise _damaged(folder / CONFIG, "its 'alpha_pattern' is no object")
    alpha = _listed(folder, alphas, module) or config.get("lora_alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise _damaged(folder / CONFIG, "its 'lora_alpha' is no number")
    return float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _listed(folder: Path, alphas: Mapping[str, Any], module: str) -> Any:
    # Keys are regular expressions to peft; one made for it runs for hours, so only plain names are taken.
    if not all(_PLAIN_NAME.fullmatch(name) for name in alphas):
        raise _other(folder, "its 'alpha_pattern' is written in regular expressions")
    return next((alpha for name, alpha in alphas.items() if f".{module}".endswith(f".{name}")), None)


def _other(folder: Path, why: str) -> UnusableError:
    return UnusableError(
        f"The adapter in {folder} is no plain LoRA adapter ({why}), and only those can share a base; "
        "use one that was trained with peft's defaults, or train one with `agent-lab finetune`."
    )


def _damaged(path: Path, why: str) -> ModelCorruptError:
    return ModelCorruptError(f"The adapter file {path} is damaged ({why}); put a whole copy of it there.")
