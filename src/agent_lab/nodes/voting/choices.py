"""Reduces an answer to the choice that it votes for: a figure, one of several choices, code, or a text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from agent_lab.nodes.voting.code import plain_code
from agent_lab.nodes.voting.figures import TAIL_CHARS, last_figure

Normalize = Literal["number", "choice", "code", "text", "answer"]
Choice = Annotated[str, Field(max_length=100, pattern=r"\S")]
Choices = Annotated[tuple[Choice, ...], Field(max_length=100)]
LONGEST_CHARS = 200
"""A longer choice is shown by its beginning and a hash of the whole."""
_LETTER = re.compile(
    # "A reason" and "E ancora" begin with a word, not with a choice.
    r"(?<![\w'’-])(?:[B-D]|[AE](?!\s+[^\W\d_A-Z])|(?:(?<=[Oo]ption )|(?<=[Oo]pci[oó]n ))[AE])(?![\w'’-])"
)
_MARK = re.compile(
    r"\b(?:answer|choice|verdict|winner|respuesta|elecci[oó]n|veredicto|ganador)\b\s*(?:is|es)?\b|\\boxed\b",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"^[\s*_#>-]{0,10}(?:(?:the )?(?:final )?answer|(?:la )?respuesta(?: final)?)[*_]{0,3}\s?:(?P<said>.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_FIGURES = re.compile(r"[0-9]+(?:[.,'’/][0-9]+)*")
_BESIDE = r"[\s*_:=(\[{\"']{0,10}"
"""What may stand between the mark and the choice."""
_MARKED_LETTER = re.compile(_BESIDE + r"([A-E])(?![\w'’])")


def normalized(text: str, how: Normalize, choices: Sequence[str] = ()) -> str | None:
    """What the text votes for; None where it says nothing that counts, which is to abstain."""
    if how == "choice":
        return chosen(text, choices)
    return shown(_WAYS[how](text))


def shown(choice: str | None) -> str | None:
    """The choice at a length that a table can show; texts that differ stay apart."""
    if choice is None or len(choice) <= LONGEST_CHARS:
        return choice or None
    digest = hashlib.sha256(choice.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{choice[: LONGEST_CHARS - 15]}… {digest}"


def plain_text(text: str) -> str:
    """Without case, punctuation and double spaces; compatible characters are one (NFKC). Accents stay."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(" " if unicodedata.category(char).startswith(("P", "C")) else char for char in folded)
    return " ".join(kept.split())


def chosen(text: str, choices: Sequence[str] = ()) -> str | None:
    """The choice that the text names, as it is written in `choices`; a capital letter from A to E where there are none.

    The first one after the last "answer" (choice, verdict, winner, \\boxed; also in Spanish), else the last one of the
    text.
    """
    text = text[-TAIL_CHARS:].strip()
    marks = [mark.end() for mark in _MARK.finditer(text)]
    if not choices:
        beside = _MARKED_LETTER.match(text, marks[-1]) if marks else None
        return beside[1] if beside else _told(_LETTER, text, marks)
    by_fold = {choice.strip().casefold(): choice for choice in reversed(choices)}
    written = _told(_one_of(tuple(by_fold)), text, marks)
    return None if written is None else by_fold[_same_fold(written, by_fold)]


def _told(pattern: re.Pattern[str], text: str, marks: Sequence[int]) -> str | None:
    found = list(pattern.finditer(text))
    after = next((match for match in found if match.start() >= marks[-1]), None) if marks else None
    return after[0] if after else found[-1][0] if found else None


def _one_of(choices: Sequence[str]) -> re.Pattern[str]:
    # Longer ones first: "very good" is not "good".
    words = "|".join(re.escape(one) for one in sorted(choices, key=lambda one: (-len(one), one)) if one)
    return re.compile(rf"(?<!\w)(?:{words or '(?!)'})(?!\w)", re.IGNORECASE)


def _same_fold(written: str, by_fold: Mapping[str, str]) -> str:
    folded = written.casefold()
    if folded in by_fold:
        return folded
    # IGNORECASE and casefold differ for a few letters of Unicode.
    return next(one for one in by_fold if re.fullmatch(re.escape(one), written, re.IGNORECASE))


def final_answer(text: str) -> str | None:
    """What stands behind the last "Answer:" (also in Spanish) on its line; without one, the text's last line.

    Where that holds one figure it is the figure ("85 apples" is 85), else it is compared as a text.
    """
    text = text[-TAIL_CHARS:]
    marked = [match["said"] for match in _FINAL.finditer(text) if plain_text(match["said"])]
    lines = [line for line in text.splitlines() if line.strip()]
    said = marked[-1] if marked else lines[-1] if lines else ""
    return (last_figure(said) if len(_FIGURES.findall(said)) == 1 else None) or plain_text(said)


_WAYS: Mapping[str, Callable[[str], str | None]] = {
    "number": last_figure,
    "code": plain_code,
    "text": plain_text,
    "answer": final_answer,
}
