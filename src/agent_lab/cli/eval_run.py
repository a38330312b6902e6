"""`agent-lab eval run`: says what an evaluation takes, begins it, shows how far it is, and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.eval_options import column_option, scoring_options, spec_of, stored_dataset, testing_options
from agent_lab.cli.options import Number, Utf8, as_json, offline
from agent_lab.cli.runs import with_lab

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation import EvaluationEstimate, EvaluationInfo, EvaluationSpec
    from agent_lab.wiring import Lab


@click.command("run")
@click.argument("dataset", required=False, type=Utf8())
@click.option("--arm", "arms", multiple=True, type=Utf8(), metavar="ARM", help="One way of answering; repeat it.")
@testing_options
@scoring_options
@click.option("--samples", type=click.IntRange(1, 100), metavar="N", help="Answers of each arm to each item.  [1]")
@click.option("--language", type=click.Choice(["en", "es"]), help="The language of the flows' prompts.")
@click.option("--budget-usd", type=Number(0), metavar="USD", help="Stop before it has paid more.")
@click.option("--concurrency", type=click.IntRange(1, 256), metavar="N", help="Items in flight.  [8]")
@column_option
@click.option("--resume", "resumed", metavar="EVALUATION", type=Utf8(), help="Go on with one that ended early.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, and begin nothing.")
@click.option("--yes", "-y", is_flag=True, help="Begin without asking, whatever it costs.")
@click.option("--quiet", "-q", is_flag=True, help="Tell no estimate and no progress.")
@offline
@as_json
def run_evaluation(
    dataset: str | None, arms: tuple[str, ...], resumed: str | None, as_json: bool, **chosen: Any
) -> int:
    """Put DATASET through several arms and say, with a paired test at equal cost, which is better.

    DATASET is a file (JSONL, JSON or CSV; `-` reads standard input), a stored dataset, or `demo`: the problems that
    the built-in model has not seen. What was answered once is taken from the cache, so that the same command again
    pays nothing.

    \b
    An ARM is one of
      challenge, flow:challenge@3    a flow
      single, single:MODEL           one call with the bare question
      single~challenge               one call: the first draft of a flow
      best-single                    the best single model of the tuning split
      vote:5, vote~challenge:5       several answers, and a vote
      best-of:3, best-of:3:M/JUDGE   several answers, and a judge
      without:challenge/challenger   a flow with a node left out (or each in turn)
      noise:challenge                a flow whose critic speaks of something else
      drafts:challenge               a vote of the drafts that a flow has paid for
      equal-cost:challenge           what the same money buys without the flow
    with NAME= before it and settings behind it: "greedy=single temperature=0".

    Each flow is held against what its price buys without it (equal-cost), unless --baseline names another arm.
    """
    if (resumed is None) == (dataset is None) or (resumed is None and not arms) or (resumed and arms):
        raise click.UsageError("Give DATASET and at least one --arm, or --resume EVALUATION.")
    shown = {"as_json": as_json, "quiet": chosen.pop("quiet")}
    asked = {name: chosen.pop(name) for name in ("dry_run", "yes", "columns")}

    async def work(lab: Lab) -> int:
        if resumed is not None:
            info = await _resumed(lab, resumed, chosen["budget_usd"])
            return await _follow(lab, info, **shown)
        name = await stored_dataset(lab, dataset or "", asked["columns"])
        spec = spec_of(name, _arms(arms), with_money(chosen))
        estimate = await lab.evaluations.estimate(spec)
        if not _wanted(estimate, spec, asked, as_json=as_json, quiet=shown["quiet"]):
            return 0
        return await _follow(lab, await lab.evaluations.start(spec), **shown)

    return with_lab(work)


def _arms(texts: tuple[str, ...]) -> tuple[Any, ...]:
    from agent_lab.evaluation.arms.text import parse_arm

    return tuple(parse_arm(text) for text in texts)


def with_money(chosen: dict[str, Any]) -> dict[str, Any]:
    """The options, with the budget as money."""
    from decimal import Decimal

    budget = chosen["budget_usd"]
    return {**chosen, "budget_usd": None if budget is None else Decimal(str(budget))}


async def _resumed(lab: Lab, given: str, budget: float | None) -> EvaluationInfo:
    from decimal import Decimal

    from agent_lab.cli.eval_options import named

    evaluations = lab.evaluations
    id = await named(evaluations, given)
    return await evaluations.resume(id, budget_usd=None if budget is None else Decimal(str(budget)))


def _wanted(
    estimate: EvaluationEstimate, spec: EvaluationSpec, asked: dict[str, Any], *, as_json: bool, quiet: bool
) -> bool:
    """Whether it is to begin, after its cost was told. Raises ValidationError where nobody can be asked."""
    from agent_lab.cli.output import note, write, write_json

    if asked["dry_run"] and as_json:
        write_json(estimate.model_dump(mode="json"))
        return False
    tell = write if asked["dry_run"] else note
    for line in () if (quiet or as_json) and not asked["dry_run"] else estimate_lines(estimate):
        tell(line + "\n")
    if asked["dry_run"]:
        return False
    return asked["yes"] or not _may_cost(estimate) or spec.budget_usd is not None or _agreed(estimate, as_json)


def _may_cost(estimate: EvaluationEstimate) -> bool:
    return estimate.cost_at_most_usd is None or estimate.cost_at_most_usd > 0


def estimate_lines(estimate: EvaluationEstimate) -> list[str]:
    """What it would take, for people."""
    from agent_lab.cli.figures import money, seconds

    tokens = "" if estimate.tokens is None else f", {estimate.tokens:,} tokens"
    time = "" if estimate.seconds is None else f", about {seconds(estimate.seconds)}"
    typical, dearest = (
        "cost unknown" if cost is None else money(cost) for cost in (estimate.cost_usd, estimate.cost_at_most_usd)
    )
    most = f"at most {estimate.calls_at_most:,} calls, {dearest}"
    return [
        f"{estimate.items:,} items, {estimate.cells:,} answers: typically {estimate.calls:,} calls{tokens}, "
        f"{typical}{time}; {most}.",
        estimate.sentence[:1].upper() + estimate.sentence[1:].rstrip(".") + ".",
        *(f"Note: {warning}" for warning in estimate.warnings),
    ]


def _agreed(estimate: EvaluationEstimate, as_json: bool) -> bool:
    from agent_lab.cli.figures import money
    from agent_lab.cli.person import is_there
    from agent_lab.contracts.errors import ValidationError

    if as_json or not is_there():
        dearest = estimate.cost_at_most_usd
        most = "money, and how much is unknown" if dearest is None else f"up to {money(dearest)}"
        raise ValidationError(
            f"Nothing was begun: it may cost {most}. Add --yes to begin it, or a bound with --budget-usd.",
            where="--yes",
        )
    return click.confirm("Begin it?", default=True, err=True)


async def _follow(lab: Lab, info: EvaluationInfo, *, as_json: bool, quiet: bool) -> int:
    from agent_lab.cli.eval_following import ending, follow
    from agent_lab.cli.eval_report import show
    from agent_lab.cli.output import note
    from agent_lab.cli.session import INTERRUPTED

    ended = await follow(lab.evaluations, info, quiet=quiet or as_json)
    if ended is None:
        note(f"Stopped. Go on, and pay nothing twice: agent-lab eval run --resume {info.evaluation_id}")
        return INTERRUPTED
    show(await lab.evaluations.report(ended.evaluation_id), "json" if as_json else "terminal")
    sentence = ending(ended)
    if sentence is None:
        return 0
    note(sentence)
    return 1
