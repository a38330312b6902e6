"""What both flow stores hold to: what an edit makes of a flow's row, and which edits are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agent_lab.contracts.errors import ConflictError, NotFoundError, StaleError
from agent_lab.contracts.flow_ports import FlowVersion, NewVersion, StoredFlow, VersionRow
from agent_lab.contracts.sentences import said


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A flow as it is kept: a deleted one still counts its versions."""

    flow: StoredFlow
    deleted: bool = False


def living(kept: Kept | None, flow_id: str, expected: int | None) -> StoredFlow:
    """The flow that an edit is made on. Raises NotFoundError, StaleError."""
    if kept is None or kept.deleted:
        raise NotFoundError(
            said(
                "no_stored_flow",
                "There is no stored flow {flow!r}; `agent-lab flows list` shows those that there are.",
                flow=flow_id[:80],
            )
        )
    if expected not in (None, kept.flow.revision):
        raise StaleError(
            said(
                "flow_changed_meanwhile",
                "The flow {flow!r} was changed since it was read (revision {revision}, not "
                "{expected}); read it again, then change it.",
                flow=flow_id,
                revision=kept.flow.revision,
                expected=expected or 0,
            )
        )
    return kept.flow


def added(kept: Kept | None, flow_id: str, count: int, published: int | None, now: datetime) -> StoredFlow:
    """The row of a flow that begins, or begins again, with `count` versions. Raises ConflictError."""
    if kept is not None and not kept.deleted:
        raise ConflictError(
            said(
                "stored_flow_there",
                "There is a stored flow {flow!r} already; save a version of it, or take another id.",
                flow=flow_id,
            )
        )
    newest, revision = (kept.flow.newest, kept.flow.revision) if kept else (0, 0)
    return StoredFlow(
        flow_id=flow_id,
        newest=newest + count,
        published=None if published is None else newest + published,
        revision=revision + 1,
        updated_at=now,
    )


def published(flow: StoredFlow, number: int | None, now: datetime, *, there: bool) -> StoredFlow:
    """The row with that version published; `there`: it is kept. Raises NotFoundError."""
    if number is not None and not there:
        raise NotFoundError(
            said(
                "no_version",
                "The flow {flow!r} has no version {version}; its newest is {newest}.",
                flow=flow.flow_id,
                version=number,
                newest=flow.newest,
            )
        )
    if number == flow.published:
        return flow
    return replace(flow, published=number, revision=flow.revision + 1, updated_at=now)


def next_version(flow: StoredFlow, now: datetime) -> StoredFlow:
    """The row with one version more."""
    return replace(flow, newest=flow.newest + 1, revision=flow.revision + 1, updated_at=now)


def same(newest: VersionRow, version: NewVersion) -> bool:
    """True where a save adds nothing. What an editor kept on its own may be kept by hand still."""
    return newest.flow_hash == version.flow_hash and (version.autosaved or not newest.autosaved)


def overtaken(newest: VersionRow, version: NewVersion) -> bool:
    """True where the newest version makes room for this one, as long as no run names it."""
    return newest.autosaved and (version.autosaved or newest.flow_hash == version.flow_hash)


def numbered(flow_id: str, versions: Sequence[NewVersion], first: int, now: datetime) -> list[FlowVersion]:
    """The versions as they are kept, numbered from `first`."""
    return [
        FlowVersion(
            flow_id=flow_id,
            number=number,
            flow_hash=version.flow_hash,
            note=version.note,
            created_at=(version.created_at or now).astimezone(UTC),
            document=version.document,
            autosaved=version.autosaved,
        )
        for number, version in enumerate(versions, first)
    ]


def gone(flow: StoredFlow, now: datetime) -> StoredFlow:
    """The row of a flow that is deleted; its versions stay."""
    return replace(flow, published=None, revision=flow.revision + 1, updated_at=now)
