"""`agent-lab eval gate`: for pipelines; fails only where an arm is significantly worse on the same items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_lab.cli.eval_options import evaluation_argument, named
from agent_lab.cli.options import Utf8, as_json
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.wiring import Lab


@click.command("gate")
@evaluation_argument
@click.option("--arm", required=True, type=Utf8(), metavar="ARM", help="The candidate.")
@click.option("--against", type=Utf8(), metavar="ARM", help="What it must not lose to.  [its baseline]")
@as_json
def gate(evaluation: str, arm: str, against: str | None, as_json: bool) -> int:
    """Exit code 1 where ARM is significantly worse than the other on the same items; what is not known passes.

    The reason is printed, with what a loss would have had to be to be seen.
    """

    async def work(lab: Lab) -> int:
        from agent_lab.cli.eval_compare import with_pair
        from agent_lab.cli.output import write, write_json
        from agent_lab.evaluation.report.gate import gate as decide

        report = await lab.evaluations.report(await named(lab.evaluations, evaluation))
        found = decide(await with_pair(lab, report, arm, against), arm, against)
        if as_json:
            told = {"passed": found.passed, "sentence": found.sentence}
            write_json({**told, "difference": found.difference.model_dump(mode="json")})
        else:
            write(f"{'Passed' if found.passed else 'FAILED'}: {found.sentence}\n")
        return 0 if found.passed else 1

    return with_lab(work)
