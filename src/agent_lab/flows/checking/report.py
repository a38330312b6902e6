"""Collects what is wrong with a document, each problem with its place and a way out, within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from reprlib import Repr
from typing import Any, Literal

import pydantic
from pydantic import JsonValue
from pydantic_core import ErrorDetails

from agent_lab.contracts.errors import nearest
from agent_lab.contracts.flow import EXPECTED, FIELD, NAME
from agent_lab.contracts.reasons import reason
from agent_lab.contracts.sentences import Sentence, said

MAX_PROBLEMS = 500
"""More than anybody reads; a document that is wrong everywhere must not cost an answer without end."""
MAX_COMPARED = 100_000
"""Names that a misspelt one is compared with, in all: about a second's work."""
WANTED = {
    NAME: said("write_name", "write small letters, digits and _, a letter first, 64 at the most"),
    FIELD: said("write_field", "write `<node>.<field>`"),
    EXPECTED: said("write_expected", "write `answer`, `draft`, `status`, `calls`, `cost_usd` or `<node>.<field>`"),
}
"""What a pattern wants, in words."""

_shown = Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 60
_shown.maxdict = _shown.maxlist = _shown.maxlevel = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where (a JSON pointer), and what would do. A flow with warnings alone can be run."""

    path: str
    message: Sentence
    severity: Literal["error", "warning"] = "error"


@dataclass(slots=True)
class Report:
    """The problems found so far."""

    problems: list[Problem] = field(default_factory=list)
    _compared: int = 0

    @property
    def full(self) -> bool:
        """True where nothing more is taken in."""
        return len(self.problems) >= MAX_PROBLEMS

    def say(self, path: str, message: Sentence) -> None:
        """Note a problem."""
        if not self.full:
            self.problems.append(Problem(path, message))

    def warn(self, path: str, message: Sentence) -> None:
        """Note what keeps no run from starting."""
        if not self.full:
            self.problems.append(Problem(path, message, "warning"))

    def nearest(self, name: str, known: Iterable[str]) -> Sentence:
        """A clause with the nearest names; a shorter one once many names were looked through."""
        names = list(known)
        self._compared += len(names)
        return nearest(name, names if self._compared <= MAX_COMPARED else names[:12])


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def shape_problems(
    error: pydantic.ValidationError, model: type[pydantic.BaseModel], document: JsonValue, base: str = ""
) -> list[Problem]:
    """Pydantic's complaints in our words, one for each place. Unknown fields are told with the nearest known one."""
    found = {_place(one, document): one for one in reversed(error.errors(include_url=False))}
    # What is wrong inside says more: a list whose elements are all wrong is not short of them.
    outer = {place[:depth] for place in found for depth in range(1, len(place))}
    told = ((place, one) for place, one in reversed(found.items()) if place not in outer)
    return [Problem(base + pointer(*place), _sentence(one, place, model)) for place, one in islice(told, MAX_PROBLEMS)]


def _place(one: ErrorDetails, document: JsonValue) -> tuple[str | int, ...]:
    """Where in the document it is: Pydantic's places name branches of unions too, and say `[key]` of a key."""
    place: list[str | int] = []
    value: Any = document
    for part in one["loc"]:
        if _holds(value, part):
            place.append(part)
            value = value[part]
    return (*place, one["loc"][-1]) if one["type"] == "missing" else tuple(place)


def _holds(value: object, part: str | int) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)


def _sentence(one: ErrorDetails, place: tuple[str | int, ...], model: type[pydantic.BaseModel]) -> Sentence:
    if one["type"] == "extra_forbidden":
        known = [info.alias or name for name, info in model.model_fields.items()] if len(place) == 1 else ()
        hint = nearest(str(place[-1]), known) if known else said("take_out", "take it out.")
        return said("no_field_here", "{field} is not a field here; {hint}", field=_short(place[-1]), hint=hint)
    if one["type"] == "missing":
        return said("missing", "{field!r} is missing; give it.", field=str(place[-1]))
    return said("not_usable", "{value} is not usable: {reason}.", value=_short(one["input"]), reason=_reason(one))


def _reason(one: ErrorDetails) -> Sentence:
    return WANTED.get(str(one.get("ctx", {}).get("pattern"))) or reason(one)


def _short(value: object) -> str:
    return _shown.repr(value)
