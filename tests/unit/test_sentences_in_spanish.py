"""Every sentence that the server tells with its code is said in Spanish too, of what the server names in it."""

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import agent_lab
from agent_lab.contracts.reasons import REASONS

SOURCES = Path(agent_lab.__file__).parent
WORDS = Path(__file__).parents[2] / "web" / "src" / "messages" / "es"
ROW = re.compile(r'^  (\w+):(?: |\n    )"((?:[^"\\]|\\.)*)",$', re.MULTILINE)
QUOTED = re.compile(r"'[{}<][^']*'")
NAMED = re.compile(r"\{(\w+)[,}]")
BRANCHES = re.compile(r"\{(\w+), (?:select|plural), (?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}")
"""An argument with words for each of its values."""


@dataclass(frozen=True)
class Call:
    """A call of `said` somewhere in the sources, with the names that it gives values for."""

    code: str
    form: str
    names: frozenset[str]


def written() -> Iterator[Call]:
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text("utf-8")
        if "said(" in text:
            yield from _Calls.of(text)


class _Calls(ast.NodeVisitor):
    """The calls of one file; a form that does not fit into a line has a name of its own just before."""

    def __init__(self) -> None:
        self.found: list[Call] = []
        self.texts: dict[str, str] = {}

    @classmethod
    def of(cls, text: str) -> list[Call]:
        calls = cls()
        calls.visit(ast.parse(text))
        return calls.found

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
            self.texts[node.targets[0].id] = str(node.value.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "said":
            code, form = node.args
            assert isinstance(code, ast.Constant), f"line {node.lineno}: a code is written out, so that it can be found"
            text = form.value if isinstance(form, ast.Constant) else self.texts[ast.unparse(form)]
            given = {word.arg for word in node.keywords if word.arg is not None}
            self.found.append(Call(str(code.value), str(text), frozenset(given | names_in(str(text)))))
        self.generic_visit(node)


def names_in(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


def spanish() -> dict[str, str]:
    rows = [row for path in WORDS.glob("said*.ts") for row in ROW.findall(path.read_text("utf-8"))]
    assert len(rows) == len(dict(rows)), "a code has its words once"
    return dict(rows)


def wanted() -> dict[str, set[str]]:
    """By code, the names of its values."""
    forms = {call.code: set(call.names) for call in written()}
    return forms | {f"is_{kind}": set(names) for kind, names in REASONS.items()}


def test_each_code_has_spanish_words_and_no_words_are_left_over() -> None:
    assert len(wanted()) > 50
    assert set(spanish()) == set(wanted())


def test_spanish_words_use_no_value_that_is_not_sent() -> None:
    words = spanish()
    for code, names in wanted().items():
        assert set(NAMED.findall(BRANCHES.sub(r"{\1}", QUOTED.sub("", words[code])))) <= names, code


def test_a_code_has_one_form() -> None:
    forms: dict[str, set[str]] = {}
    for call in written():
        forms.setdefault(call.code, set()).add(call.form)
    assert [code for code, told in forms.items() if len(told) > 1] == []
