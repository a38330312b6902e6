"""Runs the administrator's commands as tools: JSON on their standard input, and what they write is the answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import cast

from pydantic import JsonValue

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, ProviderError, SilentError, TooLargeError
from agent_lab.contracts.flow_ports import ToolSpec
from agent_lab.contracts.registry import ToolRow
from agent_lab.contracts.sentences import said

MAX_BYTES = 1_000_000
"""Of the arguments, of what a command writes, and of what it complains of."""
AT_ONCE = 8
"""Commands that run at the same time; others wait, and their time begins when they do."""
LINGER_S = 1.0
"""After a command's end: how long its output may be held open by what it left running out of reach."""
LONGEST_COMPLAINT = 300

Environment = Callable[[Collection[str]], dict[str, str]]
"""The variables of these names, and those that every command needs."""


class Commands:
    """Makes tools of registered commands."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._places = asyncio.Semaphore(AT_ONCE)

    def tool(self, row: ToolRow) -> ToolSpec:
        """The command as a tool."""
        return ToolSpec(
            name=row.name, description=row.description, parameters=row.parameters, call=partial(self._call, row)
        )

    async def _call(self, row: ToolRow, arguments: dict[str, JsonValue]) -> str:
        """What the command writes. Raises EnvironmentFaultError, SilentError, TooLargeError, ProviderError."""
        told = json.dumps(arguments).encode("ascii")
        if len(told) > MAX_BYTES:
            raise TooLargeError(
                said(
                    "tool_arguments_too_large",
                    "The arguments of the tool {tool!r} have {size:,} bytes; {most:,} are allowed.",
                    tool=row.name,
                    size=len(told),
                    most=MAX_BYTES,
                )
            )
        async with self._places:
            return await _run(row, told, self._environment(row.env))


async def _run(row: ToolRow, told: bytes, environment: dict[str, str]) -> str:
    loop = asyncio.get_running_loop()
    hearing = _Hearing(row.name)
    try:
        transport, _ = await loop.subprocess_exec(
            lambda: hearing,
            *row.command,
            cwd="/",
            env=environment,
            start_new_session=True,  # a group of its own, which is ended whole
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentFaultError(
            said(
                "tool_not_started",
                "The command of the tool {tool!r}, {command}, cannot be started ({why}); mend its row.",
                tool=row.name,
                command=row.command[0],
                why=why,
            )
        ) from error
    try:
        _tell(transport, told)
        async with asyncio.timeout(row.timeout_s):
            await hearing.ended
    except TimeoutError as error:
        raise SilentError(
            said(
                "tool_late",
                "The tool {tool!r} took longer than {seconds:g} s (timeout_s of its row) and was ended.",
                tool=row.name,
                seconds=row.timeout_s,
            )
        ) from error
    finally:
        end_group(transport.get_pid())
        transport.close()
    return hearing.answer(transport.get_returncode())


def _tell(transport: asyncio.SubprocessTransport, told: bytes) -> None:
    pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
    with suppress(OSError, RuntimeError):  # a command may have ended by now without wanting to know
        pipe.write(told)
        pipe.write_eof()


def end_group(pid: int) -> None:
    """End a process that leads a group, and whatever it started in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class _Hearing(asyncio.SubprocessProtocol):
    """Keeps what a command writes, up to the bound."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._pid = 0
        self._heard = {1: bytearray(), 2: bytearray()}
        self._too_much = False
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pid = cast(asyncio.SubprocessTransport, transport).get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        heard = self._heard[fd]
        if len(heard) + len(data) > MAX_BYTES:
            self._too_much = True
            self._end()
        else:
            heard += data

    def process_exited(self) -> None:
        # What the command left running goes with it; else it would hold the output open.
        end_group(self._pid)
        self._loop.call_later(LINGER_S, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def answer(self, returncode: int | None) -> str:
        """What was written. Raises TooLargeError past the bound, ProviderError for a command that failed."""
        if self._too_much:
            raise TooLargeError(
                said(
                    "tool_wrote_too_much",
                    "The tool {tool!r} wrote more than {most:,} bytes; it was ended.",
                    tool=self._name,
                    most=MAX_BYTES,
                )
            )
        if returncode:
            raise self._failure(returncode)
        return self._heard[1].decode("utf-8", "replace").rstrip("\r\n")

    def _failure(self, returncode: int) -> AgentLabError:
        complaint = self._heard[2].decode("utf-8", "replace").strip().rpartition("\n")[2].strip()
        ended = (
            said("exit_code", "exit code {code}", code=returncode)
            if returncode > 0
            else said("ended_by_signal", "signal {number}", number=-returncode)
        )
        words = (
            f": {complaint[:LONGEST_COMPLAINT]}"
            if complaint
            else said("tool_said_nothing", "; it said nothing on its standard error.")
        )
        return ProviderError(
            said(
                "tool_failed", "The tool {tool!r} failed with {ended}{words}", tool=self._name, ended=ended, words=words
            )
        )
