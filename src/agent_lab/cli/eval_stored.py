"""`agent-lab eval list | show | cancel | delete`: the evaluations that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.eval_options import evaluation_argument, named
from agent_lab.cli.options import Utf8, as_json
from agent_lab.cli.runs import with_lab

MOST_VERDICTS = 3
"""So many are told in a list."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lab.contracts.evaluation import EvaluationInfo
    from agent_lab.wiring import Lab


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at the most.")
@click.option("--before", metavar="EVALUATION", type=Utf8(), help="Only those older than this one.")
@as_json
def list_evaluations(limit: int, before: str | None, as_json: bool) -> int:
    """The evaluations, newest first, with their verdicts."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json
        from agent_lab.cli.paper import standard_paper

        found = await lab.evaluations.list(limit=limit, before=before)
        if as_json:
            write_json({"evaluations": [info.model_dump(mode="json") for info in found]})
        elif found:
            headings = ["EVALUATION", "BEGUN", "STATUS", "DATASET", "VERDICTS"]
            standard_paper().table([_row(info) for info in found], headings=headings, cut=True)
        else:
            note("There are no evaluations yet; start one: agent-lab eval run demo --arm challenge")
        return 0

    return with_lab(work)


@click.command("show")
@evaluation_argument
@as_json
def show(evaluation: str, as_json: bool) -> int:
    """What EVALUATION asks, how far it is, and how it is made again."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write_json

        info = await lab.evaluations.get(await named(lab.evaluations, evaluation))
        if as_json:
            write_json(info.model_dump(mode="json"))
        else:
            _show(info)
        return 0

    return with_lab(work)


@click.command("cancel")
@evaluation_argument
@as_json
def cancel(evaluation: str, as_json: bool) -> int:
    """Stop EVALUATION, here or in the process that works on it; what it has is kept."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json

        info = await lab.evaluations.cancel(await named(lab.evaluations, evaluation))
        if as_json:
            write_json(info.model_dump(mode="json"))
        else:
            id = info.evaluation_id
            write(f"Evaluation {id} is {info.status}. It can go on: agent-lab eval run --resume {id}\n")
        return 0

    return with_lab(work)


@click.command("delete")
@evaluation_argument
@click.option("--yes", "-y", is_flag=True, help="Delete it without asking.")
@as_json
def delete(evaluation: str, yes: bool, as_json: bool) -> int:
    """Forget EVALUATION and its figures. Its dataset stays, and so does what was answered, in the cache."""

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import write, write_json

        id = await named(lab.evaluations, evaluation)
        info = await lab.evaluations.get(id)
        if not (yes or _agreed(info, asked=not as_json)):
            return 0
        await lab.evaluations.delete(id)
        if as_json:
            write_json({"deleted": id})
        else:
            write(f"Evaluation {id} is deleted.\n")
        return 0

    return with_lab(work)


def _agreed(info: EvaluationInfo, *, asked: bool) -> bool:
    from agent_lab.cli.person import is_there
    from agent_lab.contracts.errors import ValidationError

    if not (asked and is_there()):
        raise ValidationError("Nothing was deleted: add --yes to delete it.", where="--yes")
    return click.confirm(f"Delete {info.evaluation_id} ({info.progress.cells:,} answers)?", default=False)


def _row(info: EvaluationInfo) -> Sequence[str]:
    done = "" if info.status == "completed" else f" {100 * info.progress.cells // max(info.progress.of, 1)} %"
    told = "; ".join(f"{one.arm} {verdict_words(one.verdict, one.difference)}" for one in info.outcomes[:MOST_VERDICTS])
    told += f"; and {len(info.outcomes) - MOST_VERDICTS} more" if len(info.outcomes) > MOST_VERDICTS else ""
    begun = info.created_at.astimezone().strftime("%m-%d %H:%M")
    return [info.evaluation_id, begun, f"{info.status}{done}", info.dataset.name, told or _arms(info)]


def verdict_words(verdict: str, difference: float) -> str:
    """+18.5 better; no difference; no claim."""
    from agent_lab.evaluation.render.figures import VERDICTS, points

    told = VERDICTS[verdict]  # type: ignore[index]
    return f"{points(difference)} {told}" if verdict in {"better", "worse"} else told


def _arms(info: EvaluationInfo) -> str:
    return ", ".join(arm.name for arm in info.spec.arms)


def _show(info: EvaluationInfo) -> None:
    from agent_lab.cli.eval_following import ending, progress_line
    from agent_lab.cli.paper import standard_paper
    from agent_lab.evaluation.render.command import command_of

    paper = standard_paper()
    paper.line(f"{info.evaluation_id}: {info.spec.name or f'on {info.dataset.name}'}, {info.status}", style="bold")
    paper.line(f"{info.dataset.name}, {info.dataset.items:,} items, {info.dataset.content_hash[:12]}", style="dim")
    paper.line(progress_line(info.progress))
    paper.line()
    for arm in info.spec.arms:
        paper.line(f"  {arm.name}")
    for one in info.outcomes:
        paper.line(f"{one.arm} against {one.against}: {verdict_words(one.verdict, one.difference)}")
    paper.line()
    command = command_of(info.spec)
    if command is not None:
        paper.sentence(f"Made again with: {command}", style="dim")
    sentence = ending(info) if info.status not in {"queued", "running"} else None
    paper.sentence(sentence or f"Its report: agent-lab eval report {info.evaluation_id}", style="dim")
