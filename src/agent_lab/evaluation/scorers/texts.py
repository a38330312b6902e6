"""Scores answers by what stands in them: a text, a number, a choice, JSON. Pure, and the same for every arm."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.evaluation.scorers import choices, numbers
from agent_lab.evaluation.scoring import Scored
from agent_lab.gateway.text import clean
from agent_lab.nodes.json_text import json_in
from agent_lab.nodes.objects import MAX_ANSWER_CHARS
from agent_lab.nodes.voting.choices import shown

NO_TARGET = "the item has no target that this scorer can read"
UNREAD = "nothing could be read in the answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScorer:
    """Reads the answer, reads the target, and compares the two."""

    version: str
    reading: Callable[[str], str | None]
    """What an answer comes down to, whole: `read` shortens it."""
    wanted: Callable[[str], str | None]
    """What a target comes down to; None where this scorer cannot use it."""
    agree: Callable[[str, str], bool]
    """(what was read, what is wanted)"""
    binary: bool = True

    def read(self, text: str) -> str | None:
        """What the answer comes down to; None where nothing can be read."""
        return shown(self.reading(clean(text[-MAX_ANSWER_CHARS:])))

    def usable(self, item: Item) -> bool:
        """Whether the item can be scored."""
        return item.target is not None and self.wanted(item.target) is not None

    async def score(self, text: str, item: Item) -> Scored:
        """1 or 0. What cannot be read is wrong."""
        told = self.reading(clean(text[-MAX_ANSWER_CHARS:]))
        wanted = self.wanted(item.target) if item.target is not None else None
        if wanted is None or told is None:
            return Scored(choice=shown(told), score=0.0, note=NO_TARGET if wanted is None else UNREAD)
        return Scored(choice=shown(told), score=float(self.agree(told, wanted)))


def exact(spec: ScorerSpec) -> TextScorer:
    """The whole answer is the target, but for the space around it and, where it is not asked for, case."""

    def plain(text: str) -> str | None:
        text = unicodedata.normalize("NFC", text).strip()
        return (text.casefold() if spec.ignore_case else text) or None

    return TextScorer(version="exact@1", reading=plain, wanted=plain, agree=lambda told, wanted: told == wanted)


def contains(spec: ScorerSpec) -> TextScorer:
    """The target stands in the answer, not within a longer word or figure; runs of space are one."""

    def plain(text: str) -> str | None:
        text = " ".join(unicodedata.normalize("NFC", text).split())
        return (text.casefold() if spec.ignore_case else text) or None

    def stands_in(told: str, wanted: str) -> bool:
        before = r"(?<!\w)" if wanted[0].isalnum() else ""
        after = r"(?!\w)" if wanted[-1].isalnum() else ""
        return re.search(f"{before}{re.escape(wanted)}{after}", told) is not None

    return TextScorer(version="contains@1", reading=plain, wanted=plain, agree=stands_in)


def number(spec: ScorerSpec) -> TextScorer:
    """The number that the answer states is the target's, exactly or within the tolerance."""
    return TextScorer(
        version=numbers.VERSION,
        reading=numbers.stated_number,
        wanted=numbers.stated_number,
        agree=lambda told, wanted: numbers.same_number(told, wanted, spec.tolerance),
    )


def choice(spec: ScorerSpec) -> TextScorer:
    """The answer takes the choice that the target names."""

    def reading(text: str) -> str | None:
        return choices.stated_choice(text, spec.choices)

    return TextScorer(
        version=choices.VERSION, reading=reading, wanted=reading, agree=lambda told, wanted: told == wanted
    )


def json_equal(_spec: ScorerSpec) -> TextScorer:
    """The first JSON of the answer has the target's value: the order of keys does not count, and 1 is 1.0."""
    return TextScorer(
        version="json@1", reading=_json_form, wanted=_json_form, agree=lambda told, wanted: told == wanted
    )


def _json_form(text: str) -> str | None:
    value = json_in(text)
    if value is None:
        return "null" if text.strip().strip("`").strip() == "null" else None
    return canonical_json(_whole(value)).decode("ascii")


def _whole(value: JsonValue) -> JsonValue:
    """The value with figures that are whole written so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {name: _whole(one) for name, one in value.items()} if isinstance(value, dict) else value
