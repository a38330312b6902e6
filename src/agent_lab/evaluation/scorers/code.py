"""Scores programs by their tests, in a process of their own that is kept from what it does not need."""

from __future__ import annotations

import asyncio
import json
import math
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.scorers.code_answers import Trial, program_of, trial_of
from agent_lab.evaluation.scoring import Scored
from agent_lab.gateway.text import clean
from agent_lab.nodes.voting.choices import normalized
from agent_lab.providers.commands import end_group

VERSION = "code@1"
MEMORY_BYTES = 1_000_000_000
LONGEST_CHARS = 200_000
MAX_REPORT_BYTES = 20_000
LINGER_S = 1.0
"""After the end of a process: how long its report may be held open by what it left out of reach."""
NO_TESTS = "the item has no tests"
FOR_NOTHING = Trial("assert True")
UNKEPT = {
    "limits": "Code that is run for its tests has no limits of memory and processor on this system, only of time.",
    "network": "Code that is run for its tests can reach the network on this system (it lets nobody have one apart).",
    "files": "Code that is run for its tests can read and write this user's files on this system (without Landlock).",
    "signals": "Code that is run for its tests can end this user's processes on this system (without Landlock 6).",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why a program failed (None: it passed), and what it was kept from."""

    fault: str | None
    kept: tuple[str, ...] = ()


class CodeScorer:
    """Right is a program whose tests all run to their end without a fault.

    A program is kept from the environment's variables, from more time, memory, processes and open files than are
    stated, and where the system can do it from the network, from files outside its folder and from other processes.
    To print success, to exit or to be killed is to fail. Not kept out: a program that is written to deceive its tests
    from within their own process (an object that is equal to everything, tests that it changes as they run, this
    harness's own report forged).
    """

    version = VERSION
    binary = True

    def __init__(self, spec: ScorerSpec) -> None:
        self._timeout_s = spec.timeout_s
        self._places = asyncio.Semaphore(max(2, (os.cpu_count() or 2) - 1))

    def read(self, text: str) -> str | None:
        """The program without comments and layout, so that equal programs are one choice."""
        return normalized(clean(text[-LONGEST_CHARS:]), "code")

    def usable(self, item: Item) -> bool:
        """Whether the item has tests."""
        return trial_of(item) is not None

    async def score(self, text: str, item: Item) -> Scored:
        """1 where all tests pass, else 0 and why."""
        tests, choice = trial_of(item), self.read(text)
        if tests is None:
            return Scored(choice=choice, score=0.0, note=NO_TESTS)
        if len(text) > LONGEST_CHARS:
            return Scored(choice=choice, score=0.0, note=f"the answer is longer than {LONGEST_CHARS:,} characters")
        program = program_of(clean(text), item)
        async with self._places:
            outcome = await run_tests(program, tests, timeout_s=self._timeout_s)
        return Scored(choice=choice, score=float(outcome.fault is None), note=outcome.fault)


async def unkept() -> tuple[str, ...]:
    """What this system cannot keep code from, a sentence each."""
    outcome = await run_tests("", FOR_NOTHING, timeout_s=30.0)
    return tuple(sentence for name, sentence in UNKEPT.items() if name not in outcome.kept)


async def run_tests(program: str, tests: Trial, *, timeout_s: float) -> Outcome:
    """Put a program to its tests. Raises EnvironmentFaultError where no process can be started."""
    secret = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="agent-lab-code-", ignore_cleanup_errors=True) as folder:
        request = {
            "secret": secret,
            "program": program,
            "tests": tests.source,
            "entry": tests.entry,
            "folder": folder,
            "memory_bytes": MEMORY_BYTES,
            "cpu_s": math.ceil(timeout_s) + 1,
        }
        told = await _told(json.dumps(request).encode("ascii"), folder, timeout_s)
    if told is None:
        return Outcome(f"the tests took longer than {timeout_s:g} s")
    with suppress(ValueError, UnicodeDecodeError):
        report = json.loads(told)
        if isinstance(report, dict) and report.get("secret") == secret:
            return Outcome(report["fault"], tuple(report["kept"]))
    return Outcome("the process ended before its tests did")


async def _told(request: bytes, folder: str, timeout_s: float) -> bytes | None:
    """The line that the process writes; None where its time is over."""
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("code_child.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"},
            start_new_session=True,  # a group of its own, which is ended whole
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentFaultError(
            said(
                "no_process_for_tests",
                "No process can be started to run the tests of an answer ({reason}); free some memory.",
                reason=str(error.strerror or error),
            )
        ) from error
    try:
        async with asyncio.timeout(timeout_s):
            return await _line(process, request)
    except TimeoutError:
        return None
    finally:
        end_group(process.pid)
        await process.wait()


async def _line(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it may have ended by now
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()
    reading = asyncio.ensure_future(_bounded(process.stdout))
    ending = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            # What it left running would hold the report open.
            end_group(process.pid)
            await asyncio.wait({reading}, timeout=LINGER_S)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()
        ending.cancel()


async def _bounded(stream: asyncio.StreamReader) -> bytes:
    told = bytearray()
    while b"\n" not in told and len(told) < MAX_REPORT_BYTES:
        piece = await stream.read(MAX_REPORT_BYTES)
        if not piece:
            break
        told += piece
    return bytes(told)
