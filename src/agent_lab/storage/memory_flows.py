"""Keeps flows in memory, under the same rules as the database: for tests, and for a lab that shall leave nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from agent_lab.contracts.flow_ports import FlowVersion, NewVersion, StoredFlow, VersionRow
from agent_lab.storage import flow_rules as rules
from agent_lab.storage.flow_rules import Kept
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.rules import utc_now


class MemoryFlows:
    """The flow store without a disk. No method awaits, so each is one transaction. `runs`: they name versions."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, runs: MemoryRuns | None = None) -> None:
        self._clock = clock
        self._runs = runs
        self._flows: dict[str, Kept] = {}
        self._versions: dict[str, list[FlowVersion]] = {}

    async def list(self) -> Sequence[StoredFlow]:
        """Those that are not deleted, by id."""
        return [kept.flow for _, kept in sorted(self._flows.items()) if not kept.deleted]

    async def get(self, flow_id: str) -> StoredFlow | None:
        """The flow; None where there is none, or it is deleted."""
        kept = self._flows.get(flow_id)
        return None if kept is None or kept.deleted else kept.flow

    async def version(self, flow_id: str, number: int) -> FlowVersion | None:
        """One version, also of a deleted flow."""
        found = [version for version in self._versions.get(flow_id, []) if version.number == number]
        return _copy(found[0]) if found else None

    async def versions(self, flow_id: str, *, limit: int, before: int | None = None) -> Sequence[VersionRow]:
        """Newest first, without their documents."""
        rows = [
            VersionRow(
                flow_id=flow_id,
                number=one.number,
                flow_hash=one.flow_hash,
                note=one.note,
                created_at=one.created_at,
                autosaved=one.autosaved,
            )
            for one in reversed(self._versions.get(flow_id, []))
            if before is None or one.number < before
        ]
        return rows[: max(limit, 0)]

    async def add(self, flow_id: str, versions: Sequence[NewVersion], *, published: int | None = None) -> StoredFlow:
        """Add a flow with its versions. Raises ConflictError for a flow that exists."""
        now = self._clock()
        flow = rules.added(self._flows.get(flow_id), flow_id, len(versions), published, now)
        self._flows[flow_id] = Kept(flow=flow)
        self._keep(rules.numbered(flow_id, versions, flow.newest - len(versions) + 1, now))
        return flow

    async def save(self, flow_id: str, version: NewVersion, *, expected: int | None = None) -> StoredFlow:
        """Add a version, unless the newest one has that hash. Raises NotFoundError, StaleError."""
        flow = rules.living(self._flows.get(flow_id), flow_id, expected)
        newest = self._versions[flow_id][-1]
        if rules.same(newest, version):
            return flow
        now = self._clock()
        if rules.overtaken(newest, version) and not self._was_run(newest):
            self._versions[flow_id].pop()
        saved = rules.next_version(flow, now)
        self._flows[flow_id] = Kept(flow=saved)
        self._keep(rules.numbered(flow_id, [version], saved.newest, now))
        return saved

    async def publish(self, flow_id: str, number: int | None, *, expected: int | None = None) -> StoredFlow:
        """Make a version the published one; None withdraws it. Raises NotFoundError, StaleError."""
        living = rules.living(self._flows.get(flow_id), flow_id, expected)
        there = number in {version.number for version in self._versions[flow_id]}
        flow = rules.published(living, number, self._clock(), there=there)
        self._flows[flow_id] = Kept(flow=flow)
        self._versions[flow_id] = [
            replace(version, autosaved=version.autosaved and version.number != number)
            for version in self._versions[flow_id]
        ]
        return flow

    async def delete(self, flow_id: str, *, expected: int | None = None) -> None:
        """Take the flow away; its versions stay. Raises NotFoundError, StaleError."""
        flow = rules.living(self._flows.get(flow_id), flow_id, expected)
        self._flows[flow_id] = Kept(flow=rules.gone(flow, self._clock()), deleted=True)

    def _was_run(self, version: FlowVersion) -> bool:
        return self._runs is not None and self._runs.name_version(version.flow_id, version.number)

    def _keep(self, versions: Sequence[FlowVersion]) -> None:
        for version in versions:
            self._versions.setdefault(version.flow_id, []).append(_copy(version))


def _copy(version: FlowVersion) -> FlowVersion:
    return replace(version, document=json.loads(json.dumps(version.document)))
