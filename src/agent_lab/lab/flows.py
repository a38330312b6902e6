"""The routes of the flows that there are: the list, their documents, and checking one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from agent_lab.contracts.documents import MAX_BYTES
from agent_lab.flows.catalog import errors_in
from agent_lab.flows.salvage import salvaged
from agent_lab.flows.scope import flow_scope
from agent_lab.lab.access import GuardedRoute, bodies_up_to, owner
from agent_lab.lab.flow_answers import (
    ENTRY,
    PROBLEM,
    AnyDocument,
    FlowDocument,
    FlowEntry,
    FlowProblem,
    entry_of,
    problems_of,
    tag,
)
from agent_lab.lab.flow_scopes import SCOPE, ScopeAnswer, scope_answer
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

WhichVersion = Annotated[
    str | None,
    Query(max_length=20, description="A number, `draft` (the newest), `published`, or `original` (not stored)."),
]


class BrokenFile(BaseModel):
    """A file of the user's flow folder that cannot be used, and why."""

    file: str
    problems: list[FlowProblem]


class FlowList(BaseModel):
    """Flows by id, and the files that are none yet; `next_cursor` is null on the last page."""

    model_config = ConfigDict(json_schema_extra={"example": {"flows": [ENTRY], "broken": [], "next_cursor": None}})

    flows: list[FlowEntry]
    broken: list[BrokenFile]
    next_cursor: str | None


class Verdict(BaseModel):
    """Whether a document is a flow that can be run, and what it lets its nodes name.

    `scope` is told of documents with problems too, by what of them can be read; null where no node can be.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"valid": False, "problems": [PROBLEM], "scope": SCOPE}})

    valid: bool
    problems: list[FlowProblem]
    scope: ScopeAnswer | None = None


@router.get("/api/flows", operation_id="list_flows", responses=documented(422))
@owner
async def list_flows(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
) -> FlowList:
    """All flows: the stored ones, those of your own folder, and the library's."""
    page = await services.shelf.list(limit=limit, after=cursor)
    files = await asyncio.to_thread(services.flows.broken)
    broken = [BrokenFile(file=one.path.name, problems=problems_of(one.problems)) for one in files]
    return FlowList(flows=[entry_of(one) for one in page.entries], broken=broken, next_cursor=page.next_cursor)


@router.get(
    "/api/flows/{flow_id}", operation_id="get_flow", response_model=FlowDocument, responses=documented(404, 422)
)
@owner
async def get_flow(flow_id: str, services: Services, version: WhichVersion = None) -> JSONResponse:
    """A flow's document as its author wrote it; a draft may have problems yet. A stored one has an ETag."""
    entry = await services.shelf.get(flow_id if version is None else f"{flow_id}@{version}")
    response = JSONResponse(entry.document)
    tag(response, entry)
    return response


@router.post("/api/flows/validate", operation_id="validate_flow", responses=documented(body=True))
@owner
@bodies_up_to(MAX_BYTES)
async def validate_flow(body: AnyDocument, services: Services) -> Verdict:
    """Check a document without saving it: every problem, each with its place and with what would do.

    `scope` says what templates and conditions may name at each node, and what a run may take.
    """
    document = body.document
    found = await services.shelf.examine(document)
    kinds = services.runs.shop.kinds

    def scope() -> ScopeAnswer | None:
        flow = found.flow or salvaged(document)
        return scope_answer(flow_scope(flow, kinds, found.subflows.get)) if flow else None

    return Verdict(
        valid=found.flow is not None and not errors_in(found.problems),
        problems=problems_of(found.problems),
        scope=await asyncio.to_thread(scope),
    )
