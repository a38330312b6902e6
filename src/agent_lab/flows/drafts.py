"""Takes in a flow document as somebody wrote it: within bounds, under a usable id, named by its content."""

from __future__ import annotations

import json
import re

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.documents import MAX_BYTES, content_hash
from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.flow import NAME, FlowConfig
from agent_lab.contracts.flow_ports import NewVersion
from agent_lab.contracts.sentences import said
from agent_lab.flows.catalog import flow_hash

MAX_NOTE_CHARS = 500


def draft(document: JsonValue, *, note: str = "", flow_id: str | None = None, autosaved: bool = False) -> NewVersion:
    """The document as a version to be kept, whatever else is wrong with it.

    `flow_id`: the id that it must have. Raises ValidationError, TooLargeError.
    """
    if not isinstance(document, dict):
        raise ValidationError(said("flow_shape", "A flow is a JSON object with `id`, `name` and `nodes`; send one."))
    check_id(document.get("id"), where="/id")
    if flow_id is not None and document["id"] != flow_id:
        raise ValidationError(
            said(
                "document_other_id",
                "The document's id is {given!r}, not {flow!r}; change one of them.",
                given=str(document["id"]),
                flow=flow_id,
            ),
            where="/id",
        )
    if len(note) > MAX_NOTE_CHARS:
        raise ValidationError(
            said("note_too_long", "A note has {most} characters at the most; shorten it.", most=MAX_NOTE_CHARS),
            where="note",
        )
    size_bytes = document_bytes([document, note])
    if size_bytes > MAX_BYTES:
        raise TooLargeError(
            said(
                "document_too_large",
                "The document has {size:,} bytes; {most:,} are allowed.",
                size=size_bytes,
                most=MAX_BYTES,
            )
        )
    return NewVersion(document=document, flow_hash=document_hash(document), note=note, autosaved=autosaved)


ID_FORM = said("write_id", "use small letters, digits and _, a letter first, 64 at most.")


def check_id(flow_id: JsonValue, *, where: str) -> str:
    """The id. Raises ValidationError for one that no flow may have."""
    if isinstance(flow_id, str) and re.fullmatch(NAME, flow_id):
        return flow_id
    if flow_id is None:
        raise ValidationError(
            said("flow_id_missing", "The id of the flow is missing; {form}", form=ID_FORM), where=where
        )
    given = str(flow_id)[:80]
    raise ValidationError(said("no_flow_id", "{given!r} is no flow id; {form}", given=given, form=ID_FORM), where=where)


def document_hash(document: dict[str, JsonValue]) -> str:
    """The content hash: that of the flow where the shape is right, so that a default written out changes nothing."""
    try:
        return flow_hash(FlowConfig.model_validate(document))
    except pydantic.ValidationError:
        return content_hash(document)


def document_bytes(document: JsonValue) -> int:
    """Its length as JSON. Raises ValidationError for what no JSON reader would take."""
    try:
        return len(json.dumps(document, ensure_ascii=False, allow_nan=False).encode())
    except UnicodeEncodeError:
        raise ValidationError(
            said(
                "document_half_character", "The document holds half of a surrogate pair; use whole Unicode characters."
            )
        ) from None
    except ValueError:
        raise ValidationError(
            said("document_number", "The document holds a number that JSON cannot write; use a smaller one.")
        ) from None
