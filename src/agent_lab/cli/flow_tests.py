"""`agent-lab flows test`: runs the test cases that a flow carries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import as_json

if TYPE_CHECKING:
    from agent_lab.cli.paper import Paper
    from agent_lab.contracts.flow_ports import FlowRef
    from agent_lab.runs.cases import CaseResult


@click.command("test", short_help="Run the test cases that a flow carries.")
@click.argument("flow")
@click.option("--case", "case", metavar="NAME", help="Only the case of that name.")
@as_json
def test_flow(flow: str, case: str | None, as_json: bool) -> int:
    """Run the test cases of FLOW: an id (also `id@3`, `id@draft`), or a file whose name ends with .json.

    A case with `answers` runs on those and leaves nothing; one without them asks the real models. The exit code is 1
    where a case came out otherwise than it expects.
    """
    from agent_lab.cli.session import with_lab

    async def work(lab: Any) -> int:
        from agent_lab.cli.output import write_json
        from agent_lab.cli.paper import standard_paper
        from agent_lab.wiring import case_runner

        found = await _found(lab, flow)
        results = await case_runner(lab).run(found, only=case)
        passed = sum(one.passed for one in results)
        if as_json:
            told = [one.model_dump(mode="json") for one in results]
            write_json({"flow": found.flow.id, "passed": passed == len(results), "results": told})
        else:
            _show(standard_paper(), found.flow.id, results, passed)
        return 0 if passed == len(results) else 1

    return with_lab(work)


async def _found(lab: Any, flow: str) -> FlowRef:
    from agent_lab.runs.aside import ref_of

    if not flow.endswith(".json"):
        return await lab.runs.flows.resolve(flow)  # type: ignore[no-any-return]
    return ref_of(lab.flows.load(Path(flow)))


def _show(paper: Paper, flow: str, results: list[CaseResult], passed: int) -> None:
    for one in results:
        verdict = "passed" if one.passed else "FAILED"
        where = f"  run {one.run_id}" if one.run_id else ""
        paper.line(f"{verdict}  {one.name}  ({one.seconds:.2f} s){where}", style="good" if one.passed else "bad")
        for sentence in _reasons(one):
            paper.sentence(f"        {sentence}")
    paper.line(f"{flow}: {passed} of {len(results)} cases came out as expected.", style="bold")


def _reasons(result: CaseResult) -> list[str]:
    from agent_lab.runs.expectations import difference_line

    problem = [result.problem] if result.problem and not result.passed else []
    return problem + [difference_line(one) for one in result.differences]
