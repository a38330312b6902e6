"""Trains an adapter from a file of examples to a row of the registry, and goes on where it was stopped."""

from __future__ import annotations

import importlib.util
import math
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import CapacityError, EnvironmentFaultError, UnusableError, ValidationError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.tuning.bench import Bench
from agent_lab.providers.local.tuning.card import write_card, write_row
from agent_lab.providers.local.tuning.checkpoint import FILE, Checkpoint, load_checkpoint, save_checkpoint
from agent_lab.providers.local.tuning.encoding import Encoded, Encoder
from agent_lab.providers.local.tuning.examples import Dataset, read_dataset, split
from agent_lab.providers.local.tuning.fit import Training, mean_loss
from agent_lab.providers.local.tuning.measure import exact_share
from agent_lab.providers.local.tuning.naming import check_free, row_file, trainable
from agent_lab.providers.local.tuning.plan import Measured, Stage, TuningPlan, TuningProgress, TuningReport
from agent_lab.providers.local.tuning.saved import save_adapter
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry

Tell = Callable[[TuningProgress], None]
RECENT = 20
"""Steps by which the time that is left is judged."""


class Stopped(Exception):
    """The training was asked to stop; what was done of it is kept where `steps` is not 0."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"stopped after {steps} steps")
        self.steps = steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """Trains adapters for the models of a registry. `open_bench` puts a base into memory."""

    models: ModelRegistry
    strategies: StrategyRegistry
    open_bench: Callable[[ModelSpec, StrategySpec], Bench]
    config_dir: Path

    def check(self, plan: TuningPlan) -> ModelSpec:
        """The base's row, before anything is loaded.

        Raises NotFoundError, ValidationError and ConflictError, and EnvironmentFaultError where a part is missing.
        """
        if importlib.util.find_spec("peft") is None:
            raise EnvironmentFaultError("Training needs the 'local' extra: pip install 'agent-lab[local]'.")
        spec = trainable(self.models, plan.base)
        check_free(self.models, plan, self.config_dir)
        return spec

    def train(self, plan: TuningPlan, source: Path, tell: Tell, should_stop: Callable[[], bool]) -> TuningReport:
        """Read, hold out, measure, train, measure again, and write adapter, card and row.

        Raises Stopped at the first moment after `should_stop` says so, ValidationError for the file and the plan,
        CapacityError where memory runs out, and EnvironmentFaultError where the disk does not take it.
        """
        spec = self.check(plan)
        strategy = self.strategies.get_strategy(plan.strategy or spec.default_strategy)
        dataset = read_dataset(source)
        try:
            plan.out.mkdir(parents=True, exist_ok=True)
            tell(TuningProgress(stage="load"))
            bench = self.open_bench(spec, strategy)
            try:
                work = _Work(plan, dataset, spec, bench, tell, should_stop)
                return work.report(row_file(self.config_dir, plan.name))
            finally:
                bench.close()
        except OSError as error:
            raise EnvironmentFaultError(
                f"The adapter cannot be kept in {plan.out} ({error.strerror or error}); make room there or name "
                "another folder with --out."
            ) from error


@dataclass(slots=True)
class _Work:
    """One training, with its base in memory."""

    plan: TuningPlan
    dataset: Dataset
    spec: ModelSpec
    bench: Bench
    tell: Tell
    should_stop: Callable[[], bool]
    training: list[Encoded] = field(init=False)
    held_out: list[Encoded] = field(init=False)
    skipped: int = field(init=False)
    steps: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        encoder = Encoder(
            reading=self.bench.reading,
            prompt_format=self.spec.prompt_format,
            end_ids=self.bench.end_ids,
            most_tokens=self.bench.window_tokens,
        )
        parts = split(self.dataset.examples, self.plan.held_out_share)
        self.training, skipped = encoder.encode(parts.training)
        self.held_out, too_long = encoder.encode(parts.held_out)
        self.skipped = skipped + too_long
        if not self.training or not self.held_out:
            raise ValidationError(
                f"{self.skipped} of {len(self.dataset.examples)} examples are longer than the "
                f"{encoder.most_tokens} tokens that {self.spec.key!r} reads, and too few are left; shorten them."
            )

    @property
    def pad_id(self) -> int:
        own = self.bench.reading.tokenizer.pad_token_id
        return int(own if own is not None else (*self.bench.end_ids, 0)[0])

    def report(self, row: Path) -> TuningReport:
        plan = self.plan
        identity = {
            "base": plan.base,
            "base_revision": self.bench.revision,
            "data": self.dataset.sha256,
            **plan.settings(),
        }
        kept = load_checkpoint(plan.out, identity)
        before = Measured(**kept.facts["before"]) if kept else self._measured("measure_before", self.bench.model, None)
        fitting = Training(self.bench.model, plan, self.training, self.pad_id)
        try:
            with _memory(plan):
                seconds = self._fitted(fitting, kept, identity, before)
            loss = self._loss("measure_after", fitting.peft)
            spec = save_adapter(plan.out, fitting.matrices(), fitting.config, self.spec.model_id)
        finally:
            fitting.close()
        self.bench.engine.add_adapter(plan.name, plan.out)
        exact = self._exact("measure_after", plan.name)
        after = Measured(loss=loss, exact=exact, answered=self._answered)
        facts = {
            "data": self.dataset.sha256,
            "base_revision": self.bench.revision,
            "steps": fitting.steps,
            "trained": len(self.training),
            "held_out": len(self.held_out),
            "skipped": self.skipped,
            "seconds": round(seconds, 1),
        }
        write_card(plan.out, plan, facts, before, after)
        write_row(row, plan)
        (plan.out / FILE).unlink(missing_ok=True)
        return TuningReport(
            name=plan.name,
            base=plan.base,
            folder=plan.out,
            row_file=row,
            steps=fitting.steps,
            trained=len(self.training),
            held_out=len(self.held_out),
            skipped=self.skipped,
            before=before,
            after=after,
            train_s=seconds,
            parameters=spec.parameters,
            notes=self.bench.notes,
        )

    def _fitted(self, fitting: Training, kept: Checkpoint | None, identity: dict[str, Any], before: Measured) -> float:
        """Train to the end; the seconds that it took in all."""
        seconds = 0.0
        if kept is not None:
            fitting.restore(kept.tensors)
            self.steps, seconds = kept.steps, float(kept.facts["seconds"])
        recent: list[float] = []

        def keep() -> None:
            facts = {"before": asdict(before), "seconds": seconds}
            save_checkpoint(
                self.plan.out,
                Checkpoint(steps=self.steps, identity=identity, facts=facts, tensors=fitting.state()),
            )

        for step in fitting.run(self.steps):
            if not math.isfinite(step.loss):
                raise UnusableError(
                    f"The training lost its way at step {step.done} (its loss is no number); start again with a lower "
                    "--lr."
                )
            self.steps, seconds = step.done, seconds + step.seconds
            recent = [*recent[-RECENT + 1 :], step.seconds]
            left_s = statistics.median(recent) * (fitting.steps - step.done)
            self._say("train", step.done, fitting.steps, step.loss, left_s)
            is_over = self.should_stop()
            if is_over or step.done % self.plan.checkpoint_every == 0 or step.done == fitting.steps:
                keep()
            if is_over:
                raise Stopped(self.steps)
        return seconds

    def _measured(self, stage: Stage, model: Any, adapter: str | None) -> Measured:
        return Measured(loss=self._loss(stage, model), exact=self._exact(stage, adapter), answered=self._answered)

    def _loss(self, stage: Stage, model: Any) -> float:
        return mean_loss(model, self.held_out, self.pad_id, self.plan.batch, lambda _: self._stop_if_asked())

    def _exact(self, stage: Stage, adapter: str | None) -> float:
        def told(done: int) -> None:
            self._say(stage, done, self._answered)
            self._stop_if_asked()

        return exact_share(self.bench.engine, self.held_out[: self._answered], adapter, told)

    @property
    def _answered(self) -> int:
        return min(len(self.held_out), self.plan.measured)

    def _say(
        self, stage: Stage, done: int, total: int, loss: float | None = None, seconds_left: float | None = None
    ) -> None:
        self.tell(TuningProgress(stage=stage, done=done, total=total, loss=loss, seconds_left=seconds_left))

    def _stop_if_asked(self) -> None:
        if self.should_stop():
            raise Stopped(self.steps)


@contextmanager
def _memory(plan: TuningPlan) -> Iterator[None]:
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise CapacityError(
            f"Memory ran out while {plan.name!r} was trained; use a smaller --batch than {plan.batch}, a smaller "
            "--rank, or --strategy optimized (4 bit)."
        ) from error
