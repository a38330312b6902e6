"""Looks at the machine: how busy its processors are, and how full memory, GPUs and the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from agent_lab.contracts.ports import ResourceMonitor
from agent_lab.telemetry.history.slots import DeviceUse

GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLook:
    """The machine at one moment. GB (1e9 bytes)."""

    cpu_percent: float | None
    """Of all processors together, since the look before; None at the first."""
    ram_used_gb: float
    ram_total_gb: float
    devices: tuple[DeviceUse, ...]
    disk_free_gb: float | None
    """Of the disk with the data folder; None where it cannot be told."""
    disk_total_gb: float | None


class Memory(Protocol):
    """How much there is, and how much of it is free."""

    @property
    def total_bytes(self) -> int: ...

    @property
    def free_bytes(self) -> int: ...


class Machine:
    """This machine.

    `ram`: looks at its RAM. `utilisation`: how busy each GPU is, in per cent, as far as that is known. `folder`: is on
    the disk that is looked at.
    """

    def __init__(
        self,
        monitor: ResourceMonitor,
        *,
        ram: Callable[[], Memory],
        utilisation: Callable[[], Mapping[str, float]],
        folder: Path,
    ) -> None:
        self._monitor, self._ram, self._utilisation, self._folder = monitor, ram, utilisation, folder
        self._busy_s, self._all_s = 0.0, 0.0

    def look(self) -> MachineLook:
        """How it stands now. Takes part of a millisecond, but asks drivers and the disk: call it in a thread."""
        ram = self._ram()
        disk_free, disk_total = _disk(self._folder)
        return MachineLook(
            cpu_percent=self._cpu_percent(),
            ram_used_gb=_gb(ram.total_bytes - ram.free_bytes),
            ram_total_gb=_gb(ram.total_bytes),
            devices=self._devices(),
            disk_free_gb=disk_free,
            disk_total_gb=disk_total,
        )

    def _cpu_percent(self) -> float | None:
        times: dict[str, float] = psutil.cpu_times()._asdict()
        all_s = sum(spent for name, spent in times.items() if not name.startswith("guest"))  # these are in `user`
        busy_s = all_s - times["idle"] - times.get("iowait", 0.0)
        before_busy, before_all = self._busy_s, self._all_s
        self._busy_s, self._all_s = busy_s, all_s
        if not before_all or all_s <= before_all:
            return None
        return round(min(100.0, max(0.0, 100 * (busy_s - before_busy) / (all_s - before_all))), 1)

    def _devices(self) -> tuple[DeviceUse, ...]:
        busy = self._utilisation()
        return tuple(
            DeviceUse(
                name=one.name,
                total_gb=round(one.total_gb, 3),
                limit_gb=round(one.limit_gb, 3),
                used_gb=round(max(0.0, one.total_gb - one.available_gb), 3),
                used_by_models_gb=round(one.used_by_models_gb, 3),
                utilisation_percent=busy.get(one.name),
            )
            for one in self._monitor.look().devices
        )


def _disk(folder: Path) -> tuple[float, float] | tuple[None, None]:
    try:
        seen = shutil.disk_usage(folder)
    except OSError:
        return None, None
    return _gb(seen.free), _gb(seen.total)


def _gb(size: float) -> float:
    return round(max(0.0, size) / GB, 3)
