"""Keeps secrets out of the log: by the name of the field, by the type of the value, and by how a text looks."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from pydantic import SecretBytes, SecretStr

HIDDEN = "[hidden]"
# Registry keys are names that everybody may read; they are what a line about a model is for.
_HARMLESS = frozenset({"model_key", "model_keys", "cache_key"})
_SECRET_WORDS = frozenset({
    "key", "keys", "apikey", "token", "tokens", "secret", "secrets", "password", "passwd",
    "authorization", "cookie", "credential", "credentials",
})  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Errors of HTTP libraries carry headers and URLs in their text.
_LOOKS_SECRET = re.compile(
    r"(?i)(\bbearer\s+|[?&](?:api[_-]?key|key|token|access_token)=|://[^/\s:@]+:(?=[^/\s@]+@))[^\s&\"'@]+"
    r"|\b()(?:sk|hf|ghp)[-_][\w-]{8,}"
)
_DEEPEST = 8


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the line without secrets."""
    for name in line:
        # structlog's own entries (the record, the flags of the formatter) are objects that no renderer shows.
        if not name.startswith("_"):
            line[name] = _cleaned(name, line[name], _DEEPEST)
    return line


def _cleaned(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, (SecretStr, SecretBytes)):
        return HIDDEN
    if value is None or isinstance(value, (bool, int, float)):  # counts of tokens are no tokens
        return value
    if _names_secret(name) or depth == 0:
        return HIDDEN
    if isinstance(value, str):
        return _LOOKS_SECRET.sub(lambda found: f"{found[1] or found[2] or ''}{HIDDEN}", value)
    if isinstance(value, Mapping):
        return {str(key): _cleaned(str(key), inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_cleaned(name, inner, depth - 1) for inner in value]
    # Anything else is shown as its repr, which is text like any other.
    return _cleaned(name, repr(value), depth)


@lru_cache(maxsize=1024)  # the same few names come with every line
def _names_secret(name: str) -> bool:
    if name.casefold() in _HARMLESS:
        return False
    return any(word.casefold() in _SECRET_WORDS for word in _WORD.findall(name))
