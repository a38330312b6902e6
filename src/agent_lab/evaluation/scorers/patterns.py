"""Scores answers by a regular expression, which may come from anybody and gets a bounded time for each answer."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import psutil

from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.scorers.texts import NO_TARGET, UNREAD
from agent_lab.evaluation.scoring import Scored
from agent_lab.gateway.text import clean
from agent_lab.nodes.voting.choices import shown

VERSION = "regex@1"
TAIL_CHARS = 100_000
"""Only so much of an answer's end is read."""
LONGEST_S = 1.0
"""Of the processor: on a busy machine an answer waits for its turn too, and is not wrong for that."""
START_S = 30.0
WAIT_S = 10.0
"""However little of it was the processor's."""
LOOK_S = 0.05
TARGET = "{target}"
TOO_LONG = "the pattern took too long on this answer"
# What a model may well write; a pattern that takes too long on one of them would on many answers.
_TRIALS = (
    "a" * 3000 + "!",
    " " * 3000 + "!",
    "1" * 3000 + "!",
    "ab " * 1000 + "!",
    "Answer: " * 400,
    "\n" * 3000,
    "((((" * 500,
)


class TookTooLong(Exception):
    """The pattern had no result in its time."""


class PatternScorer:
    """`pattern` with `{target}` in it: the answer must match it with the target put there. Without: its first group,
    or all that it matches, is the answer, and must be the target."""

    version = VERSION
    binary = True

    def __init__(self, spec: ScorerSpec) -> None:
        if not spec.pattern:
            raise ValidationError(
                said("regex_needs_pattern", "The scorer 'regex' needs a pattern."), where="/scorer/pattern"
            )
        self._pattern = spec.pattern
        self._flags = re.IGNORECASE if spec.ignore_case else 0
        self._ignore_case = spec.ignore_case
        self._holds_target = TARGET in spec.pattern
        self._child = _Child()
        self._check()

    def read(self, text: str) -> str | None:
        """What the pattern finds; None where it finds nothing, or not in time. Waits for at most WAIT_S."""
        try:
            return shown(self._found(self._pattern, text)) if not self._holds_target else shown(clean(text).strip())
        except TookTooLong:
            return None

    def usable(self, item: Item) -> bool:
        """Whether the item can be scored."""
        return item.target is not None

    async def score(self, text: str, item: Item) -> Scored:
        """1 or 0. What the pattern does not find, or not in time, is wrong."""
        if item.target is None:
            return Scored(choice=self.read(text), score=0.0, note=NO_TARGET)
        return await asyncio.to_thread(self._score, text, item.target)

    def close(self) -> None:
        """End the process. Scoring again starts another one."""
        self._child.close()

    def _score(self, text: str, target: str) -> Scored:
        try:
            if self._holds_target:
                found = self._found(self._pattern.replace(TARGET, re.escape(clean(target))), text)
                return Scored(choice=shown(clean(text).strip()), score=float(found is not None))
            found = self._found(self._pattern, text)
        except TookTooLong:
            return Scored(choice=None, score=0.0, note=TOO_LONG)
        except re.error:
            return Scored(choice=None, score=0.0, note=NO_TARGET)
        if found is None:
            return Scored(choice=None, score=0.0, note=UNREAD)
        return Scored(choice=shown(found), score=float(self._plain(found) == self._plain(clean(target))))

    def _plain(self, text: str) -> str:
        return text.strip().casefold() if self._ignore_case else text.strip()

    def _found(self, pattern: str, text: str) -> str | None:
        groups = self._child.ask(pattern, self._flags, clean(text[-TAIL_CHARS:]))
        if groups is None:
            return None
        first = groups[1] if len(groups) > 1 else groups[0]
        return groups[0] if first is None else first

    def _check(self) -> None:
        """Raises ValidationError for what is no pattern, and for one that no answer should wait for."""
        tried = self._pattern.replace(TARGET, "target")
        try:
            re.compile(tried, self._flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValidationError(
                said("no_pattern", "The pattern is no regular expression: {reason}.", reason=str(error)),
                where="/scorer/pattern",
            ) from error
        for text in _TRIALS:
            try:
                self._child.ask(tried, self._flags, text)
            except TookTooLong:
                self._child.close()
                raise ValidationError(
                    said(
                        "pattern_slow",
                        "The pattern takes longer than {seconds:g} s on a short text; avoid a repeat within "
                        "a repeat, such as (a+)+.",
                        seconds=LONGEST_S,
                    ),
                    where="/scorer/pattern",
                ) from None


class _Child:
    """The process, started when it is first asked, and again after it was killed. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._ended = weakref.finalize(self, _end, self._running)

    def ask(self, pattern: str, flags: int, text: str) -> list[str | None] | None:
        """The match and its first group; None where there is none. Raises TookTooLong."""
        line = json.dumps({"pattern": pattern, "flags": flags, "text": text}).encode("ascii") + b"\n"
        with self._lock:
            reply = self._line(line, self._process())
        if not reply.endswith(b"\n"):
            raise TookTooLong
        groups: list[str | None] | None = json.loads(reply)
        return groups

    def close(self) -> None:
        """End the process."""
        with self._lock:
            _end(self._running)

    def _process(self) -> subprocess.Popen[bytes]:
        if self._running and self._running[0].poll() is None:
            return self._running[0]
        _end(self._running)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("pattern_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,  # Ctrl-C at the terminal is the parent's affair
        )
        self._running.append(process)
        trial = json.dumps({"pattern": "x", "flags": 0, "text": "x"}).encode("ascii") + b"\n"
        if self._line(trial, process, START_S) != b'["x"]\n':
            raise EnvironmentFaultError(
                said(
                    "no_pattern_process",
                    "The process that tries patterns does not start; see that there is memory for it.",
                )
            )
        return process

    def _line(self, line: bytes, process: subprocess.Popen[bytes], limit_s: float = LONGEST_S) -> bytes:
        answered, late = threading.Event(), threading.Event()

        def watch() -> None:
            if not _answered_in_time(answered, process.pid, limit_s):
                late.set()
                process.kill()

        watching = threading.Thread(target=watch, name="pattern-watch", daemon=True)
        watching.start()
        try:
            writer, reader = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
            writer.write(line)
            writer.flush()
            return reader.readline()
        except BrokenPipeError:
            return b""
        finally:
            answered.set()
            watching.join()
            if late.is_set():  # else the next text would be asked of a process that is about to end
                process.wait()


def _answered_in_time(answered: threading.Event, pid: int, limit_s: float) -> bool:
    """Waits until it is, or the process has used so much of the processor, or the answer is long overdue."""
    ends, before_s, left_s = time.monotonic() + max(limit_s, WAIT_S), _processor_s(pid), limit_s
    while not answered.wait(max(left_s, LOOK_S)):
        left_s = before_s + limit_s - _processor_s(pid)
        if left_s <= 0 or time.monotonic() >= ends:
            return answered.is_set()
    return True


def _processor_s(pid: int) -> float:
    """The seconds of the processor that a process has used; none where it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    while running:
        process = running.pop()
        process.kill()
        with suppress(OSError):  # what was still to be written goes nowhere
            cast("IO[bytes]", process.stdin).close()
        cast("IO[bytes]", process.stdout).close()
        process.wait()
