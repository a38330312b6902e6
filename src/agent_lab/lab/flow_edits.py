"""The routes that change stored flows: each save is a version, and what is published stands apart from drafts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from agent_lab.contracts.documents import MAX_BYTES
from agent_lab.contracts.errors import StaleError, ValidationError
from agent_lab.contracts.sentences import said
from agent_lab.flows.bundle import MAX_BUNDLE_BYTES
from agent_lab.flows.drafts import MAX_NOTE_CHARS
from agent_lab.flows.finding import Entry
from agent_lab.lab.access import GuardedRoute, bodies_up_to, owner
from agent_lab.lab.flow_answers import AnyDocument, EditedFlow, edited, revision_of
from agent_lab.lab.problems import documented
from agent_lab.lab.services import Services

router = APIRouter(route_class=GuardedRoute, tags=["flows"])

IfMatch = Annotated[str | None, Header(description="The ETag of what was changed, or `*` to be the last word.")]
Note = Annotated[str, Query(max_length=MAX_NOTE_CHARS, description="Why: shown beside the version.")]
Autosave = Annotated[bool, Query(description="True where an editor saves on its own, not a person.")]
EDIT = documented(404, 412, body=True)


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishRequest(_Action):
    """Which version the plain name shall stand for; null withdraws it."""

    model_config = ConfigDict(json_schema_extra={"example": {"version": 3}})

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None


class RollBackRequest(_Action):
    """Which version's content shall come back."""

    model_config = ConfigDict(json_schema_extra={"example": {"version": 2}})

    version: int = Field(ge=1, le=2**31 - 1)


class DuplicateRequest(_Action):
    """The id of the copy, and the version to be copied where it is not the one that the plain name stands for."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": "challenge_in_depth"}})

    id: str = Field(max_length=200)
    version: str | None = Field(default=None, max_length=20, description="A number, `draft`, `published`, `original`.")


@router.post("/api/flows", operation_id="create_flow", status_code=201, responses=documented(409, body=True))
@owner
@bodies_up_to(MAX_BYTES)
async def create_flow(body: AnyDocument, services: Services, response: Response, note: Note = "") -> EditedFlow:
    """Store a new flow under its document's id. It may have problems yet; they are told."""
    return _made(await services.shelf.create(body.document, note=note), response)


@router.put(
    "/api/flows/{flow_id}",
    operation_id="save_flow",
    responses=documented(409, 412, body=True) | {201: {"model": EditedFlow, "description": "Its first version."}},
)
@owner
@bodies_up_to(MAX_BYTES)
async def save_flow(
    flow_id: str,
    body: AnyDocument,
    services: Services,
    response: Response,
    if_match: IfMatch = None,
    note: Note = "",
    autosave: Autosave = False,
) -> EditedFlow:
    """Save a new version. For a flow of the library or of a file: the first stored one, which may be published.

    A stored flow asks for `If-Match`, so that nobody's work is lost: 412 says that somebody else was first. The same
    content as that of the newest version makes no new one. An autosave makes room for the next one, unless it was
    published or run; its number is not used again.
    """
    expected = revision_of(if_match)
    stored = await services.shelf.stored(flow_id)
    if stored is not None and if_match is None:
        raise ValidationError(
            said(
                "needs_if_match",
                "The flow {flow!r} is stored already: send If-Match with the ETag that you read.",
                flow=flow_id,
            ),
            where="If-Match",
        )
    if stored is None and if_match is not None:
        raise StaleError(
            said(
                "no_longer_stored",
                "No flow {flow!r} is stored (any more); leave If-Match out to store it.",
                flow=flow_id[:80],
            )
        )
    shelf = services.shelf
    entry = await shelf.save(flow_id, body.document, note=note, expected=expected, autosaved=autosave)
    if stored is None:
        return _made(entry, response)
    return edited(entry, response)


@router.delete("/api/flows/{flow_id}", operation_id="delete_flow", status_code=204, responses=documented(404, 412, 422))
@owner
async def delete_flow(flow_id: str, services: Services, if_match: IfMatch = None) -> None:
    """Delete a stored flow. Its versions stay for the runs that name them; a library flow beneath it is back."""
    await services.shelf.delete(flow_id, expected=revision_of(if_match))


@router.post("/api/flows/{flow_id}/publish", operation_id="publish_flow", responses=EDIT)
@owner
async def publish_flow(
    flow_id: str, body: PublishRequest, services: Services, response: Response, if_match: IfMatch = None
) -> EditedFlow:
    """Make a version what the plain name stands for, here and as a model; it must be free of problems."""
    expected = revision_of(if_match)
    if body.version is None:
        return edited(await services.shelf.withdraw(flow_id, expected=expected), response)
    return edited(await services.shelf.publish(flow_id, body.version, expected=expected), response)


@router.post("/api/flows/{flow_id}/rollback", operation_id="roll_back_flow", responses=EDIT)
@owner
async def roll_back_flow(
    flow_id: str, body: RollBackRequest, services: Services, response: Response, if_match: IfMatch = None
) -> EditedFlow:
    """Save a new version with the content of an old one, unless the newest has that content already."""
    entry = await services.shelf.roll_back(flow_id, body.version, expected=revision_of(if_match))
    return edited(entry, response)


@router.post(
    "/api/flows/{flow_id}/duplicate",
    operation_id="duplicate_flow",
    status_code=201,
    responses=documented(404, 409, body=True),
)
@owner
async def duplicate_flow(flow_id: str, body: DuplicateRequest, services: Services, response: Response) -> EditedFlow:
    """Store a copy of any flow under another id."""
    name = flow_id if body.version is None else f"{flow_id}@{body.version}"
    return _made(await services.shelf.duplicate(name, body.id), response)


@router.post("/api/flows/import", operation_id="import_flow", status_code=201, responses=documented(409, body=True))
@owner
@bodies_up_to(MAX_BUNDLE_BYTES)
async def import_flow(
    body: AnyDocument,
    services: Services,
    response: Response,
    as_id: Annotated[str | None, Query(alias="id", max_length=200, description="Another id for it.")] = None,
) -> EditedFlow:
    """Store a flow from elsewhere: a document, or what an export with all versions gave."""
    return _made(await services.shelf.import_document(body.document, flow_id=as_id), response)


def _made(entry: Entry, response: Response) -> EditedFlow:
    response.status_code = 201
    response.headers["Location"] = f"/api/flows/{entry.flow_id}"
    return edited(entry, response)
