"""The routes that look at a flow's versions: the list, one of them, what changed between two, and all to take away."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from agent_lab.contracts.flow_ports import StoredFlow
from agent_lab.flows.difference import difference_text
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.flow_answers import (
    AnyDocument,
    FlowDifference,
    VersionDocument,
    VersionPage,
    etag,
    version_document,
    version_of,
)
from agent_lab.lab.flows import WhichVersion
from agent_lab.lab.problems import documented
from agent_lab.lab.services import LabServices, Services

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

Compared = "A number, `draft` (the newest), `published`, or `original` (not stored)."


@router.get("/api/flows/{flow_id}/versions", operation_id="list_flow_versions", responses=documented(404, 422))
@owner
async def list_flow_versions(
    flow_id: str,
    services: Services,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="`next_cursor` of the page before.")] = None,
) -> VersionPage:
    """The saved versions, newest first; also of a deleted flow, whose runs name them."""
    rows = await services.shelf.versions(flow_id, limit=limit + 1, before=cursor)
    stored = await _tagged(flow_id, services, response)
    return VersionPage(
        id=flow_id,
        published=stored and stored.published,
        revision=stored and stored.revision,
        versions=[version_of(row) for row in rows[:limit]],
        next_cursor=rows[limit - 1].number if len(rows) > limit else None,
    )


@router.get("/api/flows/{flow_id}/versions/{number}", operation_id="get_flow_version", responses=documented(404, 422))
@owner
async def get_flow_version(flow_id: str, number: int, services: Services, response: Response) -> VersionDocument:
    """A saved version with its document; also of a deleted flow."""
    version = await services.shelf.version(flow_id, number)
    await _tagged(flow_id, services, response)
    return version_document(version)


@router.get("/api/flows/{flow_id}/difference", operation_id="compare_flow_versions", responses=documented(404, 422))
@owner
async def compare_flow_versions(
    flow_id: str,
    services: Services,
    response: Response,
    before: Annotated[str, Query(alias="from", max_length=20, description=Compared)],
    after: Annotated[str, Query(alias="to", max_length=20, description=Compared)],
) -> FlowDifference:
    """What changed between two versions: nodes, edges and fields, prompts line by line."""
    found = await services.shelf.difference(flow_id, before, after)
    text = await asyncio.to_thread(difference_text, found)
    await _tagged(flow_id, services, response)
    return FlowDifference(**{name: getattr(found, name) for name in type(found).model_fields}, text=text)


@router.get(
    "/api/flows/{flow_id}/export",
    operation_id="export_flow",
    response_model=AnyDocument,
    responses=documented(404, 422),
)
@owner
async def export_flow(
    flow_id: str,
    services: Services,
    version: WhichVersion = None,
    versions: Annotated[bool, Query(description="All versions in one document, for an import elsewhere.")] = False,
) -> JSONResponse:
    """A flow as a file to keep or to give away: its document, or all versions of it."""
    if versions:
        document = await services.shelf.bundle(flow_id)
    else:
        name = flow_id if version is None else f"{flow_id}@{version}"
        document = (await services.shelf.get(name)).document
    kept = f"{document['id']}{'-versions' if versions else ''}.json"
    response = JSONResponse(document, headers={"Content-Disposition": f'attachment; filename="{kept}"'})
    await _tagged(document["id"], services, response)
    return response


async def _tagged(flow_id: str, services: LabServices, response: Response) -> StoredFlow | None:
    """How the flow stands in the store, said as the answer's ETag."""
    stored = await services.shelf.stored(flow_id)
    if stored is not None:
        response.headers["ETag"] = etag(stored)
    return stored
