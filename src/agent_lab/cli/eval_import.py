"""`agent-lab eval import`: answers that were made elsewhere, tested as paired data, and reported at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.eval_options import (
    SUFFIXES,
    column_map,
    column_option,
    is_file,
    read_file,
    scoring_options,
    spec_of,
    stored_dataset,
    testing_options,
)
from agent_lab.cli.options import Utf8, as_json, pairs
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation import Item
    from agent_lab.evaluation.importing.reading import Imported
    from agent_lab.wiring import Lab


@click.command("import")
@click.argument("dataset", required=False, type=Utf8())
@click.option(
    "--arm", "arms", multiple=True, type=Utf8(), metavar="NAME=FILE", help="The answers of one arm; repeat it."
)
@click.option(
    "--file", "files", multiple=True, type=Utf8(), metavar="FILE", help="A file with the answers of several arms."
)
@click.option(
    "--as", "columns_of_arms", multiple=True, type=Utf8(), metavar="COLUMN", help="Of --file: a column that is an arm."
)
@testing_options
@scoring_options
@column_option
@as_json
def import_evaluation(
    dataset: str | None, arms: tuple[str, ...], files: tuple[str, ...], as_json: bool, **chosen: Any
) -> int:
    """Test answers that were made elsewhere: score them, compare the arms as paired data, and report.

    DATASET holds the questions and targets: a file, a stored dataset or `demo`; leave it out where the files of the
    answers hold them. Answers find their items by `id`, else by question, else by their order. Files may be JSONL,
    JSON or CSV, samples of lm-evaluation-harness, or a log of inspect_ai.
    """
    if not (arms or files):
        raise click.UsageError("Give the answers: --arm NAME=FILE for each arm, or --file FILE with a column for each.")
    columns, of_arms = chosen.pop("columns"), chosen.pop("columns_of_arms")

    async def work(lab: Lab) -> int:
        from agent_lab.cli.eval_report import show
        from agent_lab.cli.output import note
        from agent_lab.contracts.evaluation import ImportedArm

        stored = None if dataset is None else await stored_dataset(lab, dataset, _of_items(columns))
        items = None if stored is None else (await lab.evaluations.datasets.get(stored)).items
        read = _Reading(items, columns, of_arms)
        for name, file in pairs(arms, "--arm", "NAME=FILE").items():
            await read.add(lab, file, arm=name)
        for file in files:
            await read.add(lab, file, arm=Path(file).stem)
        for warning in read.warnings:
            note(f"Note: {warning}")
        imported = tuple(ImportedArm(name=name, source=source) for name, source in read.sources.items())
        spec = spec_of(stored or read.dataset, imported, {**chosen, "samples": read.samples})
        info = await lab.evaluations.import_answers(spec, read.answers)
        info = await lab.evaluations.wait(info.evaluation_id)
        report = await lab.evaluations.report(info.evaluation_id)
        show(report, "json" if as_json else "terminal")
        return 0 if info.status == "completed" else 1

    return with_lab(work)


def _of_items(columns: tuple[str, ...]) -> tuple[str, ...]:
    """What the columns of a dataset are called; those of answers are no part of it."""
    return tuple(one for one in columns if one.partition("=")[0] not in {"answer", "arm"})


class _Reading:
    """The answers of all files, by arm."""

    def __init__(self, items: tuple[Item, ...] | None, columns: tuple[str, ...], of_arms: tuple[str, ...]) -> None:
        self._items, self._columns, self._of_arms = items, column_map(columns), of_arms
        self.answers: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.warnings: list[str] = []
        self.samples = 1
        self.dataset = ""
        """The name of the dataset that the files themselves hold, once one was read."""

    async def add(self, lab: Lab, file: str, *, arm: str) -> None:
        """Read a file. Raises ValidationError for an arm that another file has, and what `read_answers` raises."""
        from agent_lab.contracts.errors import ValidationError
        from agent_lab.evaluation.importing.reading import read_answers

        if not is_file(file):
            raise ValidationError(f"{file!r} is no file; a file's name ends with {', '.join(sorted(SUFFIXES))}.")
        found = read_answers(
            read_file(file), name=Path(file).stem, items=self._items, arm=arm, arms=self._of_arms, columns=self._columns
        )
        twice = self.answers.keys() & found.answers.keys()
        if twice:
            raise ValidationError(f"Two files hold answers of the arm {min(twice)!r}; name one with --arm NAME=FILE.")
        self.answers |= found.answers
        self.sources |= dict.fromkeys(found.answers, Path(file).name)
        self.samples = max(self.samples, found.samples)
        self.warnings += found.warnings
        await self._keep_questions(lab, found)

    async def _keep_questions(self, lab: Lab, found: Imported) -> None:
        if found.dataset is None or self._items is not None:
            return
        await lab.evaluations.datasets.put(found.dataset)
        self.dataset, self._items = found.dataset.info.name, found.dataset.items
