"""Reads examples to train on from JSONL and CSV, and says which line is wrong and why."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import TooLargeError, ValidationError

PAIRS = (("prompt", "completion"), ("input", "target"), ("question", "answer"))
MAX_ROWS = 200_000
MAX_BYTES = 1_000_000_000
FORMS = "prompt and completion, input and target, question and answer, or messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What is asked, and what the model is to say."""

    prompt: str
    completion: str
    system: str = ""
    history: tuple[tuple[str, str], ...] = ()
    """(role, text) of what was said before the prompt."""
    line: int = 0

    @property
    def identity(self) -> str:
        """A hash of what is asked; two examples that ask the same have the same."""
        asked = json.dumps([self.system, self.history, self.prompt], ensure_ascii=True)
        return hashlib.sha256(asked.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A file of examples."""

    path: Path
    sha256: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Examples to learn from, and examples to be measured by that are never learned from."""

    training: tuple[Example, ...]
    held_out: tuple[Example, ...]


def read_dataset(path: Path) -> Dataset:
    """The examples of a JSONL or CSV file. Raises ValidationError that names the line, and TooLargeError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLargeError(f"The file {path} has more than {MAX_BYTES:,} bytes; train on a part of it.")
        content = path.read_bytes()
    except OSError as error:
        raise ValidationError(f"The file {path} cannot be read ({error.strerror}); name one that can.") from error
    text = _text(path, content)
    rows = _csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(path, text)
    examples: list[Example] = []
    for line, row in rows:
        if len(examples) == MAX_ROWS:
            raise TooLargeError(f"The file {path} has more than {MAX_ROWS:,} rows; train on a part of it.")
        examples.append(_example(f"{path}, line {line}", line, row))
    if not examples:
        raise ValidationError(f"The file {path} has no rows; give it rows with {FORMS}.")
    return Dataset(path=path, sha256=hashlib.sha256(content).hexdigest(), examples=tuple(examples))


def split(examples: Sequence[Example], share: float) -> Split:
    """Hold out that share of the questions, by the hash of each, so that the same are held out of every file.

    At least one question is held out and one is left. Raises ValidationError where there are fewer than two.
    """
    asked = sorted({example.identity for example in examples})
    if len(asked) < 2:
        raise ValidationError(
            "The examples all ask the same, so none can be held out to measure by; give at least two different ones."
        )
    bound = f"{int(share * 16**12):012x}"
    count = sum(identity[:12] < bound for identity in asked)
    held_out = frozenset(asked[: min(max(count, 1), len(asked) - 1)])
    return Split(
        training=tuple(example for example in examples if example.identity not in held_out),
        held_out=tuple(example for example in examples if example.identity in held_out),
    )


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValidationError(f"{path}, line {line}: this is not UTF-8; save the file as UTF-8.") from error


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"{path}, line {number}: this is not JSON; write one object a line.") from error
        if not isinstance(row, dict):
            raise ValidationError(f"{path}, line {number}: this is no object; write one with {FORMS}.")
        yield number, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise ValidationError(f"{path}, line {reader.line_num}: this row has not as many cells as the first.")
            yield reader.line_num, row
    except csv.Error as error:
        raise ValidationError(f"{path}, line {reader.reader.line_num}: this is not CSV ({error}).") from error


def _example(where: str, line: int, row: Mapping[str, Any]) -> Example:
    if row.get("messages"):
        return _conversation(where, line, row["messages"])
    for asked, said in PAIRS:
        if asked in row and said in row:
            return Example(
                prompt=_said(where, asked, row[asked]),
                completion=_said(where, said, row[said]),
                system=_said(where, "system", row["system"]) if row.get("system") else "",
                line=line,
            )
    named = ", ".join(repr(str(name)[:40]) for name in list(row)[:8]) or "nothing"
    raise ValidationError(f"{where}: a row has {FORMS}; this one has {named}.")


def _conversation(where: str, line: int, messages: Any) -> Example:
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise ValidationError(f"{where}: 'messages' is a list of objects with a role and a content.")
    turns = [(_said(where, "role", one.get("role")), _said(where, "content", one.get("content"))) for one in messages]
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else ""
    roles = [role for role, _ in turns]
    if len(turns) < 2 or roles[-2:] != ["user", "assistant"] or not set(roles) <= {"user", "assistant"}:
        raise ValidationError(
            f"{where}: 'messages' ends with a user's message and the assistant's answer to it, after at most one "
            "system message and what the two said before."
        )
    return Example(prompt=turns[-2][1], completion=turns[-1][1], system=system, history=tuple(turns[:-2]), line=line)


def _said(where: str, name: str, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{where}: {name!r} is no text, or an empty one.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValidationError(f"{where}: {name!r} holds half a character; mend it.") from error
    return value
