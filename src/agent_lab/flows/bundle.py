"""A flow with all its versions as one JSON document, to take it from one lab to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import pydantic
from pydantic import AwareDatetime, Field, JsonValue

from agent_lab.contracts.errors import ProblemsError, ValidationError
from agent_lab.contracts.flow import Part
from agent_lab.contracts.flow_ports import FlowVersion, NewVersion
from agent_lab.contracts.sentences import as_sentence, said
from agent_lab.flows.checks import shape_problems
from agent_lab.flows.drafts import MAX_NOTE_CHARS, check_id, draft

BUNDLE: Literal["agent-lab-flow-versions"] = "agent-lab-flow-versions"
MAX_BUNDLE_BYTES = 20_000_000
MAX_BUNDLE_VERSIONS = 10_000


class BundledVersion(Part):
    """A version in a bundle."""

    number: int = Field(ge=1)
    note: str = Field(default="", max_length=MAX_NOTE_CHARS)
    created_at: AwareDatetime | None = None
    document: dict[str, JsonValue]


class FlowBundle(Part):
    """A flow's versions, oldest first, and which of them is published."""

    bundle: Literal["agent-lab-flow-versions"] = BUNDLE
    format: Literal[1] = 1
    id: str
    published: int | None = None
    versions: tuple[BundledVersion, ...] = Field(min_length=1, max_length=MAX_BUNDLE_VERSIONS)


def is_bundle(document: JsonValue) -> bool:
    """True where the document says that it is one."""
    return isinstance(document, dict) and "bundle" in document


def bundle_of(flow_id: str, versions: Sequence[FlowVersion], *, published: int | None) -> dict[str, Any]:
    """The bundle of these versions, oldest first."""
    return {
        "bundle": BUNDLE,
        "format": 1,
        "id": flow_id,
        "published": published,
        "versions": [
            {
                "number": version.number,
                "note": version.note,
                "created_at": _written(version.created_at),
                "document": version.document,
            }
            for version in versions
        ],
    }


def unpack(document: JsonValue, *, flow_id: str | None = None) -> tuple[str, list[NewVersion], int | None]:
    """The id, the versions oldest first, and the place of the published one among them, from 1.

    `flow_id` stands in for the bundle's own. Raises ValidationError with all that is wrong with its shape.
    """
    try:
        bundle = FlowBundle.model_validate(document)
    except pydantic.ValidationError as error:
        raise _not_a_bundle(error, document) from None
    wanted = flow_id or check_id(bundle.id, where="/id")
    versions = []
    for one in bundle.versions:
        kept = draft({**one.document, "id": wanted}, note=one.note, flow_id=wanted)
        versions.append(
            NewVersion(document=kept.document, flow_hash=kept.flow_hash, note=kept.note, created_at=one.created_at)
        )
    numbers = [one.number for one in bundle.versions]
    if numbers != sorted(set(numbers)):
        raise ValidationError(
            said("bundle_order", "The versions of a bundle stand oldest first, each number once."), where="/versions"
        )
    if bundle.published is not None and bundle.published not in numbers:
        raise ValidationError(
            said("bundle_no_version", "The bundle has no version {version}.", version=bundle.published),
            where="/published",
        )
    return wanted, versions, None if bundle.published is None else numbers.index(bundle.published) + 1


def _not_a_bundle(error: pydantic.ValidationError, document: JsonValue) -> ProblemsError:
    problems = shape_problems(error, FlowBundle, document)[:20]
    lines = [
        said("at_place", "{place}: {problem}", place=one.path, problem=as_sentence(one.message)) for one in problems
    ]
    return ProblemsError(
        said("bundle_unreadable", "The bundle cannot be read:{lines:below}", lines=lines),
        problems=[(problem.path, problem.message) for problem in problems],
    )


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
