"""Keeps the flows that people make: every save is a version of its own, and what is published stands apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from agent_lab.contracts.errors import ConflictError, NotFoundError, StaleError, TooLargeError, ValidationError
from agent_lab.contracts.flow_ports import FlowVersion, NewVersion, StoredFlow
from agent_lab.contracts.sentences import said
from agent_lab.flows.bundle import MAX_BUNDLE_BYTES, MAX_BUNDLE_VERSIONS, bundle_of, is_bundle, unpack
from agent_lab.flows.catalog import errors_in
from agent_lab.flows.difference import Difference, difference
from agent_lab.flows.drafts import check_id, document_bytes, draft
from agent_lab.flows.finding import DRAFT, Entry, FlowFinder, usable

MAX_FLOWS = 5_000
MAX_VERSIONS = 10_000


class FlowShelf(FlowFinder):
    """The flows that answer to a name, and the edits of the stored ones.

    A document may be saved with problems, to be mended later; what is published has none. Every edit may name the
    revision that it was made on (`expected`); StaleError says that somebody else was first. Without one it is the last
    word, and loses nothing: the versions before stay.
    """

    async def create(self, document: JsonValue, *, note: str = "") -> Entry:
        """A new stored flow. Raises ConflictError where its id is taken."""
        version = await asyncio.to_thread(draft, document, note=note)
        flow_id = check_id(version.document["id"], where="/id")
        await self._check_free(flow_id)
        return await self._add(flow_id, [version])

    async def save(
        self,
        flow_id: str,
        document: JsonValue,
        *,
        note: str = "",
        expected: int | None = None,
        autosaved: bool = False,
    ) -> Entry:
        """A new version, unless nothing has changed. For a flow of the library or a file: the first stored one.

        `autosaved`: kept by an editor on its own, until the next of these that nobody has run or published.
        """
        check_id(flow_id, where="flow_id")
        version = await asyncio.to_thread(draft, document, note=note, flow_id=flow_id, autosaved=autosaved)
        stored = await self.stored(flow_id)
        if stored is None and expected is not None:
            raise StaleError(
                said(
                    "flow_deleted_meanwhile",
                    "The flow {flow!r} was deleted since it was read; save it without a revision.",
                    flow=flow_id,
                )
            )
        if stored is None:
            return await self._add(flow_id, [version])
        return await self._next(stored, version, expected)

    async def publish(self, flow_id: str, number: int | None = None, *, expected: int | None = None) -> Entry:
        """Make a version (the newest) what the plain name stands for. Raises ProblemsError where it cannot be run."""
        stored = await self._standing(flow_id)
        entry = await self.get(f"{flow_id}@{number or stored.newest}")
        usable(entry)
        return replace(entry, stored=await self._store.publish(flow_id, entry.version, expected=expected))

    async def withdraw(self, flow_id: str, *, expected: int | None = None) -> Entry:
        """Publish none of its versions."""
        await self._standing(flow_id)
        await self._store.publish(flow_id, None, expected=expected)
        return await self.get(f"{flow_id}@{DRAFT}")

    async def roll_back(self, flow_id: str, number: int, *, expected: int | None = None) -> Entry:
        """A new version with the content of an old one."""
        stored = await self._standing(flow_id)
        old = await self.version(flow_id, number)
        version = NewVersion(document=old.document, flow_hash=old.flow_hash, note=f"Back to version {number}")
        return await self._next(stored, version, expected)

    async def duplicate(self, name: str, new_id: str, *, note: str = "") -> Entry:
        """A new stored flow with the content of this one. Raises ConflictError where the new id is taken."""
        entry = await self.get(name)
        check_id(new_id, where="/id")
        return await self.create({**entry.document, "id": new_id}, note=note or f"From {name}")

    async def delete(self, flow_id: str, *, expected: int | None = None) -> None:
        """Take it away; its versions stay for the runs that name them."""
        await self._standing(flow_id)
        await self._store.delete(flow_id, expected=expected)

    async def difference(self, flow_id: str, before: str, after: str) -> Difference:
        """What changed between two versions: numbers, `draft`, `published`, or `original`."""
        old, new = await self.get(f"{flow_id}@{before}"), await self.get(f"{flow_id}@{after}")
        return await asyncio.to_thread(difference, old.document, new.document)

    async def bundle(self, flow_id: str) -> dict[str, Any]:
        """All its versions as one document. Raises TooLargeError past what an import takes."""
        stored = await self._standing(flow_id)
        versions: list[FlowVersion] = []
        size_bytes = 0
        for row in reversed(await self.versions(flow_id, limit=MAX_BUNDLE_VERSIONS)):
            versions.append(await self.version(flow_id, row.number))
            size_bytes += await asyncio.to_thread(document_bytes, versions[-1].document)
            if size_bytes > MAX_BUNDLE_BYTES * 0.9:
                raise TooLargeError(
                    said(
                        "versions_too_large",
                        "The versions of {flow!r} have more than {most:,} bytes; export one by one.",
                        flow=flow_id,
                        most=MAX_BUNDLE_BYTES,
                    )
                )
        return bundle_of(flow_id, versions, published=stored.published)

    async def import_document(self, document: JsonValue, *, flow_id: str | None = None, note: str = "") -> Entry:
        """A flow from elsewhere: one document, or a bundle with all versions. `flow_id`: another id for it.

        Raises ConflictError where the id is taken. What was published there is published here where it can be run.
        """
        if flow_id is not None:
            check_id(flow_id, where="id")
        if not is_bundle(document):
            renamed = {**document, "id": flow_id} if isinstance(document, dict) and flow_id else document
            return await self.create(renamed, note=note)
        wanted, versions, published = await asyncio.to_thread(unpack, document, flow_id=flow_id)
        await self._check_free(wanted)
        if published is not None:
            examined = await self.examine(versions[published - 1].document)
            published = None if errors_in(examined.problems) else published
        return await self._add(wanted, versions, published=published)

    async def _standing(self, flow_id: str) -> StoredFlow:
        stored = await self.stored(flow_id)
        if stored is not None:
            return stored
        found = await self._find(flow_id)
        origin = (
            said("the_librarys", "the library's")
            if found.file is None
            else said("that_of_file", "that of the file {file}", file=str(found.file))
        )
        raise NotFoundError(
            said(
                "flow_not_stored",
                "The flow {flow!r} is {whose}; save a version of it, then it can be edited here.",
                flow=flow_id,
                whose=origin,
            )
        )

    async def _check_free(self, flow_id: str) -> None:
        beneath = await asyncio.to_thread(self.catalog.found)
        if flow_id in beneath or await self.stored(flow_id) is not None:
            raise ConflictError(
                said(
                    "flow_id_taken",
                    "There is a flow {flow!r} already; choose another id, or save this as a version of it.",
                    flow=flow_id,
                ),
                where="/id",
            )

    async def _add(self, flow_id: str, versions: Sequence[NewVersion], *, published: int | None = None) -> Entry:
        if len(await self._store.list()) >= MAX_FLOWS:
            raise ValidationError(
                said("flows_full", "{most:,} flows are stored already; delete one that nobody needs.", most=MAX_FLOWS)
            )
        await self._store.add(flow_id, versions, published=published)
        return await self.get(f"{flow_id}@{DRAFT}")

    async def _next(self, stored: StoredFlow, version: NewVersion, expected: int | None) -> Entry:
        if stored.newest >= MAX_VERSIONS and await self._is_full(stored.flow_id):
            raise ValidationError(
                said(
                    "versions_full",
                    "The flow {flow!r} has {most:,} versions; duplicate it under another id and go on.",
                    flow=stored.flow_id,
                    most=MAX_VERSIONS,
                )
            )
        saved = await self._store.save(stored.flow_id, version, expected=expected)
        # Not read again: by now another autosave may have taken its place.
        kept = FlowVersion(
            flow_id=saved.flow_id,
            number=saved.newest,
            flow_hash=version.flow_hash,
            note=version.note,
            created_at=saved.updated_at,
            autosaved=version.autosaved,
            document=version.document,
        )
        return await self._entry(kept, saved)

    async def _is_full(self, flow_id: str) -> bool:
        return len(await self._store.versions(flow_id, limit=MAX_VERSIONS)) >= MAX_VERSIONS
