"""Looks at this machine: its devices and their memory, how much of it models may take, and what it can compute."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.ports import DeviceMemory, Resources
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.plan import Device

GB = 1e9
SHARE = 0.8
"""Of the memory, what models may take where MAX_VRAM_USAGE_GB does not say."""
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
CGROUP = Path("/sys/fs/cgroup")
NATIVE_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Words of /proc/cpuinfo: the processor multiplies bfloat16 itself."""
COMPILERS = {"darwin": "clang++", "win32": "cl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What this machine can do for a model."""

    device: str
    """`cuda` or `cpu`."""
    bfloat16: bool = True
    native_bfloat16: bool = False
    """The processor multiplies bfloat16 itself, about twice as fast as float32."""
    bitsandbytes: bool = False
    """Weights can be quantised to 4 bit, and those that are so on disk can be read."""
    flash_attention: bool = False
    compiler: bool = False
    """torch finds a compiler for the code that it writes."""


def limit_gb(total_gb: float, configured_gb: float | None) -> float:
    """What models may take of that memory: what is configured, never more than there is; else 80 %."""
    return total_gb * SHARE if configured_gb is None else min(configured_gb, total_gb)


def limit_bytes(device: Device, configured_gb: float | None) -> int:
    """What models may take of a device. MAX_VRAM_USAGE_GB is for each GPU, and for the RAM of a machine without one."""
    return int(limit_gb(device.total_bytes / GB, configured_gb) * GB)


def import_torch() -> Any:
    """The module torch. Raises EnvironmentFaultError that says how to install it."""
    # transformers and bitsandbytes fetch compiled code from the hub with this package where it is installed, and run
    # it. None in its place makes it absent for them.
    sys.modules.setdefault("kernels", None)  # type: ignore[arg-type]  # None is how Python is told "not there"
    try:
        import torch
        import transformers  # noqa: F401  (wanted here, so that its absence is told in the same sentence)
    except ImportError as error:
        raise EnvironmentFaultError(
            said("local_extra", "Local models need the 'local' extra: pip install 'agent-lab[local]'.")
        ) from error
    return torch


def _cuda() -> Any | None:
    """`torch.cuda` where there is a usable GPU. Without a driver torch, slow to import, is left alone."""
    if not _has("torch"):
        return None
    if sys.platform == "linux" and "torch" not in sys.modules and not any(Path(name).exists() for name in DRIVERS):
        return None
    import torch

    return torch.cuda if torch.cuda.is_available() else None


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@cache
def capability() -> Capability:
    """What this machine can do; looked up once."""
    cuda = _cuda()
    has_compiler = shutil.which(COMPILERS.get(sys.platform, "g++")) is not None
    if cuda is None:
        return Capability(
            device="cpu",
            native_bfloat16=bool(NATIVE_BFLOAT16 & _processor_words()),
            bitsandbytes=_has("bitsandbytes"),
            compiler=has_compiler,
        )
    return Capability(
        device="cuda",
        bfloat16=bool(cuda.is_bf16_supported(including_emulation=False)),
        bitsandbytes=_has("bitsandbytes"),
        flash_attention=_has("flash_attn"),
        compiler=has_compiler and _has("triton"),
    )


def _processor_words(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    try:
        return frozenset(path.read_text("utf-8", "replace").split())
    except OSError:
        return frozenset()


def devices() -> tuple[Device, ...]:
    """What models are put on: each CUDA GPU, or `cpu` (the RAM) on a machine without any."""
    cuda = _cuda()
    if cuda is None:
        return (ram(),)
    looks = ((number, *cuda.mem_get_info(number)) for number in range(cuda.device_count()))
    return tuple(
        Device(name=f"cuda:{number}", total_bytes=int(total), free_bytes=int(free)) for number, free, total in looks
    )


def ram(cgroup: Path = CGROUP) -> Device:
    """The RAM, or what a container may have of it."""
    seen = psutil.virtual_memory()
    total, free = int(seen.total), int(seen.available)
    allowed, taken = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if allowed is not None and taken is not None and allowed < total:
        total, free = allowed, min(free, max(0, allowed - taken + _reclaimable(cgroup)))
    return Device(name="cpu", total_bytes=total, free_bytes=free)


def _number(path: Path) -> int | None:
    """The number in the file; None where there is none ("max": no limit)."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _reclaimable(cgroup: Path) -> int:
    """Cached files, which count as taken and make way at once."""
    try:
        lines = (cgroup / "memory.stat").read_text("ascii").splitlines()
    except (OSError, ValueError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)


def utilisation() -> Mapping[str, float]:
    """How busy each CUDA GPU is, in per cent; empty where that cannot be told: it takes the package nvidia-ml-py."""
    cuda = _cuda()
    if cuda is None or not _has("pynvml"):
        return {}
    import pynvml

    try:
        return {f"cuda:{number}": float(cuda.utilization(number)) for number in range(cuda.device_count())}
    except (RuntimeError, pynvml.NVMLError):  # a part of a GPU (MIG), or a driver of another version
        return {}


def memory_gb() -> tuple[str, float, float]:
    """(`vram` or `ram`, total GB, available GB) of what models are loaded into, over all devices."""
    found = devices()
    total, free = sum(one.total_bytes for one in found), sum(one.free_bytes for one in found)
    return _kind(found), total / GB, free / GB


def _kind(found: Sequence[Device]) -> str:
    return "ram" if all(one.name == "cpu" for one in found) else "vram"


def get_available_vram() -> float:
    """Free GPU memory in GB (1e9 bytes), over all GPUs; free RAM where there is no GPU."""
    return memory_gb()[2]


def can_load_model(size_gb: float) -> bool:
    """Whether a model of that size fits into what is free now."""
    return size_gb <= get_available_vram()


class GpuGuard:
    """Watches the memory that models share. Fulfils `contracts.ports.ResourceMonitor`.

    `used_by_models_gb` is asked for all that models take, `used_by_device_gb` for what they take of each device.
    """

    def __init__(
        self,
        max_usage_gb: float | None = None,
        *,
        used_by_models_gb: Callable[[], float] = lambda: 0.0,
        used_by_device_gb: Callable[[], Mapping[str, float]] = dict,
        devices: Callable[[], Sequence[Device]] = devices,
    ) -> None:
        self._max_usage_gb = max_usage_gb
        self._used_by_models_gb = used_by_models_gb
        self._used_by_device_gb = used_by_device_gb
        self._devices = devices

    def look(self) -> Resources:
        """What is there, what is free, and what models may take of it: over all devices, and of each."""
        found = self._devices()
        used = self._used_by_device_gb()
        each = tuple(
            DeviceMemory(
                name=one.name,
                total_gb=one.total_bytes / GB,
                available_gb=one.free_bytes / GB,
                limit_gb=limit_bytes(one, self._max_usage_gb) / GB,
                used_by_models_gb=used.get(one.name, 0.0),
            )
            for one in found
        )
        kind = _kind(found)
        return Resources(
            device="cuda" if kind == "vram" else "cpu",
            memory=kind,
            total_gb=sum(one.total_gb for one in each),
            available_gb=sum(one.available_gb for one in each),
            limit_gb=sum(one.limit_gb for one in each),
            used_by_models_gb=sum(used.values()) if used else self._used_by_models_gb(),
            devices=each,
        )
