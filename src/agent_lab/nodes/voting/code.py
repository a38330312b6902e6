"""Reduces a program to what it does: no comments, no layout, so that equal programs are one choice."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST_CHARS = 200_000
_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
# Strings are kept as they are: a mark of comments in them is none. What is not closed ends with its line, a comment
# with the text; to look for the end again at every quote would take for ever.
_STRING = r"\"(?:\\.|[^\"\\\n])*+\"?|'(?:\\.|[^'\\\n])*+'?"
_HASH, _SLASHES, _DASHES, _BLOCK = r"#[^\n]*", r"//[^\n]*", r"--[^\n]*", r"/\*.*?(?:\*/|\Z)"
# Of a language that is not known only lines of comment alone are sure.
_UNKNOWN = rf"(?:^|(?<=\n))[ \t]*+(?:#|//|--)[ \t][^\n]*|{_BLOCK}"
_COMMENTS: Mapping[str, str] = {
    **dict.fromkeys(
        ("python", "py", "python3", "ruby", "rb", "sh", "bash", "shell", "r", "perl", "yaml", "toml"), _HASH
    ),
    **dict.fromkeys(
        ("c", "cpp", "c++", "cs", "c#", "csharp", "java", "javascript", "js", "typescript", "ts", "tsx", "jsx", "go"),
        f"{_SLASHES}|{_BLOCK}",
    ),
    **dict.fromkeys(("rust", "rs", "kotlin", "swift", "scala", "dart"), f"{_SLASHES}|{_BLOCK}"),
    "php": f"{_SLASHES}|{_HASH}|{_BLOCK}",
    "css": _BLOCK,
    "sql": f"{_DASHES}|{_BLOCK}",
    **dict.fromkeys(("lua", "haskell", "hs", "ada"), _DASHES),
}


def plain_code(text: str) -> str | None:
    """The last fenced block (the whole text where there is none) without comments, and with one space where words would
    else run together. None where nothing is left."""
    language, code = _block(text[-LONGEST_CHARS:])
    marks = _COMMENTS.get(language, _UNKNOWN)
    bare = re.sub(
        rf"({_STRING})|(?:{marks})", lambda match: match[1] if match[1] is not None else " ", code, flags=re.DOTALL
    )
    return _dense(bare) or None


def _block(text: str) -> tuple[str, str]:
    found = None
    for match in _FENCE.finditer(text):
        found = match
    return (found[1].lower(), found[2]) if found else ("", text)


def _dense(code: str) -> str:
    """Spaces go but between two words, and within strings."""
    parts = re.split(rf"({_STRING})", code)
    for number in range(0, len(parts), 2):
        parts[number] = re.sub(r"(?<=\w)\s+(?=\w)|(\s+)", lambda match: "" if match[1] else " ", parts[number])
    return "".join(parts).strip()
