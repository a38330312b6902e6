"""Reads figures that others keep (the gateway, the local models, the machine) when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from agent_lab.contracts.ports import LocalFigures, ResourceMonitor

BREAKER_LEVELS = {"closed": 0, "half-open": 1, "open": 2, "cooling": 3}
DEVICE_FIGURES = {
    "total_gb": "Memory of a device, in GB of 1e9 bytes",
    "available_gb": "Of it, what is free",
    "limit_gb": "Of it, what models may take",
    "used_by_models_gb": "Of it, what models take",
}
"""The fields of `DeviceMemory` that are told, and what each is."""


class GatewayFigures(Collector):
    """Reads breakers and queues when the figures are read."""

    def __init__(self, breakers: Callable[[], Mapping[str, str]], waiting: Callable[[], Mapping[str, int]]) -> None:
        self._breakers = breakers
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """A gauge for the breakers (0 closed, 1 half-open, 2 open, 3 cooling) and one for the queues."""
        gauge = GaugeMetricFamily(
            "agent_lab_breaker_state", "0 closed, 1 half-open, 2 open, 3 cooling", labels=["model"]
        )
        for model, state in self._breakers().items():
            gauge.add_metric([model], BREAKER_LEVELS[state])
        yield gauge
        queues = GaugeMetricFamily("agent_lab_waiting_calls", "Calls that wait for a limit", labels=["provider"])
        for provider, count in self._waiting().items():
            queues.add_metric([provider], count)
        yield queues


class LocalModelFigures(Collector):
    """Reads what the local models do, and the memory of each device, when the figures are read."""

    def __init__(self, figures: Callable[[], LocalFigures], monitor: ResourceMonitor) -> None:
        self._figures = figures
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """Counters of loads, evictions, refusals and the like; gauges of waiting requests, answers and memory."""
        now = self._figures()
        for name, told, count in (
            ("hits", "Requests whose model was in memory", now.hits),
            ("loads", "Models loaded into memory", now.loads),
            ("load_seconds", "Seconds of all loads together", now.load_s),
            ("evictions", "Models put out of memory to make room", now.evictions),
            ("refused", "Requests for which there was no room in memory, or not in time", now.refused),
            ("workers_lost", "Worker processes of models that died", now.lost),
        ):
            yield CounterMetricFamily(f"agent_lab_local_{name}", told, value=count)
        yield GaugeMetricFamily("agent_lab_local_waiting", "Requests that wait for their model", value=now.waiting)
        answers = GaugeMetricFamily("agent_lab_local_answers", "Answers of local models", labels=["state"])
        answers.add_metric(["active"], now.answers_active)
        answers.add_metric(["waiting"], now.answers_waiting)
        yield answers
        yield from self._devices()

    def _devices(self) -> Iterator[Metric]:
        devices = self._monitor.look().devices
        for name, told in DEVICE_FIGURES.items():
            gauge = GaugeMetricFamily(f"agent_lab_device_{name}", told, labels=["device"])
            for device in devices:
                gauge.add_metric([device.name], getattr(device, name))
            yield gauge
