"""The routes of answers made elsewhere: read a file of them, and hold them against each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import ArmName, DatasetInfo, EvaluationInfo, EvaluationSpec, Item
from agent_lab.contracts.generation import MAX_PROMPT_CHARS
from agent_lab.contracts.reasons import reason
from agent_lab.contracts.registry import Usd
from agent_lab.contracts.sentences import Told, said, told_by
from agent_lab.evaluation.importing.reading import Imported, ImportedAnswer, read_answers
from agent_lab.evaluation.running.prepared import dataset_of
from agent_lab.lab.access import GuardedRoute, bodies_up_to, caller_of, check_owner, owner
from agent_lab.lab.evaluation_items import shortened
from agent_lab.lab.evaluation_shapes import DATASET, DONE, IMPORT, ITEM
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import answers
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["evaluations"])

MAX_ANSWERS_BYTES = 64_000_000
"""Of answers made elsewhere: 1,319 items and four arms with long answers are a few megabytes."""
FIRST_ITEMS = 5
FILE: dict[str, Any] = {
    "name": "theirs",
    "dataset": "demo",
    "text": '{"id": "17", "mine": "Answer: 42", "theirs": "I think 41."}\n',
    "arms": ["mine", "theirs"],
}
Column = Annotated[str, Field(min_length=1, max_length=200)]


class AnswerMade(BaseModel):
    """An answer that was made elsewhere; without a text there is none, which counts as wrong."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"example": {"item": "17", "answer": "Answer: 42"}}
    )

    item: str = Field(min_length=1, max_length=200, description="The id of an item of the dataset.")
    sample: int = Field(default=0, ge=0, lt=100)
    answer: str | None = Field(default=None, max_length=MAX_PROMPT_CHARS)
    cost_usd: Usd | None = Field(default=None, ge=0)
    prompt_tokens: int = Field(default=0, ge=0, le=10**12)
    completion_tokens: int = Field(default=0, ge=0, le=10**12)
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    right: bool | None = Field(default=None, description="What was said of it elsewhere; nothing is counted by it.")


class ImportRequest(BaseModel):
    """Answers that were made elsewhere, by the name of their arm, and how they are to be held against each other."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": IMPORT})

    spec: EvaluationSpec
    answers: dict[ArmName, list[AnswerMade]] = Field(min_length=1, max_length=32)


class AnswersFile(BaseModel):
    """A file of answers as its text: JSON lines, JSON or CSV, or the log of another harness."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": FILE})

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
        description="Of its only arm, where the file names none, and of its questions.",
    )
    text: str = Field(min_length=1)
    kind: Literal["auto", "json", "jsonl", "csv"] = "auto"
    dataset: str | None = Field(
        default=None, min_length=1, max_length=300, description="What was asked; null where the file holds that too."
    )
    arms: tuple[Column, ...] = Field(default=(), max_length=32, description="The columns that are arms, where needed.")
    columns: dict[Literal["input", "target", "id", "split", "answer", "arm"], Column] = Field(
        default_factory=dict, description="What columns are called, where that cannot be seen."
    )
    keep: bool = Field(default=False, description="Keep the file's own questions as a dataset of that name.")


class AnswersRead(BaseModel):
    """What a file of answers was understood as: `answers` is what an import takes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "dataset": DATASET,
                "items": [ITEM],
                "samples": 1,
                "answers": IMPORT["answers"],
                "warnings": ["elsewhere: 3 of 500 answers are missing and count as wrong (17, 18, 40)."],
            }
        }
    )

    dataset: DatasetInfo
    items: list[Item]
    """The first of them, their texts shortened."""
    samples: int
    answers: dict[ArmName, list[AnswerMade]]
    """By arm, to every item in the dataset's order; an answer of null is missing."""
    warnings: list[str]
    said: dict[str, Told] = Field(default_factory=dict)
    """By warning, what it says, for those who say it in another language."""


@router.post(
    "/api/evaluations/import/read",
    operation_id="read_answers",
    responses=documented(404, body=True),
)
@owner
@bodies_up_to(MAX_ANSWERS_BYTES)
async def read_answers_file(body: AnswersFile, request: Request, services: Services) -> AnswersRead:
    """Read a file of answers made elsewhere, before anything is imported: which arms it has, and what is missing.

    Every line that does not fit is told. `keep` is the owner's alone; nothing else is written.
    """
    if body.keep:
        check_owner(request)
    datasets = services.evaluations.datasets
    dataset = None if body.dataset is None else await dataset_of(body.dataset, datasets)
    found = await asyncio.to_thread(_read, body, None if dataset is None else dataset.items)
    if found.dataset is not None and body.keep:
        await datasets.put(found.dataset)
    asked = found.dataset or dataset
    assert asked is not None  # one of the two: a file is read against a dataset, or makes one
    return await asyncio.to_thread(_told, asked.info, asked.items, found)


def _read(body: AnswersFile, items: Sequence[Item] | None) -> Imported:
    return read_answers(
        body.text.encode("utf-8", "replace"),
        name=body.name,
        items=items,
        arm=body.name,
        arms=body.arms,
        columns={str(part): name for part, name in body.columns.items()},
        form=None if body.kind == "auto" else body.kind,
    )


def _told(dataset: DatasetInfo, items: Sequence[Item], found: Imported) -> AnswersRead:
    """Raises ValidationError for what an import would not take."""
    try:
        return AnswersRead(
            dataset=dataset,
            items=[shortened(item) for item in items[:FIRST_ITEMS]],
            samples=found.samples,
            answers={arm: [_made(one) for one in made] for arm, made in found.answers.items()},
            warnings=list(map(str, found.warnings)),
            said=told_by(found.warnings),
        )
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        at = " / ".join(str(part)[:80] for part in first["loc"])
        form = "The file holds what cannot be imported, at {at}: {reason}. Mend it there."
        raise ValidationError(said("not_importable", form, at=at, reason=reason(first))) from error


def _made(one: ImportedAnswer) -> AnswerMade:
    return AnswerMade(
        item=one.item,
        sample=one.sample,
        answer=one.answer,
        cost_usd=one.cost_usd,
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
        seconds=one.seconds,
        right=one.right,
    )


@router.post(
    "/api/evaluations/import",
    operation_id="import_evaluation",
    status_code=201,
    responses=documented(404, body=True) | answers(201, "Scored and kept; see its Location.", DONE),
)
@owner
@bodies_up_to(MAX_ANSWERS_BYTES)
async def import_evaluation(
    body: ImportRequest, request: Request, response: Response, services: Services
) -> EvaluationInfo:
    """Hold answers that were made elsewhere against each other as paired data. The owner's alone."""
    check_owner(request)
    answers_made = {arm: [ImportedAnswer(**dict(one)) for one in made] for arm, made in body.answers.items()}
    info = await services.evaluations.import_answers(body.spec, answers_made, caller=caller_of(request))
    response.headers["Location"] = f"/api/evaluations/{info.evaluation_id}"
    return info
