"""The process that renders chat templates: a JSON line in, a JSON line out, with nothing but Jinja in it.

It is run as a program and knows nothing of AI Agent Lab. Templates are rendered as transformers renders them.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

Reply = dict[str, str]


class TooLong(Exception):
    """The text outgrew its bound."""


class Generation(Extension):
    """`{% generation %}` marks what the assistant says; for a prompt it is only its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja's own declaration

    def parse(self, parser: Parser) -> nodes.Node:
        """Take the block."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Macro) -> Any:
        return caller()


class PlainDict:
    """`dict` for templates: no class that could be climbed up from."""

    def __call__(self, *args: Any, **fields: Any) -> dict[Any, Any]:
        return dict(*args, **fields)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        """As `dict.fromkeys`."""
        return dict.fromkeys(*args)


class PlainNamespace(Namespace):
    """`namespace` for templates: without names that begin with an underscore."""

    def __init__(*args: Any, **fields: Any) -> None:  # a template may have a field called `self`
        values = dict(*args[1:], **fields)
        for name in values:
            _check_name(name)
        Namespace.__init__(args[0], values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        Namespace.__setitem__(self, name, value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"the name {name!r} begins with an underscore")


class Renderer:
    """Compiled templates and the hour that they see."""

    def __init__(self) -> None:
        self.now = datetime(1, 1, 1)  # noqa: DTZ001 - local, as the parent tells it
        self._environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
        )
        self._environment.filters["tojson"] = _tojson
        self._environment.globals.update(
            raise_exception=_raise,
            strftime_now=lambda form: self.now.strftime(form),
            dict=PlainDict(),
            namespace=PlainNamespace,
        )
        self.compiled = lru_cache(maxsize=32)(self._environment.from_string)

    def render(self, template: str, variables: dict[str, Any], longest: int) -> str:
        """The text. Raises TooLong beyond `longest` characters, and whatever the template runs into."""
        pieces: list[str] = []
        left = longest
        for piece in self.compiled(template).generate(**variables):
            left -= len(piece)
            if left < 0:
                raise TooLong
            pieces.append(piece)
        return "".join(pieces)

    def literals(self, template: str) -> str:
        """The text that is written out in a template, its string constants included, apart by null characters."""
        tree = self._environment.parse(template)
        found = {node.data for node in tree.find_all(nodes.TemplateData)}
        found |= {node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)}
        return "\0".join(sorted(found))


def _raise(message: str) -> None:
    raise TemplateError(message)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def answer(renderer: Renderer, request: dict[str, Any], longest: int) -> Reply:
    """What the parent asked for, or `failed` (syntax, forbidden, limit, refused) with a reason."""
    template = request["template"]
    try:
        if request["ask"] == "check":
            renderer.compiled(template)
            return {"text": ""}
        if request["ask"] == "literals":
            return {"text": renderer.literals(template)}
        renderer.now = datetime.fromisoformat(request["now"])
        return {"text": renderer.render(template, request["variables"], longest)}
    except TemplateSyntaxError as error:
        return {"failed": "syntax", "reason": f"{error.message}, in line {error.lineno}"}
    except SecurityError as error:
        return {"failed": "forbidden", "reason": str(error)}
    except (MemoryError, RecursionError, OverflowError, TooLong) as error:
        return {"failed": "limit", "reason": type(error).__name__}
    except Exception as error:  # noqa: BLE001 - a template may raise anything, and that is its answer
        return {"failed": "refused", "reason": str(error)[:500] or type(error).__name__}


def warm(renderer: Renderer) -> None:
    """Import all that is imported late: once confined, no file can be opened."""
    for name in ("jinja2.constants", "jinja2.debug", "pprint", "textwrap", "random", "encodings.idna", "stringprep"):
        importlib.import_module(name)
    trial = "{% generation %}{{ [{'a': 1}] | tojson(indent=2) }}{% endgeneration %}{{ raise_exception('x') }}"
    answer(renderer, {"ask": "render", "template": trial, "variables": {}, "now": "2000-01-01"}, 1000)
    "x".encode("ascii", "backslashreplace")


def confine(memory_bytes: int) -> None:
    """No more memory than that, no file, no socket, no process, no core dump."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is what is left
        return
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        with suppress(ValueError, OSError):  # not every system knows every limit
            resource.setrlimit(what, (most, most))


def allow_cpu(seconds: int) -> None:
    """The processor's time from now on, in whole seconds; then the system ends the process."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def main() -> None:
    """Answer until the parent closes the pipe."""
    memory_bytes, cpu_s, longest = map(int, sys.argv[1:4])
    renderer = Renderer()
    warm(renderer)
    confine(memory_bytes)
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    writer.write(b"\n")  # ready
    writer.flush()
    for line in reader:
        allow_cpu(cpu_s)
        reply = answer(renderer, json.loads(line), longest)
        writer.write(json.dumps(reply).encode("ascii") + b"\n")
        writer.flush()


if __name__ == "__main__":
    main()
