"""Reads the number that an answer states, however it is written, and holds it against the target's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from agent_lab.evaluation.data.datasets import without_calculations
from agent_lab.nodes.voting.figures import TAIL_CHARS, Figure, figures_in, last_figure

VERSION = "number@1"
MAX_DIGITS = 400
"""Longer figures are compared as they are written."""
MAX_MARKS = 20
"""So many of the last places are looked at; a hostile text has as many as it likes."""
_MARK = re.compile(
    r"####"
    r"|\\f?box(?:ed)?\s{0,3}\{"
    r"|\b(?:answer|respuesta)\b[*_\s]{0,4}(?:[:=]|(?:is|are|es|son)\b(?!\s+(?:not|no)\b)[*_\s]{0,4}:?)",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(r"(?:\A|\n)[ \t]*A:(?P<said>[^\n]*)\s*\Z")
"""How solutions in GSM8K's manner end. Only there: elsewhere it may be one of several choices."""
_MARKUP = re.compile(r"[\s*_:=$>#`\\()\[\]{}-]*")
_OPERATOR = re.compile(r"[ \t*_$€£%)\]]*(?:[^\W\d_]+[ \t]+){0,3}(?:[-−+*/×·÷x=][ \t*_$€£(\[]*){1,3}")
"""What may stand between two figures of one calculation; words: their units."""
_TEX: Mapping[str, str] = {
    r"\\[dt]?frac\s{0,3}\{([^{}]{1,50})\}\s{0,3}\{([^{}]{1,50})\}": r" \1/\2",
    r"\\(?:text|mathrm|mathbf|textbf)\s{0,3}\{([^{}]{0,200})\}": r" \1 ",
    r"\{,\}": ",",
    r"\\[,!;: ]|\\(?:left|right|displaystyle)\b": "",
    r"\\([$%€£])": r"\1",
    r"\\times\b|\\cdot\b": "*",
}


_TENS = re.compile(
    r"(?<=[0-9])[ \t]?(?:[*×x·]|\\times|\\cdot)[ \t]?10[ \t]?(?:\^|\*\*)[ \t]?\{?([-+]?[0-9]{1,2})(?![0-9])\}?"
)
"""`3 * 10^8`, which is `3e8`."""


def stated_number(text: str) -> str | None:
    """The number that the text states as its answer, else its last one, as `18`, `-2.5` or `2/3`; None without any.

    It is stated behind "Answer:" or "the answer is" (also in Spanish) and `####`, in `\\boxed{}`, or behind "A:" on
    the last line; the last such place that holds a number counts, and in it the first number, or what a calculation
    comes to ("3 + 4 = 7" is 7). Commas between thousands, currencies, percent signs and TeX are no part of it.
    """
    text = _plain(text[-TAIL_CHARS:])
    for said in _places(text):
        number = _first(said)
        if number is not None:
            return number
    return last_figure(text)


def same_number(one: str, other: str, tolerance: float = 0.0) -> bool:
    """Whether two numbers as `stated_number` writes them are the same, or no further apart than the tolerance."""
    if one == other:
        return True
    values = _value(one), _value(other)
    if values[0] is None or values[1] is None:
        return False
    return abs(values[0] - values[1]) <= Fraction(repr(tolerance))


def _plain(text: str) -> str:
    text = _TENS.sub(r"e\1", without_calculations(text))
    if "\\" in text or "{,}" in text:
        for tex, plain in _TEX.items():
            text = re.sub(tex, plain, text)
    return text


def _places(text: str) -> Iterator[str]:
    """What stands where an answer is stated, the last place first."""
    ending = _LAST_LINE.search(text)
    if ending is not None:
        yield ending["said"]
    for mark in reversed(list(_MARK.finditer(text))[-MAX_MARKS:]):
        yield _boxed(text, mark.end()) if mark[0].endswith("{") else _line(text, mark.end())


def _line(text: str, start: int) -> str:
    """The rest of the line; where nothing is on it, the next one that holds anything."""
    first = _MARKUP.match(text, start)
    start = first.end() if first else start
    # Signs that belong to the number are not markup.
    while start and text[start - 1] in "-−$":
        start -= 1
    return text[start:].partition("\n")[0]


def _boxed(text: str, start: int) -> str:
    depth = 1
    for place in range(start, min(len(text), start + 1000)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return text[start:].partition("\n")[0]


def _first(said: str) -> str | None:
    """The first number, or the result of the calculation that begins with it."""
    chain: list[Figure] = []
    equals: list[int] = []
    """How many figures stand before each equals sign."""
    for figure in figures_in(said[:2000]):
        between = said[chain[-1].end : figure.start] if chain else ""
        if chain and not _OPERATOR.fullmatch(between):
            break
        if "=" in between:
            equals.append(len(chain))
        chain.append(figure)
    if not chain:
        return None
    # "18 = 3 * 6" states 18; "3 * 6 = 18" and "48/2 = 24 = 24.0" state what comes last.
    one_alone = not equals or (equals[0] == 1 and "/" not in said[chain[0].start : chain[0].end])
    return chain[0].value if one_alone else chain[equals[-1]].value


def _value(number: str) -> Fraction | None:
    if len(number) > MAX_DIGITS or not re.fullmatch(r"-?[0-9]*\.?[0-9]+|-?[0-9]+/[0-9]*[1-9][0-9]*", number):
        return None
    return Fraction(number)
