"""Reads flow documents from files and standard input, and shows what an edit of a stored flow came to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import JsonValue

    from agent_lab.flows.checks import Problem
    from agent_lab.flows.finding import Entry


def read_document(file: Path, *, max_bytes: int | None = None) -> JsonValue:
    """The JSON in the file; `-` is standard input. Raises ValidationError, TooLargeError."""
    from agent_lab.contracts.documents import MAX_BYTES, read_json

    bound = max_bytes or MAX_BYTES
    return read_json(
        _bytes_of(file, bound), what="Standard input" if str(file) == "-" else f"The file {file}", max_bytes=bound
    )


def _bytes_of(file: Path, max_bytes: int) -> bytes:
    import sys

    from agent_lab.contracts.errors import ValidationError

    if str(file) == "-":
        return sys.stdin.buffer.read(max_bytes + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(max_bytes + 1)
    except OSError as error:
        raise ValidationError(f"The file {file} cannot be read: {error.strerror or error}.", where="FILE") from error


def standing(entry: Entry) -> str:
    """How the flow stands in the store: `published 3, draft 4`; nothing for one that is not in it."""
    stored = entry.stored
    if stored is None:
        return ""
    published = f"published {stored.published}" if stored.published else ""
    draft = f"draft {stored.newest}" if stored.published != stored.newest else ""
    return ", ".join(part for part in (published, draft) if part)


def row_of(entry: Entry) -> dict[str, Any]:
    """The flow as a JSON row."""
    stored, shown = entry.stored, entry.flow or entry.document
    texts = shown if isinstance(shown, dict) else shown.model_dump(mode="json", include={"name", "description"})
    return {
        "id": entry.flow_id,
        "name": texts.get("name"),
        "description": texts.get("description"),
        "nodes": [node.id for node in entry.flow.nodes] if entry.flow else [],
        "origin": str(entry.file) if entry.file else entry.origin,
        "flow_hash": entry.flow_hash,
        "version": entry.version,
        "newest": stored and stored.newest,
        "published": stored and stored.published,
        "revision": stored and stored.revision,
        "problems": told(entry.problems),
    }


def told(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """The problems as JSON."""
    return [{"path": one.path, "message": one.message, "severity": one.severity} for one in problems]


def show_edit(entry: Entry, sentence: str, *, as_json: bool) -> int:
    """Say what an edit came to, and what is to be mended."""
    from agent_lab.cli.output import note, write, write_json

    if as_json:
        write_json(row_of(entry))
        return 0
    write(sentence + "\n")
    if entry.problems:
        note(f"{len(entry.problems)} to mend in version {entry.version}:")
    for one in entry.problems[:20]:
        note(f"  {one.path or 'the document'}: {one.message}")
    if len(entry.problems) > 20:
        note(f"  ... and {len(entry.problems) - 20} more.")
    return 0
