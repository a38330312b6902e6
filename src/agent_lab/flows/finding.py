"""Finds flows by name: those of the library, of the user's folder, and the stored ones with their versions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from agent_lab.contracts.errors import NotFoundError, ProblemsError, ValidationError
from agent_lab.contracts.flow import NAME, FlowConfig
from agent_lab.contracts.flow_ports import FlowRef, FlowStore, FlowVersion, StoredFlow, VersionRow
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.flows.catalog import FlowCatalog, FoundFlow, errors_in, flow_hash, in_the_way, problems_error
from agent_lab.flows.checks import Checker, Problem
from agent_lab.flows.examined import Examined, Examiner

Origin = Literal["library", "file", "stored"]
DRAFT, PUBLISHED, ORIGINAL = "draft", "published", "original"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A flow as it was found under a name."""

    flow_id: str
    origin: Origin
    document: dict[str, Any]
    flow: FlowConfig | None
    """None where the document's shape is not right yet."""
    flow_hash: str
    file: Path | None = None
    version: int | None = None
    stored: StoredFlow | None = None
    """How it stands in the store, also where another one answers to the plain name still."""
    problems: tuple[Problem, ...] = ()
    """Of this version; in a list, of the newest one."""

    @property
    def is_deleted(self) -> bool:
        """True for a version of a flow that is stored no more."""
        return self.origin == "stored" and self.stored is None

    @property
    def serves(self) -> bool:
        """True where it is no mere draft: it is published, or a file's, or the library's."""
        return self.origin != "stored" or (self.stored is not None and self.version == self.stored.published)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list. `next_cursor` is None on the last one."""

    entries: Sequence[Entry]
    next_cursor: str | None


class FlowFinder:
    """What answers to a name.

    A stored flow stands in for the file of its id, and a file for the library's flow, but a stored flow of which
    nothing is published leaves the plain name to what is beneath it: work on a draft changes nothing for others.
    `id@3` is the third version, `id@draft` the newest, `id@published` the published one, and `id@original` what is
    beneath the stored ones.
    """

    def __init__(self, catalog: FlowCatalog, store: FlowStore, check: Checker) -> None:
        self.catalog = catalog
        self._store = store
        self._check = check
        self._examiner = Examiner(check, self._runnable)

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """The flow that a run takes, or of it the node `only`. Raises NotFoundError, and ProblemsError where it cannot
        be run."""
        entry = await self.get(name)
        if entry.is_deleted:
            raise NotFoundError(
                said(
                    "flow_was_deleted",
                    "The flow {flow!r} was deleted; bring it back: agent-lab flows duplicate {flow}@{version} {flow}",
                    flow=entry.flow_id,
                    version=entry.version or 0,
                ),
                where="flow",
            )
        return FlowRef(flow=usable(entry, only=only), flow_hash=entry.flow_hash, version=entry.version)

    async def get(self, name: str) -> Entry:
        """What the name stands for, also with problems; `id@3` also of a deleted flow.

        Raises NotFoundError with the nearest names.
        """
        found, stored = await self._locate(name)
        return _beneath(found, stored) if isinstance(found, FoundFlow) else await self._entry(found, stored)

    async def _locate(self, name: str) -> tuple[FlowVersion | FoundFlow, StoredFlow | None]:
        flow_id, _, which = name.partition("@")
        stored = await self.stored(flow_id)
        if stored is None and which not in {"", DRAFT, ORIGINAL}:
            return await self.version(flow_id, _whole(which)), None
        if stored is None:
            return await self._find(flow_id), None
        if which == ORIGINAL or (not which and stored.published is None):
            beneath = (await asyncio.to_thread(self.catalog.found)).get(flow_id)
            if beneath is not None:
                return beneath, stored
        return await self._numbered(stored, which)

    async def _runnable(self, name: str) -> FlowConfig | None:
        """The flow for one that runs it; None where there is none. Raises ProblemsError where it cannot be run."""
        try:
            found, stored = await self._locate(name)
        except ProblemsError:
            raise
        except ValidationError:
            return None
        if isinstance(found, FoundFlow):
            return found.flow
        if stored is None:
            return None
        flow, problems = await asyncio.to_thread(self._check, found.document)
        if flow is None or errors_in(problems):
            raise problems_error(name, errors_in(problems))
        return flow

    async def list(self, *, limit: int, after: str | None = None) -> Page:
        """Flows by id, those behind the id `after`; what is beneath a stored one is not listed besides."""
        stored = {flow.flow_id: flow for flow in await self._store.list()}
        beneath = await asyncio.to_thread(self.catalog.found)
        ids = [flow_id for flow_id in sorted({*stored, *beneath}) if after is None or flow_id > after]
        entries = [
            await self._listed(stored[flow_id], beneath.get(flow_id))
            if flow_id in stored
            else _beneath(beneath[flow_id])
            for flow_id in ids[:limit]
        ]
        return Page(entries, ids[limit - 1] if len(ids) > limit else None)

    async def served(self) -> Sequence[Entry]:
        """Those that answer to their plain name for everybody: the published ones, files, and the library's."""
        page = await self.list(limit=2**31)
        return [
            entry for entry in page.entries if entry.origin != "stored" or (entry.stored and entry.stored.published)
        ]

    async def examine(self, document: JsonValue) -> Examined:
        """What the checks say of a document that is not kept yet."""
        return await self._examiner.look(document)

    async def names(self) -> set[str]:
        """The ids of all flows."""
        return {*(flow.flow_id for flow in await self._store.list()), *await asyncio.to_thread(self.catalog.found)}

    async def stored(self, flow_id: str) -> StoredFlow | None:
        """How it stands in the store; None where it is not in it, or was deleted."""
        return await self._store.get(flow_id) if re.fullmatch(NAME, flow_id) else None

    async def version(self, flow_id: str, number: int) -> FlowVersion:
        """One stored version, also of a deleted flow. Raises NotFoundError."""
        usable = re.fullmatch(NAME, flow_id) and 0 < number < 2**31
        found = await self._store.version(flow_id, number) if usable else None
        if found is None:
            raise await self._no_version(flow_id, str(number))
        return found

    async def versions(self, flow_id: str, *, limit: int, before: int | None = None) -> Sequence[VersionRow]:
        """Stored versions, newest first, also of a deleted flow; none of what is not stored. Raises NotFoundError."""
        usable = re.fullmatch(NAME, flow_id)
        found = await self._store.versions(flow_id, limit=limit, before=before) if usable else ()
        if not found and before is None:
            await self._find(flow_id)
        return found

    async def _find(self, flow_id: str) -> FoundFlow:
        names = [flow.flow_id for flow in await self._store.list()]
        return await asyncio.to_thread(self.catalog.find, flow_id, beside=names)

    async def _no_version(self, flow_id: str, which: str) -> NotFoundError:
        stored = await self.stored(flow_id)
        if stored is None:
            found = await self._find(flow_id)
            return NotFoundError(
                said(
                    "flow_without_versions",
                    "The flow {flow!r} is {whose} and has no versions; name it without @, or save one of it.",
                    flow=flow_id,
                    whose=_whose(found),
                ),
                where="flow",
            )
        if which == PUBLISHED:
            return NotFoundError(
                said(
                    "nothing_published",
                    "Nothing of the flow {flow!r} is published; its newest is {newest}, `draft`.",
                    flow=flow_id,
                    newest=stored.newest,
                ),
                where="flow",
            )
        if 1 <= _whole(which) < stored.newest:
            return NotFoundError(
                said(
                    "version_overtaken",
                    "The version {version} of the flow {flow!r} was an autosave, and a later one took "
                    "its place; name another version, or `draft`.",
                    version=which,
                    flow=flow_id,
                ),
                where="flow",
            )
        return NotFoundError(
            said(
                "no_such_version",
                "The flow {flow!r} has no version {version!r}; its newest is {newest}, `draft`{beside}.",
                flow=flow_id,
                version=which[:64],
                newest=stored.newest,
                beside=said("and_published", " and `published`") if stored.published else "",
            ),
            where="flow",
        )

    async def _numbered(self, stored: StoredFlow, which: str) -> tuple[FlowVersion, StoredFlow]:
        """The version, and how its flow stood when that was the one that is meant."""
        number = _number(stored, which)
        if number is None:
            raise await self._no_version(stored.flow_id, which)
        found = await self._store.version(stored.flow_id, number)
        now = stored if found else await self.stored(stored.flow_id)
        if found is None and now is not None and _number(now, which) != number:
            return await self._numbered(now, which)  # the next autosave took its place between the two looks
        return found or await self.version(stored.flow_id, number), stored

    async def _entry(self, version: FlowVersion, stored: StoredFlow | None) -> Entry:
        found = await self._examiner.examine(version)
        return Entry(
            flow_id=version.flow_id,
            origin="stored",
            document=version.document,
            flow=found.flow,
            flow_hash=version.flow_hash,
            version=version.number,
            stored=stored,
            problems=found.problems,
        )

    async def _listed(self, stored: StoredFlow, beneath: FoundFlow | None) -> Entry:
        newest = await self._entry(*await self._numbered(stored, DRAFT))
        if stored.published is None:
            return newest if beneath is None else replace(_beneath(beneath, stored), problems=newest.problems)
        if stored.published == stored.newest:
            return newest
        serving = await self._entry(*await self._numbered(stored, PUBLISHED))
        return replace(serving, problems=newest.problems)


def usable(entry: Entry, *, only: str | None = None) -> FlowConfig:
    """The flow, free of problems, or with a node `only` that is. Raises ProblemsError with all of them."""
    problems = errors_in(entry.problems)
    if only is not None and entry.flow is not None:
        problems = in_the_way(problems, entry.flow, only)
    if entry.flow is None or problems:
        name = entry.flow_id if entry.version is None else f"{entry.flow_id}@{entry.version}"
        raise problems_error(name, problems, where="flow")
    return entry.flow


def _beneath(found: FoundFlow, stored: StoredFlow | None = None) -> Entry:
    return Entry(
        flow_id=found.flow.id,
        origin="library" if found.file is None else "file",
        # As its author wrote it, defaults and all: what is read is what will be changed.
        document=found.flow.model_dump(mode="json", by_alias=True, exclude_unset=True),
        flow=found.flow,
        flow_hash=flow_hash(found.flow),
        file=found.file,
        stored=stored,
    )


def _number(stored: StoredFlow, which: str) -> int | None:
    """The version that is meant; None where there is no such one."""
    named = {"": stored.published or stored.newest, DRAFT: stored.newest, PUBLISHED: stored.published}
    if which in named:
        return named[which]
    return _whole(which) if 1 <= _whole(which) <= stored.newest else None


def _whole(which: str) -> int:
    """The number that is written there; 0 where it is none."""
    return int(which) if which.isascii() and which.isdigit() and len(which) < 10 else 0


def _whose(found: FoundFlow) -> Sentence:
    if found.file is None:
        return said("the_librarys", "the library's")
    return said("that_of_file", "that of the file {file}", file=found.file.name)
