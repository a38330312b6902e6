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
from agent_lab.flows.catalog import flow_hash

MAX_NOTE_CHARS = 500


def draft(document: JsonValue, *, note: str = "", flow_id: str | None = None, autosaved: bool = False) -> NewVersion:
    """The document as a version to be kept, whatever else is wrong with it.

    `flow_id`: the id that it must have. Raises ValidationError, TooLargeError.
    """
    if not isinstance(document, dict):
        raise ValidationError("A flow is a JSON object with `id`, `name` and `nodes`; send one.")
    check_id(document.get("id"), where="/id")
    if flow_id is not None and document["id"] != flow_id:
        raise ValidationError(
            f"The document's id is {document['id']!r}, not {flow_id!r}; change one of them.", where="/id"
        )
    if len(note) > MAX_NOTE_CHARS:
        raise ValidationError(f"A note has {MAX_NOTE_CHARS} characters at the most; shorten it.", where="note")
    size_bytes = document_bytes([document, note])
    if size_bytes > MAX_BYTES:
        raise TooLargeError(f"The document has {size_bytes:,} bytes; {MAX_BYTES:,} are allowed.")
    return NewVersion(document=document, flow_hash=document_hash(document), note=note, autosaved=autosaved)


def check_id(flow_id: JsonValue, *, where: str) -> str:
    """The id. Raises ValidationError for one that no flow may have."""
    if isinstance(flow_id, str) and re.fullmatch(NAME, flow_id):
        return flow_id
    given = f"{str(flow_id)[:80]!r} is no flow id" if flow_id is not None else "The id of the flow is missing"
    raise ValidationError(f"{given}; use small letters, digits and _, a letter first, 64 at most.", where=where)


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
        raise ValidationError("The document holds half of a surrogate pair; use whole Unicode characters.") from None
    except ValueError:
        raise ValidationError("The document holds a number that JSON cannot write; use a smaller one.") from None
