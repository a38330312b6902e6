"""Writes to standard output and standard error: text for people, one JSON document for programs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from typing import Any, TextIO

from agent_lab.cli.clean import clean
from agent_lab.contracts.errors import EnvironmentFaultError

# Escaped in JSON although it need not be: a terminal that shows the document must not obey it.
_C1 = re.compile("[\x7f-\x9f]")


class PipeClosed(Exception):
    """Nobody reads standard output any more: no error, the reader has seen enough."""


def prepare_streams() -> None:
    """Make both streams write whatever they are given: what the terminal's encoding lacks shows as a question mark.

    One that was closed before the start (`>&-`) takes everything and keeps nothing.
    """
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def write(text: str) -> None:
    """Write to standard output at once. Raises PipeClosed where nobody reads it, EnvironmentFaultError."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise PipeClosed from error
    except OSError as error:
        raise EnvironmentFaultError(
            f"Standard output cannot be written ({error.strerror or error}); make room, or send it elsewhere."
        ) from error


def write_json(document: Any) -> None:
    """Write the one JSON document of this command."""
    try:
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, ensure_ascii=True, indent=2, allow_nan=False)
    write(_C1.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n")


def note(text: str) -> None:
    """A sentence for people, beside the output: on standard error."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(clean(text).rstrip() + "\n")
        sys.stderr.flush()


def end_output(code: int) -> int:
    """Flush what is left, so that Python itself meets no closed pipe and no full disk on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
