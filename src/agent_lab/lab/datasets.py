"""The routes of datasets: list them, look at their items, bring one in, forget one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.evaluation import Dataset, DatasetInfo, Item
from agent_lab.evaluation.data.datasets import DEMO, demo_dataset, read_dataset
from agent_lab.evaluation.running.prepared import dataset_of
from agent_lab.lab.access import GuardedRoute, bodies_up_to, check_owner, owner
from agent_lab.lab.evaluation_items import shortened
from agent_lab.lab.evaluation_shapes import DATASET, ITEM
from agent_lab.lab.pages import Cursor, page_of
from agent_lab.lab.problems import documented
from agent_lab.lab.run_shapes import answers
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["evaluations"])

MAX_DATASET_BYTES = 64_000_000
PREVIEW_ITEMS = 5
UPLOAD: dict[str, Any] = {
    "name": "sums",
    "text": '{"id": "1", "input": "12 + 30?", "target": "42"}\n{"id": "2", "input": "7 * 6?", "target": "42"}\n',
}


class DatasetList(BaseModel):
    """The datasets by name, the built-in one among them."""

    model_config = ConfigDict(json_schema_extra={"example": {"datasets": [DATASET]}})

    datasets: list[DatasetInfo]


class DatasetUpload(BaseModel):
    """A dataset as the text of its file: JSON lines or CSV with named columns, or GSM8K's own form."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": UPLOAD})

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    text: str = Field(min_length=1)
    kind: Literal["auto", "jsonl", "csv"] = "auto"
    input_column: str | None = Field(default=None, max_length=200)
    target_column: str | None = Field(default=None, max_length=200)
    id_column: str | None = Field(default=None, max_length=200)


class DatasetItems(BaseModel):
    """A dataset and some of its items, their texts shortened; `next_cursor` is None on the last page."""

    model_config = ConfigDict(json_schema_extra={"example": {"dataset": DATASET, "items": [ITEM], "next_cursor": None}})

    dataset: DatasetInfo
    items: list[Item]
    next_cursor: str | None


@router.get("/api/datasets", operation_id="list_datasets", responses=documented())
@owner
async def list_datasets(services: Services) -> DatasetList:
    """What an evaluation may be made on."""
    kept = await services.evaluations.datasets.list()
    built_in = [] if any(one.name == DEMO for one in kept) else [(await asyncio.to_thread(demo_dataset)).info]
    return DatasetList(datasets=[*built_in, *kept])


@router.get("/api/datasets/{name}/items", operation_id="dataset_items", responses=documented(404, 422))
@owner
async def dataset_items(
    name: str,
    services: Services,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    cursor: Cursor = None,
) -> DatasetItems:
    """Some of its items, in their order."""
    dataset = await dataset_of(name, services.evaluations.datasets)
    page, next_cursor = page_of(dataset.items, limit, cursor)
    return DatasetItems(dataset=dataset.info, items=[shortened(one) for one in page], next_cursor=next_cursor)


@router.post(
    "/api/datasets/preview",
    operation_id="preview_dataset",
    responses=documented(body=True),
)
@owner
@bodies_up_to(MAX_DATASET_BYTES)
async def preview_dataset(body: DatasetUpload) -> DatasetItems:
    """Read a dataset without keeping it: how many items it has, and the first of them."""
    dataset = await asyncio.to_thread(_read, body)
    page, _ = page_of(dataset.items, PREVIEW_ITEMS, None)
    return DatasetItems(dataset=dataset.info, items=[shortened(one) for one in page], next_cursor=None)


@router.post(
    "/api/datasets",
    operation_id="put_dataset",
    status_code=201,
    responses=documented(body=True) | answers(201, "It is kept.", DATASET),
)
@owner
@bodies_up_to(MAX_DATASET_BYTES)
async def put_dataset(body: DatasetUpload, request: Request, services: Services) -> DatasetInfo:
    """Keep a dataset under a name; the newest of a name is what the name means. The owner's alone."""
    check_owner(request)
    dataset = await asyncio.to_thread(_read, body)
    await services.evaluations.datasets.put(dataset)
    return dataset.info


@router.delete(
    "/api/datasets/{name}",
    operation_id="delete_dataset",
    status_code=204,
    response_class=Response,
    responses=documented(404),
)
@owner
async def delete_dataset(name: str, request: Request, services: Services) -> Response:
    """Forget a name; evaluations that were made on it keep their items. The owner's alone."""
    check_owner(request)
    await services.evaluations.datasets.delete(name)
    return Response(status_code=204)


def _read(body: DatasetUpload) -> Dataset:
    asked = {"input": body.input_column, "target": body.target_column, "id": body.id_column}
    columns = {part: name for part, name in asked.items() if name is not None}
    form = None if body.kind == "auto" else body.kind
    return read_dataset(body.text.encode("utf-8", "replace"), name=body.name, columns=columns, form=form)
