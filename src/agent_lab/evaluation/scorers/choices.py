"""Reads which of several choices an answer takes: a letter from A to J, or one of the words that may be chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent_lab.nodes.voting.choices import chosen
from agent_lab.nodes.voting.figures import TAIL_CHARS

VERSION = "choice@1"
MAX_MARKS = 20
"""So many of the last places are looked at; a hostile text has as many as it likes."""
_MARK = re.compile(
    r"(?:####|\b(?:answer|choice|option|respuesta|opci[oó]n|elecci[oó]n)\b|\\(?:boxed|text)\b)"
    r"(?:[*_\s]{0,4}(?:is|are|es)\b)?",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"[\s*_:=(\[{\"'`$\\]{0,10}(?:option\s|opci[oó]n\s|text\{)?[*_(\[{]{0,3}([A-Ja-j])(?![\w'’+])")
_WHOLE = re.compile(r"[\s*_(\[{\"'`]{0,10}([A-Ja-j])[)\]}.:*_\"'`\s]{0,10}")
_LED = re.compile(r"[\s*_(\[]{0,10}([A-J])[*_]{0,3}[).:\]][*_]{0,3}\s")
# "A reason" and "I think" begin with a word, not with a choice.
_ALONE = re.compile(r"(?<![\w'’-])(?:\(([A-J])\)|([B-DF-HJ]|[AEI](?=\s*(?:[.,;:)*_\]]|$)))(?![\w'’-]))", re.MULTILINE)


def stated_choice(text: str, choices: Sequence[str] = ()) -> str | None:
    """The choice that the text takes, as it is written in `choices`; a capital letter from A to J where there are none.

    A letter is read beside the last "answer" (choice, option, `####`, `\\boxed`; also in Spanish), else where it is the
    whole text or leads the last line ("B) Paris"), else the last one that stands alone.
    """
    if choices:
        return chosen(text, choices)
    text = text[-TAIL_CHARS:].strip()
    for mark in reversed(list(_MARK.finditer(text))[-MAX_MARKS:]):
        beside = _BESIDE.match(text, mark.end())
        if beside and not _is_word(text, beside):
            return beside[1].upper()
    last = text.rpartition("\n")[2]
    whole = _WHOLE.fullmatch(text) or _WHOLE.fullmatch(last) or _LED.match(last)
    if whole:
        return whole[1].upper()
    alone = list(_ALONE.finditer(text))
    return (alone[-1][1] or alone[-1][2]) if alone else None


def _is_word(text: str, beside: re.Match[str]) -> bool:
    """An article or a pronoun, not a choice: "the answer is a list", "answer: I think"."""
    opened = text[beside.start(1) - 1] in "([{*`\"'"
    led = re.match(r"\s+[^\W\d_]", text[beside.end() : beside.end() + 12])
    return beside[1] in "aeioI" and not opened and led is not None
