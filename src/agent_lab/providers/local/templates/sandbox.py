"""Has chat templates rendered by processes that nothing can be done from, and says why where one gives no text."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal, cast

from agent_lab.contracts.errors import EnvironmentFaultError

Failure = Literal["syntax", "forbidden", "limit", "refused"]
POLLS = hasattr(select, "poll")
"""Where there is no poll (Windows) a timer's thread does it, which takes three times as long."""
PROCESSES = 4
"""At most so many, so that one model's slow template does not hold up the others' answers."""


class TemplateFailure(Exception):
    """A template gave no text. `failure`: it is no template, it tried what it may not, it took too much, or it refused
    this conversation. The message is the reason, a clause."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure: Failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one rendering may take."""

    memory_bytes: int = 512_000_000
    """Of the whole process."""
    cpu_s: int = 2
    wall_s: float = 5.0
    """More than the processor's time: on a busy machine a good template waits for its turn too."""
    start_s: float = 30.0
    text_chars: int = 16_000_000


class Templates:
    """Renders chat templates as transformers does. Any thread may ask; the first starts a process, and it is kept."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(PROCESSES)
        self._idle: list[_Child] = []
        self._ended = weakref.finalize(self, _end_all, self._idle)
        self.literals = lru_cache(maxsize=64)(self._literals)
        """`literals(template)`: the text that is written out in a template. Raises TemplateFailure."""

    def start(self) -> None:
        """Have a process ready before it is needed; returns at once."""
        with self._lock:
            if not self._idle:
                self._idle.append(_Child(self._limits))

    def render(self, template: str, variables: Mapping[str, Any], *, now: datetime | None = None) -> str:
        """The text. `variables` are what JSON can hold; `now` is the time that the template sees, else the local one.

        Raises TemplateFailure.
        """
        seen = (now or datetime.now()).isoformat()  # noqa: DTZ005 - the local time is what templates are made for
        return self._ask({"ask": "render", "template": template, "variables": dict(variables), "now": seen})

    def check(self, template: str) -> None:
        """Raises TemplateFailure for a text that is no template."""
        self._ask({"ask": "check", "template": template})

    def close(self) -> None:
        """End the processes. Asking again starts new ones."""
        with self._lock:
            _end_all(self._idle)

    def _literals(self, template: str) -> str:
        return self._ask({"ask": "literals", "template": template})

    def _ask(self, request: dict[str, Any]) -> str:
        line = json.dumps(request, default=str).encode("ascii") + b"\n"
        with self._places:
            reply = self._reply(line)
            if reply.get("reason") == LOST:  # once more: it need not have been the template's doing
                reply = self._reply(line)
        if "failed" in reply:
            raise TemplateFailure(cast("Failure", reply["failed"]), _TOOK.get(reply["reason"], reply["reason"]))
        return reply["text"]

    def _reply(self, line: bytes) -> dict[str, str]:
        child = self._take()
        try:
            reply = child.ask(line)
        except BaseException:
            child.end()
            raise
        if reply.get("failed") == "limit":  # its memory is what the template left of it
            child.end()
        else:
            with self._lock:
                self._idle.append(child)
        return reply

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    return child
                child.end()
        return _Child(self._limits)


LOST = "breaks the process that renders it"
_TOOK = {
    "MemoryError": "takes more memory than a template may",
    "RecursionError": "calls itself without end",
    "OverflowError": "counts further than a template may",
    "TooLong": "writes a longer text than a template may",
}


def _end_all(children: list[_Child]) -> None:
    while children:
        children.pop().end()


class _Child:
    """One process. Used by one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._is_ready = False
        self._late = False
        figures = (limits.memory_bytes, limits.cpu_s, limits.text_chars)
        self._process = subprocess.Popen(
            # No site packages' start-up code, nothing of the user's environment (keys are in it), no current folder.
            [sys.executable, "-S", "-s", "-P", "-B", str(Path(__file__).with_name("child.py")), *map(str, figures)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env={"PYTHONPATH": _libraries()} if os.name == "posix" else None,
            start_new_session=True,  # Ctrl-C at the terminal is the parent's affair
        )
        self._reader = cast("IO[bytes]", self._process.stdout)
        self._writer = cast("IO[bytes]", self._process.stdin)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, line: bytes) -> dict[str, str]:
        """The reply, or that a limit ended the process."""
        if not self._is_ready:
            if self._line(b"", self._limits.start_s) != b"\n":
                raise EnvironmentFaultError(
                    "The process that renders chat templates does not start; check that jinja2 is installed "
                    "(pip install 'agent-lab[local]') and that there is memory for it."
                )
            self._is_ready = True
        reply = self._line(line, self._limits.wall_s)
        if reply.endswith(b"\n") and not self._late:
            found: dict[str, str] = json.loads(reply)
            return found
        return {"failed": "limit", "reason": self._last_words()}

    def end(self) -> None:
        """Kill it, and leave nothing of it behind."""
        self._process.kill()
        with suppress(OSError):  # what was still to be written goes nowhere
            self._writer.close()
        self._reader.close()
        self._process.wait()

    def _line(self, line: bytes, limit_s: float) -> bytes:
        """Send a line and read one; the process is killed when it takes too long."""
        clock = None if POLLS else threading.Timer(limit_s, self._overdue)
        try:
            if clock is not None:
                clock.start()
            self._writer.write(line)
            self._writer.flush()
            if POLLS and not self._answers_within(limit_s):
                self._overdue()
            return self._reader.readline()
        except BrokenPipeError:
            return b""
        finally:
            if clock is not None:
                clock.cancel()

    def _answers_within(self, limit_s: float) -> bool:
        waiting = select.poll()
        waiting.register(self._reader, select.POLLIN)
        return bool(waiting.poll(limit_s * 1000))

    def _overdue(self) -> None:
        self._late = True
        self._process.kill()

    def _last_words(self) -> str:
        self._process.kill()
        ended_by = -self._process.wait()
        if self._late or ended_by == getattr(signal, "SIGXCPU", None):
            return "takes longer than a template may"
        return LOST


def _libraries() -> str:
    """The folders that Jinja lies in: all that the process may import besides the standard library."""
    folders = []
    for name in ("jinja2", "markupsafe"):
        found = find_spec(name)
        if found is None or found.origin is None:
            raise EnvironmentFaultError("Local models need the 'local' extra: pip install 'agent-lab[local]'.")
        folders.append(str(Path(found.origin).parent.parent))
    return os.pathsep.join(dict.fromkeys(folders))
