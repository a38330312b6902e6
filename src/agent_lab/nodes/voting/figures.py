"""Reads the last figure of a text, however it is written, so that equal figures are one choice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

TAIL_CHARS = 100_000
"""Only so much of a text's end is read."""
LONGEST_CHARS = 100
"""A longer figure is taken as it is written."""
# No-break, thin and narrow spaces, and apostrophes. A plain space would make one figure of a row of them.
_GROUPERS = "\u00a0\u2009\u202f'’_"
_WHOLE = rf"[0-9]++(?:[.,{_GROUPERS}][0-9]++)*+"
_FIGURE = re.compile(
    # A minus that follows a word or a figure takes away from it, and a figure within a word is part of its name.
    r"(?:(?<![\w)\]}%.,])(?P<sign>[-−+]))?(?:[$€£]\s?)?(?<![\w.,])"
    rf"(?:(?<!/)(?:(?P<mixed>[0-9]{{1,6}}+) )?(?P<over>[0-9]++)/(?P<under>[0-9]++)(?![/\d])"
    rf"|(?P<plain>{_WHOLE}|\.[0-9]++)(?:[eE](?P<power>[-+]?[0-9]{{1,2}})(?!\w))?)"
)


class Figure(NamedTuple):
    """Where a figure stands in a text, and its one form."""

    start: int
    end: int
    value: str


def last_figure(text: str) -> str | None:
    """The last figure of the text in one form: `1234.5`, `-3`, `2/3`; None where there is none.

    Signs count where they touch the figure (or its currency). Both separators: the last one is the decimal mark.
    One kind more than once: thousands. A comma before exactly three digits: thousands, else decimals. A point:
    decimals. Common and mixed fractions and powers such as `1.5e3` are worked out; a percent sign is left out.
    """
    found = None
    for match in _FIGURE.finditer(text[-TAIL_CHARS:]):
        found = match
    return None if found is None else _read(found)


def figures_in(text: str) -> Iterator[Figure]:
    """Every figure of the text, in its order, read as `last_figure` reads the last one."""
    return (Figure(match.start(), match.end(), _read(match)) for match in _FIGURE.finditer(text))


def _read(match: re.Match[str]) -> str:
    if len(match[0]) > LONGEST_CHARS:
        return match[0]
    value = _value(match)
    return match[0] if value is None else _written(value)


def _value(match: re.Match[str]) -> Fraction | None:
    minus = -1 if match["sign"] in {"-", "−"} else 1
    if match["plain"] is not None:
        return minus * Fraction(_decimal(match["plain"])) * Fraction(10) ** int(match["power"] or 0)
    under = int(match["under"])
    return minus * (int(match["mixed"] or 0) + Fraction(int(match["over"]), under)) if under else None


def _decimal(written: str) -> str:
    """The figure with a point before its decimals and nothing between its thousands."""
    digits = re.sub(f"[{_GROUPERS}]", "", written)
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        mark = max(".", ",", key=digits.rindex)
    elif commas == 1:
        whole, _, rest = digits.partition(",")
        mark = "." if len(rest) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0" else ","
    else:
        mark = "." if points == 1 else ","
    if digits.count(mark) != 1:
        first, *groups = re.split("[.,]", digits)
        grouped = 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)
        return "".join((first, *groups)) if grouped or not groups else groups[-1]  # else a list such as 1,2,3
    whole, _, rest = digits.partition(mark)
    return f"{re.sub('[.,]', '', whole)}.{re.sub('[.,]', '', rest)}"


def _written(value: Fraction) -> str:
    """As decimals where they end, else as a fraction in its lowest terms."""
    under, places = value.denominator, 0
    while under % 10 in {0, 5, 2, 4, 6, 8} and under > 1:
        under = under // 10 if under % 10 == 0 else under // 5 if under % 5 == 0 else under // 2
        places += 1
    if under != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    text = digits if not places else f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return "-" + text if value < 0 else text
