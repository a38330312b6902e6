"""Takes the tokens that a vendor counted; a figure that no answer can have leaves all of them unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The tokens of one answer. Those of the cache are part of the prompt's."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


def tokens(figure: object) -> int:
    """A number of tokens. Raises ValueError for everything that is none, be it a number."""
    if isinstance(figure, bool) or not isinstance(figure, int | float):
        raise ValueError("a count of tokens is no number")
    # What is no number compares with nothing; what is infinite is too large.
    if not 0 <= figure <= MOST_TOKENS or figure != int(figure):
        raise ValueError("a count of tokens is out of all bounds")
    return int(figure)


def tokens_if_told(usage: Mapping[str, Any], name: str) -> int:
    """The tokens under that name; vendors leave out what they have not, or say null. Raises ValueError."""
    figure = usage.get(name)
    return 0 if figure is None else tokens(figure)


def counted_by_openai(usage: object, prompt: str, completion: str) -> Counted | None:
    """What this usage counts under those names; None where it does not, or not in numbers."""
    if not isinstance(usage, dict):
        return None
    details = usage.get(f"{prompt}_details")
    try:
        return Counted(
            prompt_tokens=tokens(usage.get(prompt)),
            completion_tokens=tokens(usage.get(completion)),
            cached_tokens=_cached(details),
        )
    except ValueError:
        return None


def counted_by_anthropic(usage: Mapping[str, Any]) -> Counted | None:
    """What this usage counts; None where it does not, or not in numbers. It tells the cache apart from the prompt."""
    try:
        cached = tokens_if_told(usage, "cache_read_input_tokens")
        written = tokens_if_told(usage, "cache_creation_input_tokens")
        return Counted(
            prompt_tokens=tokens(tokens(usage.get("input_tokens")) + cached + written),
            completion_tokens=tokens(usage.get("output_tokens")),
            cached_tokens=cached,
            cache_write_tokens=written,
        )
    except ValueError:
        return None


def _cached(details: object) -> int:
    if details is None:
        return 0
    if not isinstance(details, dict):
        raise ValueError("the details of a count are no object")
    return tokens_if_told(details, "cached_tokens")
