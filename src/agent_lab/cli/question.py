"""Reads the question, from the command line or from standard input, within its bounds."""

from __future__ import annotations

import sys

from agent_lab.cli.output import note
from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.generation import MAX_PROMPT_CHARS

_MOST_BYTES_PER_CHAR = 4


def read_question(given: str) -> str:
    """The question as given, or from standard input for `-`.

    Raises ValidationError where it is empty or no text, TooLargeError over the bound.
    """
    text = _from_standard_input() if given == "-" else given
    if any("\ud800" <= char <= "\udfff" for char in text):  # how Python marks arguments that are not UTF-8
        raise ValidationError("The prompt is not UTF-8 text; convert it first.", where="PROMPT")
    if len(text) > MAX_PROMPT_CHARS:
        raise TooLargeError(
            f"The prompt has {len(text):,} characters; {MAX_PROMPT_CHARS:,} are allowed.", where="PROMPT"
        )
    if not text.strip():
        raise ValidationError("The prompt is empty; write a question.", where="PROMPT")
    return text


def _from_standard_input() -> str:
    if sys.stdin is None or sys.stdin.closed:
        raise ValidationError("There is no standard input to read the prompt from.", where="PROMPT")
    if sys.stdin.isatty():
        note("Write the question, then press Ctrl-D on a line of its own.")
    bound = MAX_PROMPT_CHARS * _MOST_BYTES_PER_CHAR
    raw = sys.stdin.buffer.read(bound + 1)
    if len(raw) > bound:
        raise TooLargeError(
            f"The prompt on standard input is longer than {MAX_PROMPT_CHARS:,} characters.", where="PROMPT"
        )
    try:
        return raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"Standard input is not UTF-8 text (byte {error.start + 1}); convert it first.", where="PROMPT"
        ) from error
