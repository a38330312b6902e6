"""The routes that say what came of an evaluation: report, answers, items, a gate, two arms held against each other."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.errors import ConflictError, NotFoundError
from agent_lab.contracts.evaluation import Cell
from agent_lab.contracts.evaluation_report import PairedDifference, Report
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.render.html import html
from agent_lab.evaluation.render.markdown import markdown
from agent_lab.evaluation.report.comparing import Stored
from agent_lab.evaluation.report.comparing import compare_arms as compared
from agent_lab.evaluation.report.gate import gate
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.evaluation_items import ItemAnswers, ItemPage, ItemRow, Only, like, rows, shortened
from agent_lab.lab.evaluation_shapes import CELL, DIFFERENCE, GATE, REPORT
from agent_lab.lab.pages import Cursor, page_of
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import answers
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["evaluations"])

ArmQuery = Annotated[str, Query(min_length=1, max_length=120, description="The name of an arm.")]
MaybeArm = Annotated[str | None, Query(max_length=120, description="The name of an arm.")]
REPORTS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Report,
        "description": "All of it; as `markdown` or `html` a file to keep, which needs nothing else.",
        "content": {
            "application/json": {"example": REPORT},
            "text/markdown": {"schema": {"type": "string"}, "example": "# challenge against equal-cost:challenge\n"},
            "text/html": {"schema": {"type": "string"}, "example": "<!doctype html>\n"},
        },
    }
}


_WRITERS = {"markdown": (markdown, "text/markdown", "md"), "html": (html, "text/html", "html")}


class CellPage(BaseModel):
    """A page of answers; `next_cursor` is None on the last one."""

    model_config = ConfigDict(json_schema_extra={"example": {"cells": [CELL], "next_cursor": None}})

    cells: list[Cell]
    next_cursor: str | None


class GateAnswer(BaseModel):
    """Whether an arm may take the place of another: it may unless it is significantly worse."""

    model_config = ConfigDict(json_schema_extra={"example": GATE})

    passed: bool
    sentence: str
    difference: PairedDifference


@router.get(
    "/api/evaluations/{evaluation_id}/report",
    operation_id="evaluation_report",
    response_model=Report,
    responses=documented(404, 409, 422) | REPORTS,
)
@owner
async def evaluation_report(
    evaluation_id: str,
    services: Services,
    written_as: Annotated[Literal["json", "markdown", "html"], Query(alias="format")] = "json",
) -> Report | Response:
    """What came of it: each arm's figures, each paired difference with its verdict, what the deliberation did."""
    report = await services.evaluations.report(evaluation_id)
    if written_as == "json":
        return report
    write, kind, ending = _WRITERS[written_as]
    text = await asyncio.to_thread(write, report)
    headers = {"Content-Disposition": f'attachment; filename="evaluation-{report.evaluation.evaluation_id}.{ending}"'}
    return Response(text.encode("utf-8", "replace"), media_type=f"{kind}; charset=utf-8", headers=headers)


@router.get("/api/evaluations/{evaluation_id}/cells", operation_id="list_cells", responses=documented(404, 422))
@owner
async def list_cells(
    evaluation_id: str,
    services: Services,
    arm: MaybeArm = None,
    item: Annotated[str | None, Query(max_length=200, description="The id of an item.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> CellPage:
    """The answers, each with its score, its cost and what was said on the way to it."""
    found = [
        cell
        for cell in await services.evaluations.cells(evaluation_id)
        if arm in {None, cell.arm} and item in {None, cell.item}
    ]
    page, next_cursor = page_of(found, limit, cursor)
    return CellPage(cells=page, next_cursor=next_cursor)


@router.get("/api/evaluations/{evaluation_id}/items", operation_id="list_items", responses=documented(404, 422))
@owner
async def list_items(
    evaluation_id: str,
    services: Services,
    only: Annotated[Only, Query(description="How `arm` did on it beside `against`.")] = "all",
    arm: MaybeArm = None,
    against: MaybeArm = None,
    q: Annotated[str, Query(max_length=200, description="Items whose id or text has this in it.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> ItemPage:
    """The items in the order in which they were asked, and how each arm did: those, say, on which two arms differ."""
    all_rows = await _rows(services, evaluation_id)
    found = await asyncio.to_thread(like, all_rows, only, arm, against, q)
    page, next_cursor = page_of(found, limit, cursor)
    shown = [ItemRow(item=shortened(row.item), marks=row.marks) for row in page]
    return ItemPage(items=shown, found=len(found), next_cursor=next_cursor)


@router.get("/api/evaluations/{evaluation_id}/item", operation_id="get_item", responses=documented(404, 422))
@owner
async def get_item(
    evaluation_id: str,
    services: Services,
    item: Annotated[str, Query(alias="id", min_length=1, max_length=200, description="The item's id.")],
) -> ItemAnswers:
    """One item with every answer to it, in full."""
    items = await services.evaluations.store.items(evaluation_id)
    found = next((one for one in items if one.id == item), None)
    if found is None:
        raise NotFoundError(
            said("no_item", "The evaluation has no item {item!r}; its items are listed under /items.", item=item),
            where="id",
        )
    cells = [cell for cell in await services.evaluations.cells(evaluation_id) if cell.item == item]
    return ItemAnswers(item=found, cells=cells)


@router.get(
    "/api/evaluations/{evaluation_id}/gate",
    operation_id="gate_evaluation",
    responses=documented(404, 409, 422) | answers(200, "Whether it passes.", GATE),
)
@owner
async def gate_evaluation(
    evaluation_id: str, arm: ArmQuery, services: Services, against: MaybeArm = None
) -> GateAnswer:
    """For continuous integration of prompts: passed unless the arm is significantly worse than the other one.

    Without `against` it is held against its baseline.
    """
    report = await services.evaluations.report(evaluation_id)
    if against is not None and {arm, against} not in ({one.arm, one.against} for one in report.differences):
        report = await _pair(services, evaluation_id, arm, against)
    found = await asyncio.to_thread(gate, report, arm, against)
    return GateAnswer(passed=found.passed, sentence=found.sentence, difference=found.difference)


@router.get(
    "/api/evaluations/{evaluation_id}/compare",
    operation_id="compare_arms",
    responses=documented(404, 409, 422) | answers(200, "The paired difference.", DIFFERENCE),
)
@owner
async def compare_arms(evaluation_id: str, arm: ArmQuery, against: ArmQuery, services: Services) -> PairedDifference:
    """Any two arms as paired data: the difference of their scores on the same items, and what may be said of it."""
    return (await _pair(services, evaluation_id, arm, against)).differences[0]


async def _pair(services: LabServices, evaluation_id: str, arm: str, against: str) -> Report:
    """A report of those two arms alone. Raises ConflictError where they have no item in common."""
    service = services.evaluations
    stored = Stored(
        info=await service.get(evaluation_id),
        items=await service.store.items(evaluation_id),
        cells=await service.cells(evaluation_id),
        origins=await service.store.origins(evaluation_id),
    )
    version = (await service.report(evaluation_id)).scorer
    found = await asyncio.to_thread(compared, stored, arm, stored, against, scorer_version=version)
    if not found.differences:
        raise ConflictError(
            said("nothing_to_compare", "There is nothing to compare yet: no item has an answer of both arms.")
        )
    return found


async def _rows(services: LabServices, evaluation_id: str) -> list[ItemRow]:
    items = await services.evaluations.store.items(evaluation_id)
    cells = await services.evaluations.cells(evaluation_id)
    return await asyncio.to_thread(rows, items, cells)
