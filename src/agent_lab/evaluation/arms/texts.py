"""Takes out of a template what speaks of nodes that are not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from agent_lab.flows.templates import Block, Literal, Part, Slot, parse

Gone = Callable[[str], bool]
"""True for a name that has no value any more."""
_HERE = "\0"
"""Where a name stood that is gone; no template can hold it."""
_FOLDED = "\1"
"""Where a block stood that reaches over several pieces."""
_BLOCK = re.compile(r"(?<!\{)\{\?([^{}]+)\}.*?\{/\1\}", re.DOTALL)
_BETWEEN_PARAGRAPHS = re.compile(r"(\n[ \t]*\n\s*)")
_BETWEEN_LINES = re.compile(r"(\n)")


def without_names(template: str, gone: Gone) -> str | None:
    """The template without these names; None where nothing of it would be left.

    A block `{?name}...{/name}` of such a name goes whole. A bare `{name}` takes with it what was written around it:
    the block in which it stands, else its paragraph (what stands between blank lines, so that a heading goes with what
    it announces), and where the question itself stands in that paragraph, only its line.
    Raises ValidationError for a template that cannot be read.
    """
    marked = "".join(_marked(parse(template), gone))
    if _HERE not in marked:
        return marked
    for pattern in (_BETWEEN_PARAGRAPHS, _BETWEEN_LINES):
        left = _without_marked(marked, pattern)
        if "{user_input}" in left or "{user_input}" not in marked:
            marked = left
            break
    else:
        return None
    return marked.strip() or None


def needs_names(template: str, gone: Gone) -> bool:
    """True where the template cannot be filled without one of these names."""
    return _HERE in "".join(_marked(parse(template), gone))


def in_every_language(value: object, change: Callable[[str], str | None]) -> object:
    """A template, or a mapping of them (languages, inputs), changed; None where one of its texts has nothing left."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        changed = {key: in_every_language(text, change) for key, text in value.items()}
        return None if None in changed.values() else changed
    return value


def _marked(parts: Sequence[Part], gone: Gone) -> list[str]:
    """The pieces of the template as text again, blocks of such names left out, bare ones marked."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, Literal):
            found.append(_text(part.text))
        elif isinstance(part, Slot):
            found.append(_HERE if gone(part.name) else f"{{{part.name}}}")
        elif not gone(part.name):
            found.append(_block(part, gone))
    return found


def _block(block: Block, gone: Gone) -> str:
    inner = "".join(_marked(block.parts, gone))
    return "" if _HERE in inner else f"{{?{block.name}}}{inner}{{/{block.name}}}"


def _text(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def _without_marked(text: str, between: re.Pattern[str]) -> str:
    """The text without the pieces that are marked, and without what stood between them and the next.

    A block that reaches over several pieces stays, whatever piece it begins in: half of it could not be read.
    """
    blocks: list[str] = []

    def folded(found: re.Match[str]) -> str:
        if between.search(found[0]) is None:
            return found[0]
        blocks.append(found[0])
        return _FOLDED

    kept: list[str] = []
    pieces = between.split(_BLOCK.sub(folded, text))
    for number in range(0, len(pieces), 2):
        piece = pieces[number]
        if _HERE in piece:
            kept += [_FOLDED] * piece.count(_FOLDED)
            continue
        if kept:
            kept.append(pieces[number - 1])
        kept.append(piece)
    unfolded = iter(blocks)
    return "".join(kept) if not blocks else re.sub(_FOLDED, lambda _: next(unfolded, _FOLDED), "".join(kept))
