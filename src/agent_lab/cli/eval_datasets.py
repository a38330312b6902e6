"""`agent-lab eval datasets`: the datasets that are stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_lab.cli.eval_options import column_map, column_option, read_file
from agent_lab.cli.lazy import CONTEXT
from agent_lab.cli.options import Utf8, as_json
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation import Dataset
    from agent_lab.wiring import Lab


@click.group(context_settings=CONTEXT)
def datasets() -> None:
    """List, add, show and remove datasets."""


@datasets.command("list")
@as_json
def list_datasets(as_json: bool) -> int:
    """The datasets by name."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.cli.paper import standard_paper

        found = await lab.evaluations.datasets.list()
        if as_json:
            write_json({"datasets": [info.model_dump(mode="json") for info in found]})
            return 0
        rows = [
            [one.name, f"{one.items:,}", f"{one.tune}/{one.test}", one.content_hash[:12], one.source] for one in found
        ]
        standard_paper().table(rows, headings=["DATASET", "ITEMS", "TUNE/TEST", "CONTENT", "FROM"])
        return 0

    return with_lab(work)


@datasets.command("add")
@click.argument("file", type=Utf8())
@click.option("--name", type=Utf8(), metavar="NAME", help="What it is called.  [as the file is]")
@column_option
@as_json
def add(file: str, name: str | None, columns: tuple[str, ...], as_json: bool) -> int:
    """Read a dataset from FILE (JSONL, JSON, CSV; GSM8K's own format; `-` reads standard input) and keep it."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json
        from agent_lab.evaluation.data.datasets import read_dataset

        called = name or ("stdin" if file == "-" else Path(file).stem)
        dataset = read_dataset(read_file(file), name=called, source=Path(file).name, columns=column_map(columns))
        await lab.evaluations.datasets.put(dataset)
        if as_json:
            write_json(dataset.info.model_dump(mode="json"))
        else:
            write(
                f"{called}: {dataset.info.items:,} items. Try it: agent-lab eval run {called} --arm single --dry-run\n"
            )
        return 0

    return with_lab(work)


@datasets.command("show")
@click.argument("dataset", type=Utf8())
@click.option("--limit", type=click.IntRange(0, 100_000), default=5, show_default=True, help="So many of its items.")
@as_json
def show(dataset: str, limit: int, as_json: bool) -> int:
    """What is in DATASET, and its first items."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json

        found = await lab.evaluations.datasets.get(dataset)
        if as_json:
            items = [item.model_dump(mode="json") for item in found.items[:limit]]
            write_json({**found.info.model_dump(mode="json"), "first_items": items})
        else:
            _show(found, limit)
        return 0

    return with_lab(work)


@datasets.command("remove")
@click.argument("dataset", type=Utf8())
@as_json
def remove(dataset: str, as_json: bool) -> int:
    """Forget DATASET; the evaluations that were made with it keep their items."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json

        await lab.evaluations.datasets.delete(dataset)
        if as_json:
            write_json({"removed": dataset})
        else:
            write(f"The dataset {dataset} is removed.\n")
        return 0

    return with_lab(work)


def _show(dataset: Dataset, limit: int) -> None:
    from agent_lab.cli.paper import one_line, standard_paper

    paper, info = standard_paper(), dataset.info
    paper.line(f"{info.name}: {info.items:,} items from {info.source or 'unknown'}", style="bold")
    paper.line(f"content {info.content_hash}", style="dim")
    if info.tune or info.test:
        paper.line(f"{info.tune:,} for tuning, {info.test:,} for testing")
    if info.columns:
        paper.line(f"other columns: {', '.join(info.columns)}")
    for item in dataset.items[:limit]:
        paper.line()
        paper.line(f"{item.id}{f' ({item.split})' if item.split else ''}", style="bold")
        paper.sentence(one_line(item.input, 600))
        paper.line(f"  -> {one_line(item.target or 'no target', 200)}")
