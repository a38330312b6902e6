"""`agent-lab models why`: each candidate for a request, and why it would be taken or left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import Number, as_json, fitting

if TYPE_CHECKING:
    from agent_lab.contracts.generation import GenerationRequest
    from agent_lab.gateway.resolution import Candidate
    from agent_lab.wiring import Lab


@click.command("why", short_help="Which model would answer, and why each other one would not.")
@click.argument("key", required=False)
@click.option("--prompt", default="?", metavar="TEXT", help="The question (`-` reads it from standard input).")
@click.option("--task", metavar="TYPE", help="What kind of task it is: code, math, reasoning, ...")
@click.option("--max-tokens", type=click.IntRange(1, 1_000_000), metavar="N", help="The longest answer, in tokens.")
@click.option("--max-vram", type=Number(min=0, min_open=True), metavar="GB", help="Memory it may take.")
@click.option("--latency", type=Number(min=0, min_open=True), metavar="S", help="Seconds it may take.")
@click.option("--budget", type=Number(min=0), metavar="USD", help="What it may cost.")
@click.option("--url", metavar="URL", help="Ask a running server, which knows how fast and how well its models are.")
@as_json
def why(key: str | None, url: str | None, as_json: bool, **wish: Any) -> int:
    """Which model would answer, and why each of the others would not; with KEY, that one and who stands in for it."""
    request = _request(key, wish)
    if url is not None:
        return _show(_from_server(url, request), None, as_json)

    from agent_lab.cli.session import with_lab

    async def work(lab: Lab) -> int:
        candidates = lab.gateway.explain(request)
        told = [{"key": one.key, "taken": one.taken, "reason": one.reason} for one in candidates]
        near = None if key is None else _near(lab, key, candidates)
        return _show(told, near, as_json)

    return with_lab(work)


def _request(key: str | None, wish: dict[str, Any]) -> GenerationRequest:
    from agent_lab.cli.question import read_question
    from agent_lab.contracts.generation import Constraints, GenerationRequest

    constraints = fitting(
        Constraints, max_vram_gb=wish["max_vram"], latency_budget_s=wish["latency"], cost_budget_usd=wish["budget"]
    )
    prompt = read_question(wish["prompt"])
    request: GenerationRequest = fitting(
        GenerationRequest,
        prompt=prompt,
        model_key=key,
        task_type=wish["task"],
        max_tokens=wish["max_tokens"],
        constraints=constraints,
    )
    return request


def _from_server(url: str, request: GenerationRequest) -> list[dict[str, Any]]:
    from agent_lab.cli.remote import call
    from agent_lab.settings import read_settings

    body = request.model_dump(mode="json", exclude_defaults=True)
    answer = call(read_settings().settings, url, "POST", "/models/why", "", body=body)
    found: list[dict[str, Any]] = answer["candidates"]
    return found


def _near(lab: Lab, key: str, candidates: list[Candidate]) -> set[str]:
    """The model that was asked about, and everything that it leads to."""
    row = lab.models.get_model(key)  # an unknown key is wrong use, and not a candidate that was left
    sides = [lab.models.get_model(side) for side in row.split]
    taken = [one.key for one in candidates if one.taken]
    return {key, *row.fallbacks, *row.split, *taken, *(name for side in sides for name in side.fallbacks)}


def _show(candidates: list[dict[str, Any]], near: set[str] | None, as_json: bool) -> int:
    from agent_lab.cli.output import write_json
    from agent_lab.cli.paper import standard_paper

    if near is not None:
        candidates = [one for one in candidates if one["key"] in near]
    if as_json:
        write_json({"candidates": candidates})
        return 0
    paper = standard_paper()
    verdicts = ["taken" if one["taken"] else "left" for one in candidates]
    if len(candidates) == 1:
        paper.sentence(f"{verdicts[0]}: {candidates[0]['reason']}")
        return 0
    rows = [[verdict, one["key"], one["reason"]] for verdict, one in zip(verdicts, candidates, strict=True)]
    paper.table(rows, headings=["", "MODEL", "WHY"])
    return 0
