"""Fills prompts: plain substitution in one pass, never expanded again, and nothing in it is ever code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.sentences import said

_NAME = r"[a-z][a-z0-9_]{0,127}(?:\.[a-z][a-z0-9_]{0,63})?"
_TOKEN = re.compile(
    r"(?P<open>\{\{)|(?P<close>\}\})"
    rf"|\{{\?(?P<begin>{_NAME})\}}|\{{/(?P<end>{_NAME})\}}|\{{(?P<slot>{_NAME})\}}"
    r"|(?P<stray>[{}])"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """`{name}`: replaced by the value of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Block:
    """`{?name}...{/name}`: there only where the name has a value.

    An empty slot makes a model invent its opponent's words; so what speaks of it goes with it.
    """

    name: str
    parts: tuple[Part, ...]


Part = Literal | Slot | Block


def parse(template: str) -> tuple[Part, ...]:
    """The parts of a template. Raises ValidationError with the place of what cannot be read."""
    stack: list[tuple[str, list[Part]]] = [("", [])]
    end = 0
    for match in _TOKEN.finditer(template):
        if match.start() > end:
            stack[-1][1].append(Literal(template[end : match.start()]))
        end = match.end()
        _take(match, stack)
    if end < len(template):
        stack[-1][1].append(Literal(template[end:]))
    if len(stack) > 1:
        name = stack[-1][0]
        form = "The block {{?{name}}} is not closed; write {{/{name}}} where it ends."
        raise ValidationError(said("block_open", form, name=name))
    return tuple(stack[0][1])


def _take(match: re.Match[str], stack: list[tuple[str, list[Part]]]) -> None:
    kind, text = match.lastgroup, match.group(match.lastgroup or 0)
    parts = stack[-1][1]
    if kind in {"open", "close"}:
        parts.append(Literal(text[0]))
    elif kind == "slot":
        parts.append(Slot(text))
    elif kind == "begin":
        stack.append((text, []))
    elif kind == "stray":
        form = "A brace at character {at} belongs to no name; write {{{{ or }}}} for the brace itself."
        raise ValidationError(said("stray_brace", form, at=match.start() + 1))
    elif len(stack) == 1 or stack[-1][0] != text:
        form = "{{/{name}}} at character {at} closes no block; open it with {{?{name}}}."
        raise ValidationError(said("closes_nothing", form, name=text, at=match.start() + 1))
    else:
        name, inner = stack.pop()
        stack[-1][1].append(Block(name, tuple(inner)))


def needed(parts: Sequence[Part], sheltered: frozenset[str] = frozenset()) -> Iterator[tuple[str, bool]]:
    """Each name in order of appearance, and whether it must be bound (False inside a block of that name)."""
    for part in parts:
        if isinstance(part, Slot):
            yield part.name, part.name not in sheltered
        elif isinstance(part, Block):
            yield part.name, False
            yield from needed(part.parts, sheltered | {part.name})


def mentioned(templates: Iterable[object]) -> frozenset[str]:
    """Every name that one of these templates speaks of, in any language. What is no template mentions nothing."""
    found: set[str] = set()
    for template in templates:
        for text in template.values() if isinstance(template, Mapping) else [template]:
            if isinstance(text, str):
                found.update(name for name, _ in needed(parse(text)))
    return frozenset(found)


def render(parts: Sequence[Part], values: Mapping[str, str | None]) -> str:
    """The text. A block goes where its name has no value or an empty one; a slot without a value is the caller's
    error: KeyError."""
    return "".join(_pieces(parts, values))


def _pieces(parts: Sequence[Part], values: Mapping[str, str | None]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Literal):
            yield part.text
        elif isinstance(part, Slot):
            value = values.get(part.name)
            if value is None:
                raise KeyError(part.name)
            yield value
        elif values.get(part.name):
            yield from _pieces(part.parts, values)
