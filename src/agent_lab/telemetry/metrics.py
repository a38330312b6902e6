"""Counts what is generated and run, as Prometheus text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.ports import LocalFigures, ModelHost, ResourceMonitor
from agent_lab.contracts.run import TERMINAL, RunStatus
from agent_lab.telemetry.collectors import DEVICE_FIGURES, GatewayFigures, LocalModelFigures
from agent_lab.telemetry.history.tally import Tally

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"

# From a small model on this machine to a large one that is loaded first.
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900)

_LOCAL_COUNTS = ("hits", "loads", "evictions", "refused", "workers_lost")
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True, slots=True)
class _OfModel:
    """One model's series, looked up once: a look-up for each figure of each answer would cost more than counting."""

    read: Counter
    written: Counter
    cost: Counter
    cached: Counter
    unpriced: Counter
    retries: Counter
    total_s: Histogram
    inference_s: Histogram
    first_token_s: Histogram


class Metrics:
    """The figures of one lab, in a registry of their own: two labs in a process do not mix."""

    def __init__(self) -> None:
        self.lately = Tally()
        """The same calls for those who watch how figures change: whoever takes them has them alone."""
        self.active_runs = 0
        self.standing: Mapping[RunStatus, int] = {}
        """Runs of all processes that have not ended, as they were last told."""
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "agent_lab"}
        seconds: dict[str, Any] = own | {"buckets": _SECONDS}
        self._generations = Counter("generations", "Model calls", ["model", "provider", "outcome"], **own)
        self._tokens = Counter("tokens", "Tokens read and written", ["model", "direction"], **own)
        self._cost = Counter("cost_usd", "Cost of calls whose price is known", ["model"], **own)
        self._unpriced = Counter("unpriced_generations", "Answers whose price is not known", ["model"], **own)
        self._cached = Counter("cached_tokens", "Tokens of prompts that had been read before", ["model"], **own)
        self._routed = Counter(
            "routed", "Answers by the row asked for and the model that gave them", ["asked", "model"], **own
        )
        self._attempts = Counter("attempts", "Tries at models, answered or not", ["model", "outcome"], **own)
        self._retries = Counter("retries", "Tries after the first of answered calls", ["model"], **own)
        self._cache = Counter("cache", "Whether the model was in memory already", ["model", "result"], **own)
        self._total_s = Histogram("generation_seconds", "From the call to the last token", ["model"], **seconds)
        self._first_token_s = Histogram("first_token_seconds", "From the call to the first token", ["model"], **seconds)
        self._inference_s = Histogram("inference_seconds", "Writing the answer alone", ["model"], **seconds)
        self._load_s = Histogram("load_seconds", "Loading a model that was not in memory", ["model"], **seconds)
        self._models: dict[str, _OfModel] = {}
        self._runs = Counter("runs", "Runs that have ended", ["flow", "status"], **own)
        self._run_s = Histogram("run_seconds", "From a run's start to its end", ["flow"], **seconds)
        self._active = Gauge("runs_active", "Runs in progress", **own)
        self._standing = Gauge("runs_standing", "Runs of all processes that have not ended", ["status"], **own)
        self._resident = Gauge("models_resident", "Local models in memory", **own)
        self._memory = Gauge("memory_used_gb", "Memory that local models use, in GB of 1e9 bytes", **own)

    def watch(self, host: ModelHost, monitor: ResourceMonitor, figures: Callable[[], LocalFigures]) -> None:
        """From now on look at the models in memory, and what they have done, whenever the figures are read."""
        self._resident.set_function(lambda: len(host.resident()))
        self._memory.set_function(lambda: monitor.look().used_by_models_gb)
        self.registry.register(LocalModelFigures(figures, monitor))

    def watch_gateway(
        self, breakers: Callable[[], Mapping[str, str]], waiting: Callable[[], Mapping[str, int]]
    ) -> None:
        """From now on tell the state of each model's circuit breaker, and who waits, whenever the figures are read."""
        self.registry.register(GatewayFigures(breakers, waiting))

    def generation(self, result: GenerationResult) -> None:
        """Count an answer."""
        model, timings, usage = result.model_key, result.timings, result.usage
        self.lately.answered(result)
        own = self._of(model)
        self._generations.labels(model, result.source, result.finish_reason).inc()
        self._routed.labels(result.asked_key or model, model).inc()
        for attempt in result.attempts:
            self._attempts.labels(attempt.model_key or model, attempt.outcome).inc()
        own.read.inc(usage.prompt_tokens)
        own.written.inc(usage.completion_tokens)
        own.cached.inc(usage.cached_tokens)
        if usage.cost_usd is None:
            own.unpriced.inc()
        else:
            own.cost.inc(float(usage.cost_usd))
        own.retries.inc(max(0, len(result.attempts) - 1))
        if result.finish_reason != "declined":  # no model was looked for
            self._cache.labels(model, "hit" if result.cache_hit else "miss").inc()
        own.total_s.observe(timings.total_s)
        own.inference_s.observe(timings.inference_s)
        if timings.first_token_s is not None:
            own.first_token_s.observe(timings.first_token_s)
        if not result.cache_hit:
            self._load_s.labels(model).observe(timings.load_s)

    def _of(self, model: str) -> _OfModel:
        found = self._models.get(model)
        if found is None:
            found = self._models[model] = _OfModel(
                read=self._tokens.labels(model, "prompt"),
                written=self._tokens.labels(model, "completion"),
                cached=self._cached.labels(model),
                cost=self._cost.labels(model),
                unpriced=self._unpriced.labels(model),
                retries=self._retries.labels(model),
                total_s=self._total_s.labels(model),
                inference_s=self._inference_s.labels(model),
                first_token_s=self._first_token_s.labels(model),
            )
        return found

    def generation_failed(self, model: str, provider: str, outcome: str) -> None:
        """Count a call without an answer; `outcome` is the slug of its error."""
        self._generations.labels(model, provider, outcome).inc()
        self.lately.failed(model, outcome)

    def run_started(self) -> None:
        """A run is in progress."""
        self.active_runs += 1
        self._active.inc()

    def runs_stand(self, counts: Mapping[RunStatus, int]) -> None:
        """How many runs there are in each state that is no end, whichever process works on them."""
        self.standing = dict(counts)
        for status in get_args(RunStatus):
            if status not in TERMINAL:
                self._standing.labels(status).set(counts.get(status, 0))

    def run_finished(self, flow: str, status: str, seconds: float) -> None:
        """A run that was counted as started has ended."""
        self.active_runs -= 1
        self._active.dec()
        self._runs.labels(flow, status).inc()
        self._run_s.labels(flow).observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    def as_json(self) -> dict[str, Any]:
        """Totals, averages in seconds and the share of cache hits; None where nothing was counted yet."""
        figures = self._figures()
        hits = _sum(figures, "cache_total", result="hit")
        misses = _sum(figures, "cache_total", result="miss")
        return {
            "execution": {
                "generations": _generations(figures),
                "tokens": {
                    "prompt": int(_sum(figures, "tokens_total", direction="prompt")),
                    "generated": int(_sum(figures, "tokens_total", direction="completion")),
                    "cached": int(_sum(figures, "cached_tokens_total")),
                },
                "cost_usd": _sum(figures, "cost_usd_total"),
                "unpriced_generations": int(_sum(figures, "unpriced_generations_total")),
                "cache": {"hits": int(hits), "misses": int(misses), "hit_ratio": _ratio(hits, hits + misses)},
                "average": {
                    "load_time_sec": _average(figures, "load_seconds"),
                    "first_token_time_sec": _average(figures, "first_token_seconds"),
                    "inference_time_sec": _average(figures, "inference_seconds"),
                    "total_time_sec": _average(figures, "generation_seconds"),
                    "run_time_sec": _average(figures, "run_seconds"),
                },
                "runs": {
                    "active": int(_sum(figures, "runs_active")),
                    "ended": int(_sum(figures, "runs_total")),
                    "by_status": _by(figures, "runs_total", "status"),
                    "by_flow": _by(figures, "runs_total", "flow"),
                },
            },
            "system": {
                "models_resident": int(_sum(figures, "models_resident")),
                "memory_used_gb": _sum(figures, "memory_used_gb"),
                "devices": _devices(figures),
                "local": _local(figures),
            },
        }

    def _figures(self) -> Figures:
        return {
            (sample.name.removeprefix("agent_lab_"), frozenset(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
        }


def _generations(figures: Figures) -> dict[str, Any]:
    total = int(_sum(figures, "generations_total"))
    answered = int(_sum(figures, "generation_seconds_count"))
    return {
        "total": total,
        "answered": answered,
        "failed": total - answered,
        "by_model": _by(figures, "generations_total", "model"),
        "by_outcome": _by(figures, "generations_total", "outcome"),
    }


def _devices(figures: Figures) -> dict[str, dict[str, float]]:
    """GB by device and kind of figure."""
    told: dict[str, dict[str, float]] = {}
    for (name, labels), value in figures.items():
        kind = name.removeprefix("device_")
        if kind != name and kind in DEVICE_FIGURES:
            told.setdefault(dict(labels)["device"], {})[kind] = value
    return dict(sorted(told.items()))


def _local(figures: Figures) -> dict[str, float]:
    counts = {name: int(_sum(figures, f"local_{name}_total")) for name in _LOCAL_COUNTS}
    return {
        **counts,
        "load_time_sec": _sum(figures, "local_load_seconds_total"),
        "waiting": int(_sum(figures, "local_waiting")),
        "answers_active": int(_sum(figures, "local_answers", state="active")),
        "answers_waiting": int(_sum(figures, "local_answers", state="waiting")),
    }


def _sum(figures: Figures, name: str, **labels: str) -> float:
    wanted = frozenset(labels.items())
    return sum(value for (one, found), value in figures.items() if one == name and wanted <= found)


def _by(figures: Figures, name: str, label: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (one, found), value in figures.items():
        if one == name:
            key = dict(found)[label]
            counts[key] = counts.get(key, 0) + int(value)
    return dict(sorted(counts.items()))


def _average(figures: Figures, name: str) -> float | None:
    return _ratio(_sum(figures, f"{name}_sum"), _sum(figures, f"{name}_count"))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
