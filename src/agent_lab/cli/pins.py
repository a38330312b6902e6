"""Reads values out of options: a text, JSON, or a file; and what nodes are taken to have said."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent_lab.cli.options import pairs
from agent_lab.contracts.documents import read_json
from agent_lab.contracts.errors import EnvironmentFaultError, TooLargeError, ValidationError

MAX_FILE_BYTES = 4_000_000


def read_pins(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`NODE=TEXT` and `NODE.FIELD=VALUE` options by node. Raises ValidationError for one of another form."""
    pins: dict[str, dict[str, Any]] = {}
    for place, text in pairs(given, "--pin", "NODE=TEXT").items():
        node, dot, name = place.partition(".")
        if not node or (dot and not name):
            raise ValidationError(f"--pin takes NODE=TEXT or NODE.FIELD=VALUE, not {place[:80]!r}.", where="--pin")
        pin = pins.setdefault(node, {"text": "", "fields": {}})
        if dot:
            pin["fields"][name] = read_value(text, "--pin")
        else:
            pin["text"] = _text_of(Path(text[1:]), "--pin") if text.startswith("@") else text
    return pins


def read_value(text: str, option: str) -> Any:
    """A value as it was written: JSON where it is that, the text of a file after an @, else the text itself."""
    if text.startswith("@"):
        return _text_of(Path(text[1:]), option)
    try:
        return read_json(text.encode("utf-8", "surrogatepass"), what="The value")
    except ValidationError:
        return text


def _text_of(path: Path, option: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise EnvironmentFaultError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    if len(raw) > MAX_FILE_BYTES:
        raise TooLargeError(f"The file {path} has more than {MAX_FILE_BYTES:,} bytes.", where=option)
    try:
        return raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValidationError(f"The file {path} is not UTF-8 text (byte {error.start + 1}).", where=option) from error
