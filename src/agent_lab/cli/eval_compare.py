"""`agent-lab eval compare`: any two arms as paired data, of one evaluation or of two on the same items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.eval_options import evaluation_argument, named
from agent_lab.cli.options import Utf8, as_json
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation_report import Report
    from agent_lab.evaluation.report.comparing import Stored
    from agent_lab.wiring import Lab


@click.command("compare")
@evaluation_argument
@click.argument("arms", nargs=-1, type=Utf8(), metavar="[ARM [AGAINST]]")
@click.option("--with", "other", type=Utf8(), metavar="EVALUATION", help="AGAINST is an arm of this one.")
@as_json
def compare(evaluation: str, arms: tuple[str, ...], other: str | None, as_json: bool) -> int:
    """The paired differences of EVALUATION; with ARM and AGAINST the difference of these two.

    With --with, ARM is one of EVALUATION and AGAINST one of the other, by default of the same name: the same arm
    before and after a change, on the items that both evaluations have.
    """
    if len(arms) > 2 or (len(arms) == 1 and other is None) or (other is not None and not arms):
        raise click.UsageError("Name two arms: EVALUATION ARM AGAINST, or EVALUATION ARM [AGAINST] --with OTHER.")

    async def work(lab: Lab) -> int:
        from agent_lab.cli.output import note, write_json

        first = await named(lab.evaluations, evaluation)
        if arms:
            second = first if other is None else await named(lab.evaluations, other)
            found = await compared(lab, (first, arms[0]), (second, arms[-1]))
        else:
            found = await lab.evaluations.report(first)
        if as_json:
            write_json({"differences": [one.model_dump(mode="json") for one in found.differences]})
            return 0
        if not found.differences:
            note("There is nothing to compare: no two arms have answered the same items.")
        _show(found)
        return 0

    return with_lab(work)


async def compared(lab: Lab, first: tuple[str, str], second: tuple[str, str]) -> Report:
    """The report of two arms, each with its evaluation. Raises NotFoundError, ConflictError, ValidationError."""
    import asyncio

    from agent_lab.evaluation.report.comparing import compare_arms

    one = await _stored(lab, first[0])
    other = one if second[0] == first[0] else await _stored(lab, second[0])
    version = (await lab.evaluations.report(first[0])).scorer
    return await asyncio.to_thread(compare_arms, one, first[1], other, second[1], scorer_version=version)


async def with_pair(lab: Lab, report: Report, arm: str, against: str | None) -> Report:
    """The report, or, where it does not hold these two against each other, one that does."""
    pair = {arm, against}
    if against is None or any({one.arm, one.against} == pair for one in report.differences):
        return report
    id = report.evaluation.evaluation_id
    return await compared(lab, (id, arm), (id, against))


async def _stored(lab: Lab, evaluation_id: str) -> Stored:
    from agent_lab.evaluation.report.comparing import Stored

    service = lab.evaluations
    return Stored(
        info=await service.get(evaluation_id),
        items=await service.store.items(evaluation_id),
        cells=await service.cells(evaluation_id),
        origins=await service.store.origins(evaluation_id),
    )


def _show(found: Report) -> None:
    from agent_lab.cli.eval_paper import show_differences, show_verdicts
    from agent_lab.cli.paper import standard_paper

    paper = standard_paper()
    show_verdicts(paper, found)
    show_differences(paper, found)
