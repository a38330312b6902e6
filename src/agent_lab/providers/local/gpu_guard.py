"""Looks at this machine's memory: how much models may take, and whether one more fits."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.ports import Resources

GB = 1e9
SHARE = 0.8
"""Of the memory, what models may take where MAX_VRAM_USAGE_GB does not say."""
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What this machine can do for a model."""

    device: str
    bfloat16: bool = True
    bitsandbytes: bool = False


def limit_gb(total_gb: float, configured_gb: float | None) -> float:
    """What models may take of that memory: what is configured, never more than there is; else 80 %."""
    return total_gb * SHARE if configured_gb is None else min(configured_gb, total_gb)


def room_gb(*, limit_gb: float, used_gb: float, available_gb: float) -> float:
    """What one more model may take: within the limit and within what is really free, never below 0."""
    return max(0.0, min(limit_gb - used_gb, available_gb))


def import_torch() -> Any:
    """The module torch. Raises EnvironmentFaultError that says how to install it."""
    try:
        import torch
        import transformers  # noqa: F401  (wanted here, so that its absence is told in the same sentence)
    except ImportError as error:
        raise EnvironmentFaultError("Local models need the 'local' extra: pip install 'agent-lab[local]'.") from error
    return torch


def _cuda() -> Any | None:
    """`torch.cuda` where there is a usable GPU. Without a driver torch, slow to import, is left alone."""
    if importlib.util.find_spec("torch") is None:
        return None
    if sys.platform == "linux" and "torch" not in sys.modules and not any(Path(name).exists() for name in DRIVERS):
        return None
    import torch

    return torch.cuda if torch.cuda.is_available() else None


@cache
def capability() -> Capability:
    """What this machine can do; looked up once."""
    cuda = _cuda()
    if cuda is None:
        return Capability(device="cpu")
    has_bitsandbytes = importlib.util.find_spec("bitsandbytes") is not None
    return Capability(device="cuda", bfloat16=bool(cuda.is_bf16_supported()), bitsandbytes=has_bitsandbytes)


def memory_gb() -> tuple[str, float, float]:
    """(`vram` or `ram`, total GB, available GB) of what models are loaded into."""
    cuda = _cuda()
    if cuda is not None:
        free, total = cuda.mem_get_info()
        return "vram", total / GB, free / GB
    ram = psutil.virtual_memory()
    return "ram", ram.total / GB, ram.available / GB


def get_available_vram() -> float:
    """Free GPU memory in GB (1e9 bytes); free RAM where there is no GPU."""
    return memory_gb()[2]


def can_load_model(size_gb: float) -> bool:
    """Whether a model of that size fits into what is free now."""
    return size_gb <= get_available_vram()


class GpuGuard:
    """Watches the memory that models share. Fulfils `contracts.ports.ResourceMonitor`."""

    def __init__(
        self,
        max_usage_gb: float | None = None,
        *,
        used_by_models_gb: Callable[[], float] = lambda: 0.0,
        memory: Callable[[], tuple[str, float, float]] = memory_gb,
    ) -> None:
        self._max_usage_gb = max_usage_gb
        self._used_by_models_gb = used_by_models_gb
        self._memory = memory

    def look(self) -> Resources:
        """What is there, what is free, and what models may take of it."""
        kind, total_gb, available_gb = self._memory()
        return Resources(
            device="cuda" if kind == "vram" else "cpu",
            memory=kind,
            total_gb=total_gb,
            available_gb=available_gb,
            limit_gb=limit_gb(total_gb, self._max_usage_gb),
            used_by_models_gb=self._used_by_models_gb(),
        )
