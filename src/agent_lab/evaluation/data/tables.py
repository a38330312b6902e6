"""Reads rows with their line numbers out of JSONL, JSON or CSV, or says at once all that is wrong with them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import AgentLabError, ProblemsError, TooLargeError, ValidationError
from agent_lab.contracts.sentences import Sentence, as_sentence, said
from agent_lab.nodes.objects import sound

Format = Literal["jsonl", "json", "csv"]
MAX_BYTES = 200_000_000
MAX_ROW_BYTES = 5_000_000
MAX_COLUMNS = 1000
MOST_TOLD = 50
"""Of a file's problems so many are told, each with its place."""
MOST_SAID = 5
"""And so many in the one sentence, with how many more there are."""
LISTS = ("items", "samples", "rows", "data", "examples")
"""Under these names a JSON object may hold its rows."""
_OTHER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line on which it begins; of a JSON list, its place in it."""

    line: int
    values: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows. `about`: what a JSON object says beside its list of rows."""

    rows: tuple[Row, ...]
    unit: Literal["line", "item"] = "line"
    about: Mapping[str, JsonValue] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All names that occur, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.values))


class Problems:
    """Gathers what is wrong with a file, so that all of it is told at once."""

    def __init__(self, what: str, unit: str = "line") -> None:
        self._what = what
        self._unit = unit
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, sentence: str) -> None:
        """A thing to mend. `sentence` begins with a small letter; its line is put before it."""
        self._found.append((line, sentence))

    def raise_any(self) -> None:
        """Raises ProblemsError where there are any."""
        if not self._found:
            return
        self._found.sort(key=lambda one: one[0])
        told = [(f"/{line}", self._placed(line, sentence)) for line, sentence in self._found[:MOST_TOLD]]
        raise ProblemsError(
            said(
                "file_has_problems",
                "{what} has {count} and was not read: {lines:beside}{more}.",
                what=self._what,
                count=self._count(),
                lines=[Sentence(sentence.removesuffix("."), sentence.told) for _, sentence in told[:MOST_SAID]],
                more=self._more(),
            ),
            problems=told,
        )

    def _placed(self, line: int, sentence: str) -> Sentence:
        return said("at_row", "{unit} {number}: {problem}", unit=self._unit, number=line, problem=as_sentence(sentence))

    def _count(self) -> Sentence:
        if len(self._found) == 1:
            return said("one_problem", "a problem")
        return said("some_problems", "{number:,} problems", number=len(self._found))

    def _more(self) -> str:
        more = len(self._found) - MOST_SAID
        return said("and_more_problems", "; and {number:,} more", number=more) if more > 0 else ""


def read_table(raw: bytes, *, what: str, form: Format | None = None, max_bytes: int = MAX_BYTES) -> Table:
    """The rows of a file. `form`: None where the content shall tell.

    Raises TooLargeError over the bounds, ProblemsError for rows that cannot be read, ValidationError for what is no
    such file.
    """
    if len(raw) > max_bytes:
        raise TooLargeError(
            said(
                "file_too_large",
                "{what} has {size:,} bytes; {most:,} are allowed.",
                what=what,
                size=len(raw),
                most=max_bytes,
            )
        )
    text = _text(raw, what)
    form = form or form_of(text)
    if form == "json":
        table = _json_table(text, what, max_bytes)
    else:
        table = Table(tuple(_json_lines(text, what) if form == "jsonl" else _csv_rows(text, what)))
    if not table.rows:
        raise ValidationError(said("file_without_rows", "{what} holds no rows; put one item on each line.", what=what))
    return table


def form_of(text: str) -> Format:
    """What the text looks like: a JSON list or object, one JSON object a line, else CSV."""
    begun = text.lstrip()
    if begun.startswith("["):
        return "json"
    if not begun.startswith("{"):
        return "csv"
    first = begun.partition("\n")[0].rstrip()
    # An object that is one line and holds a list of rows is a document, not a row.
    is_row = first.endswith("}") and not (first == begun.rstrip() and _holds_rows(first))
    return "jsonl" if is_row else "json"


def _holds_rows(line: str) -> bool:
    names = "|".join(LISTS)
    return re.search(rf'"(?:{names})"\s*:\s*\[\s*\{{', line) is not None


def _text(raw: bytes, what: str) -> str:
    kind = _OTHER_MARKS.get(raw[:2])
    if kind is not None:
        raise ValidationError(
            said("file_other_encoding", "{what} is {kind} text; save it as UTF-8.", what=what, kind=kind)
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            said("file_not_utf8", "{what} is not UTF-8 text (line {number}); save it as UTF-8.", what=what, number=line)
        ) from error


# --- JSON -------------------------------------------------------------------------------------------------------------
def _json_lines(text: str, what: str) -> Iterator[Row]:
    problems = Problems(what)
    # Split at line feeds alone: other ends of lines may stand within a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = sound(read_json(line.encode(), what=said("it", "it"), max_bytes=MAX_ROW_BYTES))
        except (AgentLabError, ValueError) as error:
            problems.add(number, _reason(error))
            continue
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            problems.add(number, said("row_no_object", 'it is no JSON object; write {{"input": ..., "target": ...}}.'))
    problems.raise_any()


def _json_table(text: str, what: str, max_bytes: int) -> Table:
    try:
        value = sound(read_json(text.encode(), what=what, max_bytes=max_bytes))
    except ValueError as error:
        raise ValidationError(
            said("file_unfit", "{what} cannot be used: {reason}.", what=what, reason=str(error))
        ) from error
    about = value if isinstance(value, dict) else None
    if about is not None:
        listed = next((about[name] for name in LISTS if isinstance(about.get(name), list)), None)
        value = [about] if listed is None else listed
    if not isinstance(value, list):
        raise ValidationError(
            said("file_no_list", "{what} is neither a list of JSON objects nor one object a line.", what=what)
        )
    problems = Problems(what, "item")
    rows = []
    for number, one in enumerate(value, start=1):
        if isinstance(one, dict):
            rows.append(Row(number, one))
        else:
            problems.add(number, said("row_no_object", 'it is no JSON object; write {{"input": ..., "target": ...}}.'))
    problems.raise_any()
    return Table(tuple(rows), "item", about)


def _reason(error: Exception) -> Sentence:
    """Why a line is no JSON. It has its own number, so where it is broken only the column is told."""
    broken = error.__cause__
    if isinstance(broken, json.JSONDecodeError):
        form = "it is not valid JSON at column {column}: {reason}."
        return said("row_no_json", form, column=broken.colno, reason=broken.msg)
    return as_sentence(error.message if isinstance(error, AgentLabError) else f"{error}.")


# --- CSV --------------------------------------------------------------------------------------------------------------
def _csv_rows(text: str, what: str) -> Iterator[Row]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))  # its own bound, 128 KiB, is less than a question
    # `newline=""` leaves the line ends within quotes as they are.
    lines = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=_delimiter(text), strict=True)
    problems = Problems(what)
    names: list[str] | None = None
    number = 1
    while True:
        try:
            cells = next(lines, None)
        except csv.Error as error:
            problems.add(
                number,
                said("row_no_csv", "its quotes or its commas are not those of CSV ({reason}).", reason=str(error)),
            )
            break
        if cells is None:
            break
        if names is None and cells:
            names = _header(cells, what)
        elif names is not None and any(cells):
            row = _row(number, names, cells, problems)
            if row is not None:
                yield row
        number = lines.line_num + 1
    problems.raise_any()


def _row(number: int, names: list[str], cells: list[str], problems: Problems) -> Row | None:
    if len(cells) != len(names):
        problems.add(
            number,
            said(
                "row_other_cells",
                "it has {cells} cells and the first row names {columns} columns.",
                cells=len(cells),
                columns=len(names),
            ),
        )
        return None
    return Row(number, dict(zip(names, cells, strict=True)))


def _header(cells: list[str], what: str) -> list[str]:
    # A column without a name is what spreadsheets and data frames write before their rows.
    names = [name.strip() or f"column_{place}" for place, name in enumerate(cells, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= MAX_COLUMNS else []
    if twice:
        raise ValidationError(
            said(
                "columns_twice",
                "{what} has two columns called {column!r}; give each a name of its own.",
                what=what,
                column=twice[0][:80],
            )
        )
    if len(names) > MAX_COLUMNS:
        raise TooLargeError(
            said(
                "columns_too_many",
                "{what} has {count:,} columns; {most:,} are allowed.",
                what=what,
                count=len(names),
                most=MAX_COLUMNS,
            )
        )
    return names


def _delimiter(text: str) -> str:
    """That of the first row: spreadsheets write a semicolon or a tab where the comma is the decimal mark."""
    first = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    return max(",;\t", key=first.count)
