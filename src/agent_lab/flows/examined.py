"""Examines documents with the flows that they run, and remembers what it found of kept versions: these never change."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.errors import ProblemsError
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowVersion
from agent_lab.flows.checks import Checker, Problem

REMEMBERED_BYTES = 10_000_000
"""Of documents; read ones take several times that."""
FindFlow = Callable[[str], Awaitable[FlowConfig | None]]
"""The flow of that name; None where there is none. Raises ProblemsError where it cannot be run."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A document as it was read: the flow where its shape is right, and all its problems."""

    flow: FlowConfig | None
    problems: tuple[Problem, ...]
    subflows: Mapping[str, FlowConfig | None]
    """The flows that it runs, by the names that it has for them; None for one that cannot be run."""
    size_bytes: int


class Examiner:
    """The checks, and where they find the flows that a document names."""

    def __init__(self, check: Checker, find: FindFlow) -> None:
        self._check = check
        self._find = find
        self._known: OrderedDict[tuple[str, int, str], Examined] = OrderedDict()
        self._known_bytes = 0

    async def examine(self, version: FlowVersion) -> Examined:
        """What the checks say of a kept version."""
        # With the hash: after a restore another document may stand under the number.
        key = (version.flow_id, version.number, version.flow_hash)
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = await self.look(version.document)
        if not found.subflows:  # others may change at any time
            self._remember(key, found)
        return found

    async def look(self, document: JsonValue) -> Examined:
        """What the checks say of any document."""
        subflows: dict[str, FlowConfig | None] = {}
        unusable: set[str] = set()
        while True:
            found, asked = await asyncio.to_thread(self._pass, document, subflows, unusable)
            missing = asked - subflows.keys()
            if not missing:
                return found
            # The checks cannot wait for a store: what they miss is fetched, and they look again.
            for name in sorted(missing):
                try:
                    subflows[name] = await self._find(name)
                except ProblemsError:
                    subflows[name] = None
                    unusable.add(name)

    def _pass(
        self, document: JsonValue, subflows: Mapping[str, FlowConfig | None], unusable: Collection[str]
    ) -> tuple[Examined, set[str]]:
        asked: set[str] = set()

        def find(name: str) -> FlowConfig | None:
            asked.add(name)
            return subflows.get(name)

        flow, problems = self._check(document, flows=find, unusable=unusable)
        return Examined(flow, tuple(problems), subflows, len(canonical_json(document))), asked

    def _remember(self, key: tuple[str, int, str], found: Examined) -> None:
        if key in self._known:
            return
        self._known[key] = found
        self._known_bytes += found.size_bytes
        while self._known_bytes > REMEMBERED_BYTES:
            _, dropped = self._known.popitem(last=False)
            self._known_bytes -= dropped.size_bytes
