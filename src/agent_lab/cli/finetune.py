"""`agent-lab finetune`: trains an adapter on a file of examples, shows how far it is, and measures what it brought."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import Number, as_json

if TYPE_CHECKING:
    from agent_lab.providers.local.tuning.plan import TuningPlan, TuningProgress, TuningReport

INTERRUPTED = 130


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--base", required=True, metavar="KEY", help="The local model to train an adapter for.")
@click.option("--name", metavar="NAME", help="What the adapter is called; else after the base and the file.")
@click.option("--epochs", type=Number(0.01, 1000), default=3.0, show_default=True, help="Passes.")
@click.option("--max-steps", type=click.IntRange(1, 10_000_000), metavar="N", help="Stop after so many steps.")
@click.option(
    "--lr",
    "learning_rate",
    type=Number(0, 1, min_open=True),
    default=1e-3,
    show_default=True,
    help="The highest rate of learning; 2e-4 suits models of billions of parameters.",
)
@click.option("--rank", type=click.IntRange(1, 1024), default=16, show_default=True, help="The adapter's width.")
@click.option("--batch", type=click.IntRange(1, 4096), default=16, show_default=True, help="Examples a step.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Train the same way again.")
@click.option("--strategy", metavar="NAME", help="How the base is loaded, such as `optimized` (4 bit).")
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the adapter is kept.")
@click.option("--checkpoint-every", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="Steps.")
@click.option("--resume", is_flag=True, help="Go on with a training of that name that was stopped.")
@as_json
def finetune(dataset: Path, as_json: bool, **chosen: Any) -> int:
    """Train an adapter for a local model on the examples of DATASET (JSONL or CSV).

    A row has prompt and completion, input and target, question and answer, or messages. A tenth of the questions is
    held out: measured before and after, never learned from. Ctrl-C keeps what is done; --resume goes on.
    """
    from agent_lab.cli.output import note
    from agent_lab.providers.local.tuning.tuner import Stopped
    from agent_lab.settings import read_settings
    from agent_lab.wiring import open_tuner

    reading = read_settings()
    for warning in reading.warnings:
        note(f"Note: {warning}")
    plan = _plan(dataset, reading.settings.data_dir, chosen)
    tuner = open_tuner(reading.settings)
    tuner.check(plan)
    try:
        with _interrupts() as asked, _Shown(as_json) as shown:
            report = tuner.train(plan, dataset, shown.tell, lambda: bool(asked))
    except Stopped as stopped:
        kept = f"{stopped.steps} steps are kept; go on with the same command and --resume." if stopped.steps else ""
        note(f"Interrupted. {kept or 'Nothing was trained yet.'}")
        return INTERRUPTED
    _told(report, as_json)
    return 0


def _plan(dataset: Path, data_dir: Path, chosen: dict[str, Any]) -> TuningPlan:
    from agent_lab.providers.local.tuning.naming import default_name
    from agent_lab.providers.local.tuning.plan import TuningPlan

    name = chosen.pop("name") or default_name(chosen["base"], dataset)
    out = chosen.pop("out") or data_dir / "adapters" / name
    return TuningPlan(name=name, out=out.expanduser().absolute(), **chosen)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The first Ctrl-C (or SIGTERM) is put into the list; the second leaves at once."""
    from agent_lab.cli.output import note

    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        note("\nStopping after this step. Press Ctrl-C again to leave at once.")

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _Shown:
    """Shows how far a training is: a line that is written over on a terminal, a line now and then in a pipe."""

    def __init__(self, as_json: bool) -> None:
        from agent_lab.cli.paper import standard_paper

        self._paper = None if as_json else standard_paper(moving=True)
        self._stage = ""

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        if self._paper is not None:
            self._paper.close()

    def tell(self, progress: TuningProgress) -> None:
        """Take the next figure."""
        if self._paper is None:
            return
        is_new, self._stage = progress.stage != self._stage, progress.stage
        if self._paper.lively:
            self._paper.progress(_words(progress))
        if (is_new and not self._paper.lively) or _is_mark(progress):
            self._paper.line(_words(progress))


def _is_mark(progress: TuningProgress) -> bool:
    """Whether a step is one of the twenty or so that leave a line."""
    if progress.stage != "train":
        return False
    return bool(progress.done == progress.total or progress.done % max(1, progress.total // 20) == 0)


def _words(progress: TuningProgress) -> str:
    if progress.stage == "load":
        return "Loading the base and reading the examples"
    if progress.stage != "train":
        when = "before" if progress.stage == "measure_before" else "after"
        return f"Measuring {when}: {progress.done} of {progress.total} answers"
    loss = "" if progress.loss is None else f", loss {progress.loss:.4f}"
    return f"Step {progress.done} of {progress.total}{loss}, {_left(progress.seconds_left or 0.0)} left"


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _told(report: TuningReport, as_json: bool) -> None:
    from agent_lab.cli.output import write_json
    from agent_lab.cli.paper import standard_paper

    command = f"agent-lab ask --model {shlex.quote(report.name)} QUESTION"
    if as_json:
        document = {name: str(one) if isinstance(one, Path) else one for name, one in asdict(report).items()}
        write_json({**document, "command": command})
        return
    paper = standard_paper()
    for one in report.notes:
        paper.sentence(f"Note: {one}")
    if report.skipped:
        paper.sentence(f"Note: {report.skipped} examples were skipped: they are longer than the model reads.")
    before, after = report.before, report.after
    paper.table(
        [
            ["loss a token", f"{before.loss:.4f}", f"{after.loss:.4f}"],
            [f"exactly right, of {after.answered}", f"{before.exact:.1%}", f"{after.exact:.1%}"],
        ],
        headings=[f"HELD OUT ({report.held_out})", report.base, report.name],
    )
    paper.sentence(
        f"Trained on {report.trained} examples, {report.steps} steps in {report.train_s:.0f} s: "
        f"{report.parameters:,} parameters in {report.folder}"
    )
    paper.sentence(f"Ask it: {command}")
