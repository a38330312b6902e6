"""Says what changed between two flow documents, whatever their shape: as data, and as a text for people."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.flows.checks import pointer

MAX_COMPARED_LINES = 1_000
"""Of one text; line by line comparison of longer ones could take minutes."""
MAX_SHOWN_CHARS = 200


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """A value that is not what it was. None: it was not there, or is no more."""

    path: str
    """A JSON pointer: into the document, or into the node."""
    before: JsonValue = None
    after: JsonValue = None
    text: str | None = None
    """The lines that changed, as a unified diff, where both are texts of several words."""


class NodeChange(_Part):
    """A node that is in both, and what of it changed."""

    id: str
    changes: tuple[Change, ...]


class Difference(_Part):
    """What changed from one document to another."""

    changes: tuple[Change, ...] = ()
    """Outside of nodes and edges: name, inputs, limits, ..."""
    nodes_added: tuple[str, ...] = ()
    nodes_removed: tuple[str, ...] = ()
    nodes_changed: tuple[NodeChange, ...] = ()
    edges_added: tuple[JsonValue, ...] = ()
    edges_removed: tuple[JsonValue, ...] = ()
    layout: bool = False
    """True where nodes or notes are drawn elsewhere or otherwise; where each of them is says nothing to a reader."""

    @property
    def is_empty(self) -> bool:
        """True where nothing changed."""
        return self == Difference()


def difference(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> Difference:
    """What changed. A node is known by its id, an edge by all that it says."""
    old, new = _nodes(before), _nodes(after)
    kept = [node_id for node_id in old if node_id in new]
    changed = ((node_id, tuple(_changes(old[node_id], new[node_id], ""))) for node_id in kept)
    removed, added = _edges(before, after)
    return Difference(
        changes=tuple(_outside(before, after, kept, new)),
        nodes_added=tuple(node_id for node_id in new if node_id not in old),
        nodes_removed=tuple(node_id for node_id in old if node_id not in new),
        nodes_changed=tuple(NodeChange(id=node_id, changes=changes) for node_id, changes in changed if changes),
        edges_added=added,
        edges_removed=removed,
        layout=(before.get("layout") or None) != (after.get("layout") or None) or _moved(before, after),
    )


def _nodes(document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The nodes by id; what has none, or one that is taken, is known by its place."""
    given = document.get("nodes")
    nodes: dict[str, JsonValue] = {}
    for place, node in enumerate(given if isinstance(given, list) else ()):
        node_id = node.get("id") if isinstance(node, dict) else None
        usable = isinstance(node_id, str) and node_id not in nodes
        nodes[str(node_id) if usable else f"#{place}"] = node
    return nodes


def _edges(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> tuple[tuple[JsonValue, ...], tuple[JsonValue, ...]]:
    old, new = _edge_list(before), _edge_list(after)
    written = {canonical_json(edge): edge for edge in [*old, *new]}
    counts = [Counter(canonical_json(edge) for edge in edges) for edges in (old, new)]
    removed, added = counts[0] - counts[1], counts[1] - counts[0]
    return tuple(written[edge] for edge in removed.elements()), tuple(written[edge] for edge in added.elements())


def _edge_list(document: Mapping[str, JsonValue]) -> list[JsonValue]:
    given = document.get("edges")
    return given if isinstance(given, list) else []


def _outside(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue], kept: list[str], new: Mapping[str, JsonValue]
) -> Iterator[Change]:
    rest = [
        {name: value for name, value in document.items() if name not in _apart(document)}
        for document in (before, after)
    ]
    yield from _changes(rest[0], rest[1], "")
    yield from _written(before, after)
    still = set(kept)
    order = [node_id for node_id in new if node_id in still]
    if order != kept:
        yield Change(path="/nodes", before=[*kept], after=[*order])


def _apart(document: Mapping[str, JsonValue]) -> set[str]:
    """The fields that are compared piece by piece (nodes, edges, notes), and the layout, as a whole."""
    lists = {name for name in ("nodes", "edges") if isinstance(document.get(name, []), list)}
    return {"layout", *lists, *(["notes"] if isinstance(document.get("notes", {}), dict) else [])}


def _notes(document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The notes by their names; none where they are no object."""
    given = document.get("notes")
    return given if isinstance(given, dict) else {}


def _written(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> Iterator[Change]:
    """What is said in notes, of those too that came and went."""
    old, new = _notes(before), _notes(after)
    for name in dict.fromkeys([*old, *new]):
        yield from _changes(_text(old, name), _text(new, name), pointer("notes", name, "text"))


def _text(notes: Mapping[str, JsonValue], name: str) -> JsonValue:
    note = notes.get(name)
    return note.get("text", "") if isinstance(note, dict) else note


def _moved(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> bool:
    """True where a note that is in both is drawn otherwise."""
    old, new = _notes(before), _notes(after)
    return any(_look(old[name]) != _look(new[name]) for name in old if name in new)


def _look(note: JsonValue) -> JsonValue:
    return {name: value for name, value in note.items() if name != "text"} if isinstance(note, dict) else None


def _changes(before: JsonValue, after: JsonValue, path: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from _changes(before.get(name), after.get(name), path + pointer(name))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Change(path=path, before=before, after=after, text=_text_change(before, after))


def _text_change(before: JsonValue, after: JsonValue) -> str | None:
    if not (isinstance(before, str) and isinstance(after, str)):
        return None
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MAX_COMPARED_LINES or max(len(before), len(after)) <= 40:
        return None
    return "\n".join([*difflib.unified_diff(old, new, lineterm="", n=1)][2:])


def difference_text(found: Difference) -> str:
    """The difference for people: one line a change, texts line by line."""
    return "\n".join(_lines(found)) or "Nothing changed."


def _lines(found: Difference) -> Iterator[str]:
    for change in found.changes:
        yield from _change_lines(change, "")
    for node_id in found.nodes_removed:
        yield f"- node {node_id}"
    for node_id in found.nodes_added:
        yield f"+ node {node_id}"
    for node in found.nodes_changed:
        yield f"~ node {node.id}"
        for change in node.changes:
            yield from _change_lines(change, "    ")
    yield from (f"- edge {_edge(edge)}" for edge in found.edges_removed)
    yield from (f"+ edge {_edge(edge)}" for edge in found.edges_added)
    if found.layout:
        yield "~ layout"


def _change_lines(change: Change, indent: str) -> Iterator[str]:
    name = change.path.lstrip("/") or "all of it"
    if change.text:
        yield f"{indent}{name}:"
        yield from (f"{indent}    {line}" for line in change.text.splitlines())
    else:
        yield f"{indent}{name}: {_short(change.before)} → {_short(change.after)}"


def _short(value: JsonValue) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}... ({len(text):,} characters)"


def _edge(edge: JsonValue) -> str:
    if not isinstance(edge, dict):
        return _short(edge)
    rest: dict[str, Any] = {name: value for name, value in edge.items() if name not in {"from", "to"}}
    said = "".join(f", {name} {_short(value)}" for name, value in sorted(rest.items()))
    return f"{edge.get('from')} → {edge.get('to')}{said}"
