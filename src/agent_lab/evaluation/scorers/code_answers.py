"""Finds the program in an answer, and the tests of an item, in the shapes of HumanEval, MBPP and plain columns."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.evaluation import Item

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_PYTHON = frozenset({"python", "py", "python3", ""})
_TESTS = ("test", "tests", "test_list", "test_code")
_BEFORE = ("test_imports", "test_setup_code", "setup_code")


@dataclass(frozen=True, slots=True)
class Trial:
    """What an answer is put to. `entry`: the function that `check(candidate)` is called with."""

    source: str
    entry: str = ""


def trial_of(item: Item) -> Trial | None:
    """The tests in the columns of an item (`test`, `tests`, `test_list`), else its target; None without any."""
    found = next((told for name in _TESTS if (told := _lines(item.columns.get(name)))), item.target or "")
    if not found.strip():
        return None
    before = "\n".join(_lines(item.columns.get(name)) for name in _BEFORE)
    entry = item.columns.get("entry_point")
    known = entry if isinstance(entry, str) and entry.isidentifier() else ""
    return Trial(source=f"{before}\n{found}".lstrip("\n"), entry=known)


def program_of(text: str, item: Item) -> str:
    """The program that an answer is: its last block of Python (that with the function asked for, where one is), else
    all of it. A question that ends amid a function is the program's beginning."""
    entry = tests.entry if (tests := trial_of(item)) else ""
    blocks = [block[2] for block in _FENCE.finditer(text) if block[1].lower() in _PYTHON]
    blocks = blocks or [block[2] for block in _FENCE.finditer(text)]
    defines = re.compile(rf"^(?:async\s+)?(?:def|class)\s+{re.escape(entry)}\b|^{re.escape(entry)}\s*=", re.MULTILINE)
    program = next((block for block in reversed(blocks) if defines.search(block)), blocks[-1] if blocks else text)
    begun = re.search(rf"^(?:async\s+)?def\s+{re.escape(entry)}\b", item.input, re.MULTILINE) if entry else None
    if begun is None:
        return program
    if not defines.search(program):
        return f"{item.input}\n{program}" if item.input.endswith(":") else f"{item.input}{program}"
    return f"{_parsed(item.input[: begun.start()])}\n{program}"


def _lines(value: JsonValue) -> str:
    if isinstance(value, list):
        return "\n".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _parsed(source: str) -> str:
    """What stands before the function asked for (imports, helpers), where it is Python."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return source
