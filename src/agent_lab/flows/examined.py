"""Examines kept versions of flows, and remembers what it found: a version never changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowVersion
from agent_lab.flows.checks import Checker, Problem

REMEMBERED_BYTES = 10_000_000
"""Of documents; read ones take several times that."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A version as it was read: the flow where its shape is right, and all its problems."""

    flow: FlowConfig | None
    problems: tuple[Problem, ...]
    size_bytes: int


class Examiner:
    """The checks over kept versions."""

    def __init__(self, check: Checker) -> None:
        self._check = check
        self._known: OrderedDict[tuple[str, int, str], Examined] = OrderedDict()
        self._known_bytes = 0

    async def examine(self, version: FlowVersion) -> Examined:
        """What the checks say of it."""
        # With the hash: after a restore another document may stand under the number.
        key = (version.flow_id, version.number, version.flow_hash)
        found = self._known.get(key)
        if found is None:
            found = await self.look(version.document)
            self._remember(key, found)
        else:
            self._known.move_to_end(key)
        return found

    async def look(self, document: JsonValue) -> Examined:
        """What the checks say of any document."""
        return await asyncio.to_thread(self._look, document)

    def _look(self, document: JsonValue) -> Examined:
        flow, problems = self._check(document)
        return Examined(flow, tuple(problems), len(canonical_json(document)))

    def _remember(self, key: tuple[str, int, str], found: Examined) -> None:
        if key in self._known:
            return
        self._known[key] = found
        self._known_bytes += found.size_bytes
        while self._known_bytes > REMEMBERED_BYTES:
            _, dropped = self._known.popitem(last=False)
            self._known_bytes -= dropped.size_bytes
