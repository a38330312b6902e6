"""What the commands about evaluations share: options that say how one is done, and names that may be files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_lab.cli.options import Command, Number, Utf8, fitting, pairs

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation import EvaluationSpec
    from agent_lab.evaluation.service import EvaluationService
    from agent_lab.wiring import Lab

SCORERS = ("number", "exact", "choice", "regex", "contains", "json", "code", "judge")
SUFFIXES = frozenset({".jsonl", ".json", ".csv", ".tsv", ".ndjson"})
_SCORER_OPTIONS = {
    "scorer": "name",
    "pattern": "pattern",
    "choices": "choices",
    "tolerance": "tolerance",
    "judge": "model",
    "criterion": "question",
    "code_timeout": "timeout_s",
}

evaluation_argument = click.argument("evaluation", metavar="EVALUATION", type=Utf8())
column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    type=Utf8(),
    metavar="PART=NAME",
    help="What input, target, id or split is called in the file, where it cannot be seen.",
)


def scoring_options(command: Command) -> Command:
    """--scorer and what belongs to it."""
    for option in (
        click.option("--run-code", is_flag=True, help="Allow that answers are run as code (for --scorer code)."),
        click.option(
            "--code-timeout", type=Number(0, 600, min_open=True), metavar="S", help="Of code: its most seconds."
        ),
        click.option("--criterion", type=Utf8(), metavar="TEXT", help="Of judge: what makes an answer the better one."),
        click.option("--judge", metavar="MODEL", help="Of judge: the model that compares; it makes judge the scorer."),
        click.option("--match-case", is_flag=True, help="Tell capital and small letters apart."),
        click.option("--tolerance", type=Number(0), metavar="N", help="Of number: how far off still counts."),
        click.option(
            "--choice", "choices", multiple=True, type=Utf8(), metavar="TEXT", help="Of choice: one that may be."
        ),
        click.option("--pattern", type=Utf8(), metavar="REGEX", help="Of regex: its first group is the answer."),
        click.option(
            "--scorer", type=click.Choice(SCORERS), help="How an answer is held against its target.  [number]"
        ),
    ):
        command = option(command)
    return command


def testing_options(command: Command) -> Command:
    """Which items are taken, and by what the verdicts are given."""
    for option in (
        click.option(
            "--cost-tolerance", type=Number(0, 0.5, min_open=True), metavar="X", help="Equal cost is within it."
        ),
        click.option("--cost-unit", type=click.Choice(["usd", "tokens", "generated_tokens"]), help="What cost is."),
        click.option(
            "--margin", type=Number(0, 1, min_open=True, max_open=True), metavar="X", help="0.02: two points."
        ),
        click.option("--alpha", type=Number(0, 0.5, min_open=True, max_open=True), metavar="X", help="False alarms."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Of the answers and the order."),
        click.option("--order", type=click.Choice(["given", "shuffled"]), help="In which the items are taken."),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first so many items of the order."),
        click.option("--split", type=click.Choice(["tune", "test"]), help="Only the items of that split."),
        click.option("--baseline", type=Utf8(), metavar="ARM", help="What arms are held against.  [auto]"),
        click.option("--name", type=Utf8(), metavar="TEXT", help="What the evaluation is called."),
    ):
        command = option(command)
    return command


def spec_of(dataset: str, arms: tuple[Any, ...], chosen: dict[str, Any]) -> EvaluationSpec:
    """The evaluation that the options ask for. Raises ValidationError for what does not go together."""
    from agent_lab.contracts.evaluation import EvaluationSpec, ScorerSpec

    given = {name: value for name, value in chosen.items() if value is not None}
    scorer = {_SCORER_OPTIONS[name]: given.pop(name) for name in _SCORER_OPTIONS if name in given}
    if "model" in scorer:
        scorer.setdefault("name", "judge")
    if given.pop("match_case", False):
        scorer["ignore_case"] = False
    made: EvaluationSpec = fitting(
        EvaluationSpec, dataset=dataset, arms=arms, scorer=fitting(ScorerSpec, **scorer), **given
    )
    return made


def is_file(given: str) -> bool:
    """True for what can only be a file, or is one."""
    return given == "-" or Path(given).suffix.lower() in SUFFIXES or "/" in given or Path(given).is_file()


def read_file(given: str, *, max_bytes: int | None = None) -> bytes:
    """What is in the file; `-` is standard input. Raises ValidationError, TooLargeError."""
    import sys

    from agent_lab.contracts.errors import TooLargeError, ValidationError
    from agent_lab.evaluation.data.tables import MAX_BYTES

    bound = max_bytes or MAX_BYTES
    try:
        if given == "-":
            raw = sys.stdin.buffer.read(bound + 1)
        else:
            with Path(given).open("rb") as opened:
                raw = opened.read(bound + 1)
    except OSError as error:
        raise ValidationError(f"The file {given} cannot be read: {error.strerror or error}.", where=given) from error
    if len(raw) > bound:
        raise TooLargeError(f"The file {given} is larger than {bound / 1e6:,.0f} MB; give a part of it.", where=given)
    return raw


async def stored_dataset(lab: Lab, given: str, columns: tuple[str, ...] = ()) -> str:
    """The name of the dataset: as it is given, or of a file that is read and stored under its name."""
    if not is_file(given):
        return given
    from agent_lab.evaluation.data.datasets import read_dataset

    name = "stdin" if given == "-" else Path(given).stem
    dataset = read_dataset(read_file(given), name=name, source=Path(given).name, columns=column_map(columns))
    await lab.evaluations.datasets.put(dataset)
    return name


def column_map(columns: tuple[str, ...]) -> dict[str, str]:
    """What the parts of an item are called in a file."""
    return pairs(columns, "--column", "PART=NAME")


async def named(service: EvaluationService, given: str) -> str:
    """The id of an evaluation; `last` is the newest. Raises NotFoundError."""
    if given != "last":
        return given
    from agent_lab.contracts.errors import NotFoundError

    newest = await service.list(limit=1)
    if not newest:
        raise NotFoundError("There are no evaluations yet; start one: agent-lab eval run demo --arm challenge")
    return newest[0].evaluation_id
