"""A sentence for people that keeps what it was made of, so that a page can say it in another language."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Union

Value = Union["Told", str, bool, int, float, tuple[Union["Told", str], ...]]


AS_SAID = "as_said"
"""The code of what is said in English alone."""


@dataclass(frozen=True)
class Told:
    """What a sentence says, for those who say it in another language: its code, and the names and figures in it.

    A value that is itself a clause of the server's is told in the same way.
    """

    # A dataclass, for errors have sentences, and `--help` has no time for Pydantic: a part of its models all the same.
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    code: str
    values: dict[str, Value] = field(default_factory=dict)


class Sentence(str):
    """An English sentence that knows what it says. It is a plain text wherever it is cut, joined or stored."""

    __slots__ = ("told",)
    told: Told

    def __new__(cls, text: str, told: Told) -> Sentence:
        made = super().__new__(cls, text)
        made.told = told
        return made

    def __getnewargs__(self) -> tuple[str, Told]:  # type: ignore[override]  # a copy knows it too
        return str(self), self.told

    def capital(self) -> Sentence:
        """The same, of a clause, as a sentence of its own."""
        return Sentence(self[:1].upper() + self[1:], self.told)


JOINED = {"beside": "; ", "after": " ", "any": " or "}


class _English(string.Formatter):
    """Lists are told one by one: `{names}`, `{names:quoted}`, `{names:or}` (quoted too), `{names:any}`; sentences as
    `{lines:beside}`, `{lines:after}`, or `{lines:below}`, each on its line."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        if not isinstance(value, tuple):
            return super().format_field(value, format_spec)
        if format_spec == "below":
            return "".join(f"\n  {one}" for one in value)
        if format_spec in JOINED:
            return JOINED[format_spec].join(value)
        shown = [repr(one) if format_spec else one for one in value]
        return (" or " if format_spec == "or" else ", ").join(shown)


_ENGLISH = _English()


def said(code: str, form: str, /, **values: str | bool | float | Sequence[str]) -> Sentence:
    """The sentence of that form. `code`: what it is called in other languages; one code has one form.

    The form is one of `str.format`, and its names are those of the values. The pages' Spanish words are held against
    all codes and forms that are written in calls of this function.
    """
    given = {
        name: value if isinstance(value, str | bool | int | float) else tuple(value) for name, value in values.items()
    }
    return Sentence(_ENGLISH.format(form, **given), Told(code=code, values=_told(given)))


def _told(given: Mapping[str, str | bool | float | tuple[str, ...]]) -> dict[str, Value]:
    return {
        name: tuple(map(_value, value))
        if isinstance(value, tuple)
        else value
        if isinstance(value, bool | int | float)
        else _value(value)
        for name, value in given.items()
    }


def _value(text: str) -> Told | str:
    return text.told if isinstance(text, Sentence) else text


def as_sentence(text: str) -> Sentence:
    """The text as a sentence; one that does not know what it says is said in every language as it stands."""
    return text if isinstance(text, Sentence) else Sentence(text, as_said(text))


def again(text: str, told: Told | None) -> Sentence:
    """A sentence that was stored beside what it says."""
    return Sentence(text, told or as_said(text))


def as_said(text: str) -> Told:
    """Of a text that does not know what it says."""
    return Told(code=AS_SAID, values={"text": text})


def told_by(sentences: Iterable[str]) -> dict[str, Told]:
    """By sentence, what it says; those that do not know it have no place in it."""
    return {str(one): one.told for one in sentences if isinstance(one, Sentence)}


def told_of(text: str | None) -> Told | None:
    """What the text says, where it knows that."""
    return text.told if isinstance(text, Sentence) else None
