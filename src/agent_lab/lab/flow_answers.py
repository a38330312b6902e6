"""What the routes of flows take and answer: entries, edited flows, versions, differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import FlowConfig, FlowInput, Text
from agent_lab.contracts.flow_ports import FlowVersion, StoredFlow, VersionRow
from agent_lab.contracts.sentences import Told, said, told_of
from agent_lab.flows.checks import Problem
from agent_lab.flows.difference import Difference
from agent_lab.flows.finding import Entry

ENTRY: dict[str, Any] = {
    "id": "challenge",
    "name": {"en": "Challenge", "es": "Debate"},
    "description": {"en": "One drafts, one attacks, one repairs."},
    "origin": "stored",
    "flow_hash": "9f2c",
    "inputs": {"user_input": {"description": "The question", "default": None}},
    "roles": ["creator", "challenger", "refiner"],
    "drawing": {
        "nodes": [
            {"id": "creator", "kind": "generate", "role": "creator"},
            {"id": "challenger", "kind": "generate", "role": "challenger"},
            {"id": "refiner", "kind": "generate", "role": "refiner"},
        ],
        "edges": [{"from": "creator", "to": "challenger"}, {"from": "challenger", "to": "refiner"}],
    },
    "version": 3,
    "newest": 4,
    "published": 3,
    "revision": 7,
    "updated_at": "2026-11-21T09:00:00Z",
    "problem_count": 1,
}
DOCUMENT: dict[str, Any] = {
    "id": "two_steps",
    "name": "Two steps",
    "nodes": [
        {"id": "draft", "kind": "generate", "prompt": "{user_input}"},
        {"id": "better", "kind": "generate", "prompt": "Improve: {draft_output}"},
    ],
    "edges": [{"from": "draft", "to": "better"}],
}
PROBLEM: dict[str, Any] = {
    "path": "/nodes/0/kind",
    "message": "There is no node kind 'gennerate'; did you mean 'generate'?",
    "severity": "error",
    "said": {
        "code": "no_kind",
        "values": {"kind": "gennerate", "hint": {"code": "did_you_mean", "values": {"either": ["generate"]}}},
    },
}
VERSION: dict[str, Any] = {
    "number": 4,
    "flow_hash": "9f2c",
    "note": "Ask for sources",
    "created_at": "2026-11-21T09:00:00Z",
    "autosaved": False,
}


MAX_DRAWN_NODES = 60
"""A larger flow is no small picture."""


class DrawnNode(BaseModel):
    """A node of a small picture."""

    id: str
    kind: str
    role: str


class DrawnEdge(BaseModel):
    """An edge of a small picture."""

    model_config = ConfigDict(populate_by_name=True)

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    max_rounds: int | None = None
    """Of an edge back, which leads against the others."""


class FlowDrawing(BaseModel):
    """What a small picture of a flow needs."""

    nodes: list[DrawnNode]
    edges: list[DrawnEdge]


class FlowEntry(BaseModel):
    """A flow of the list, as it answers to its plain name.

    `origin` is `library`, `file` (of your folder) or `stored`. `version`, `newest`, `published` and `revision` are
    null where nothing is stored under the id; `version` is also null where the stored ones are drafts yet, and what is
    beneath them answers. `problem_count` is that of the newest version. `drawing` is null for a flow that is too large
    for a small picture, or that cannot be read.
    """

    model_config = ConfigDict(json_schema_extra={"example": ENTRY})

    id: str
    name: Text
    description: Text
    origin: Literal["library", "file", "stored"]
    flow_hash: str
    inputs: dict[str, FlowInput]
    roles: list[str]
    drawing: FlowDrawing | None = None
    version: int | None = None
    newest: int | None = None
    published: int | None = None
    revision: int | None = None
    updated_at: datetime | None = None
    problem_count: int = 0


class FlowProblem(BaseModel):
    """What is wrong with a flow document, and where (a JSON pointer)."""

    model_config = ConfigDict(json_schema_extra={"example": PROBLEM})

    path: str
    message: str
    severity: Literal["error", "warning"] = "error"
    """A flow with warnings alone can be run."""
    said: Told | None = None
    """What the message says, for those who say it in another language."""


class EditedFlow(FlowEntry):
    """A flow after an edit: the version that was made or chosen, and what is to be mended in it."""

    model_config = ConfigDict(json_schema_extra={"example": ENTRY | {"problems": [PROBLEM]}})

    problems: list[FlowProblem]


class FlowDocument(FlowConfig):
    """A flow: nodes, edges, inputs and limits."""

    model_config = ConfigDict(json_schema_extra={"example": DOCUMENT})


class AnyDocument(BaseModel):
    """A flow document as somebody wrote it, also one that is not right yet."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": DOCUMENT})

    __pydantic_extra__: dict[str, JsonValue]

    @property
    def document(self) -> dict[str, JsonValue]:
        """The document."""
        return dict(self.model_extra or {})


class VersionEntry(BaseModel):
    """A saved version, without its document."""

    model_config = ConfigDict(json_schema_extra={"example": VERSION})

    number: int
    flow_hash: str
    note: str
    created_at: datetime
    autosaved: bool = False
    """The next autosave takes its place, unless it was published or a run names it."""


class VersionPage(BaseModel):
    """A page of a flow's versions, newest first. `revision` is null for a flow that is not stored (any more)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"id": "challenge", "published": 3, "revision": 7, "versions": [VERSION], "next_cursor": None}
        }
    )

    id: str
    published: int | None
    revision: int | None
    versions: list[VersionEntry]
    next_cursor: int | None


class VersionDocument(VersionEntry):
    """A saved version with its document."""

    model_config = ConfigDict(json_schema_extra={"example": VERSION | {"document": DOCUMENT}})

    document: dict[str, JsonValue]


class FlowDifference(Difference):
    """What changed from one version to another, as data and as a text for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "nodes_added": ["judge"],
                "edges_added": [{"from": "better", "to": "judge"}],
                "text": "+ node judge\n+ edge better → judge",
            }
        }
    )

    text: str


def entry_of(entry: Entry) -> FlowEntry:
    """The entry as the list shows it."""
    return FlowEntry(**_shown(entry))


def edited(entry: Entry, response: Response) -> EditedFlow:
    """The answer to an edit, and its ETag."""
    tag(response, entry)
    return EditedFlow(**_shown(entry), problems=problems_of(entry.problems))


def tag(response: Response, entry: Entry) -> None:
    """Say the revision of a stored flow, for `If-Match`."""
    if entry.stored is not None:
        response.headers["ETag"] = etag(entry.stored)


def etag(flow: StoredFlow) -> str:
    """Its revision, as `If-Match` wants it back."""
    return f'"{flow.revision}"'


def problems_of(problems: Sequence[Problem]) -> list[FlowProblem]:
    """The problems as the API tells them."""
    return [
        FlowProblem(path=one.path, message=one.message, severity=one.severity, said=told_of(one.message))
        for one in problems
    ]


def version_of(row: VersionRow) -> VersionEntry:
    """A version as a list shows it."""
    return VersionEntry(
        number=row.number,
        flow_hash=row.flow_hash,
        note=row.note,
        created_at=row.created_at,
        autosaved=row.autosaved,
    )


def version_document(version: FlowVersion) -> VersionDocument:
    """A version with its document."""
    return VersionDocument(**version_of(version).model_dump(), document=version.document)


def revision_of(if_match: str | None) -> int | None:
    """The revision that an edit was made on; None for `*` and where there is no header. Raises ValidationError."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/")
    number = tag[1:-1] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise ValidationError(
            said("if_match_form", 'If-Match takes one ETag as it was answered, such as "7", or *.'), where="If-Match"
        )
    return int(number)


def _shown(entry: Entry) -> dict[str, Any]:
    flow, stored = entry.flow, entry.stored
    shown: dict[str, Any] = {
        "id": entry.flow_id,
        "name": flow.name if flow else _text(entry.document.get("name")) or entry.flow_id,
        "description": flow.description if flow else _text(entry.document.get("description")),
        "origin": entry.origin,
        "flow_hash": entry.flow_hash,
        "inputs": flow.inputs if flow else {},
        "roles": list(dict.fromkeys(node.part for node in flow.nodes)) if flow else [],
        "drawing": _drawing(flow) if flow else None,
        "version": entry.version,
        "problem_count": len(entry.problems),
    }
    if stored is None:
        return shown
    standing = {name: getattr(stored, name) for name in ("newest", "published", "revision", "updated_at")}
    return shown | standing


def _drawing(flow: FlowConfig) -> FlowDrawing | None:
    if len(flow.nodes) > MAX_DRAWN_NODES:
        return None
    return FlowDrawing(
        nodes=[DrawnNode(id=node.id, kind=node.kind, role=node.part) for node in flow.nodes],
        edges=[DrawnEdge(source=edge.source, target=edge.target, max_rounds=edge.max_rounds) for edge in flow.edges],
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
