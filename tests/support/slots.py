"""Slots of a history as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_lab.telemetry.history.latency import bucket_of, pack
from agent_lab.telemetry.history.slots import DeviceUse, Slot
from agent_lab.telemetry.history.tally import ModelCounts

RAM = DeviceUse(name="cpu", total_gb=16, limit_gb=12.8, used_gb=4, used_by_models_gb=1)


def latencies(values: Sequence[float]) -> bytes:
    counts: dict[int, int] = {}
    for value in values:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    return pack(counts)


def calls(*seconds: float, errors: dict[str, int] | None = None, **more: Any) -> ModelCounts:
    """An answer for each of the seconds, each of them ten tokens long."""
    usual = {
        "answers": len(seconds),
        "errors": tuple(sorted((errors or {}).items())),
        "completion_tokens": 10 * len(seconds),
        "prompt_tokens": 5 * len(seconds),
        "inference_s": sum(seconds),
        "hits": len(seconds),
        "total": latencies(seconds),
        "first_token": latencies([value / 10 for value in seconds]),
    }
    return ModelCounts(**usual | more)


def slot(at: float, models: dict[str, ModelCounts] | None = None, *, span_s: float = 5, **more: Any) -> Slot:
    usual = {
        "seconds": span_s,
        "cpu_percent": 10.0,
        "ram_used_gb": 4.0,
        "ram_total_gb": 16.0,
        "devices": (RAM,),
        "models": tuple(sorted((models or {}).items())),
    }
    return Slot(at=at, span_s=span_s, **usual | more)
