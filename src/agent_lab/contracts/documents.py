"""Reads JSON from outside within bounds of size and depth; what is not plain JSON is refused with its place."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import accumulate
from typing import NoReturn

from pydantic import JsonValue

from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.sentences import said

MAX_BYTES = 5_000_000
MAX_DEPTH = 64
# Strings are taken out whole, so that a bracket in a text does not count.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))


def read_json(raw: bytes, *, what: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """The value. Raises TooLargeError over the bounds and ValidationError for what is not JSON.

    `what`: how their sentences begin; a sentence of its own where it is told in other languages too.
    """
    if len(raw) > max_bytes:
        form = "{what} has {size:,} bytes; {most:,} are allowed."
        raise TooLargeError(said("json_too_long", form, what=what, size=len(raw), most=max_bytes))
    _check_depth(raw, what, max_depth)
    try:
        value: JsonValue = json.loads(raw, parse_constant=_not_a_number)
    except UnicodeDecodeError as error:
        form = "{what} is not UTF-8 text (byte {at})."
        raise ValidationError(said("json_not_utf8", form, what=what, at=error.start + 1)) from error
    except json.JSONDecodeError as error:
        form = "{what} is not valid JSON: line {line}, column {column}: {reason}."
        raise ValidationError(
            said("json_broken", form, what=what, line=error.lineno, column=error.colno, reason=error.msg)
        ) from error
    except ValueError as error:  # an integer of more digits than Python converts
        form = "{what} is not usable JSON: {reason}."
        raise ValidationError(said("json_unusable", form, what=what, reason=str(error))) from error
    return value


def _check_depth(raw: bytes, what: str, max_depth: int) -> None:
    if raw.count(b"[") + raw.count(b"{") <= max_depth:
        return
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    if any(depth > max_depth for depth in accumulate(1 if one in b"[{" else -1 for one in brackets)):
        form = "{what} is nested deeper than {most} levels."
        raise TooLargeError(said("json_too_deep", form, what=what, most=max_depth))


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def canonical_json(value: JsonValue) -> bytes:
    """The one byte form of a value: sorted keys, no spaces, ASCII (so that a lone surrogate cannot break it)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def content_hash(value: JsonValue) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
