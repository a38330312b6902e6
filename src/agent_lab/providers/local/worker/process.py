"""A worker process seen from the server: started, listened to, watched, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from agent_lab.contracts.sentences import Sentence, said
from agent_lab.providers.local.worker.wire import Wire

log = structlog.get_logger(__name__)

LONGEST_LINE_BYTES = 2000
DYING_S = 5.0
"""From the end of the pipe to the end of the process: the kernel may have a core to write."""
BOOT = "import sys; sys.path[:] = {path!r}; from agent_lab.providers.local.worker.child import main; main({parent_pid})"
LIKELY = {
    "SIGKILL": said("likely_killed", " (it was killed, or memory ran out)"),
    "SIGSEGV": said("likely_fault", " (a fault in one of its libraries or in a driver)"),
    "SIGABRT": said("likely_gave_up", " (a library gave up)"),
    "SIGBUS": said("likely_changed", " (a file that it read changed, or a fault of the memory)"),
}


class Listener(Protocol):
    """Hears of a worker process. Both methods are called in its keeper thread."""

    def hear(self, message: Any) -> None:
        """Take the next message."""
        ...

    def gone(self, cause: str) -> None:
        """Called once and last: the process has ended, and its memory is free. `cause` is a clause."""
        ...


class WorkerProcess:
    """One worker process. Every method may be called from any thread."""

    def __init__(self, key: str, listener: Listener) -> None:
        self._key = key
        self._listener = listener
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._started = threading.Event()
        self._fault: OSError | None = None
        self._why: str | None = None
        # The kernel ties the worker's life to the thread that starts it: it must be one that lives as long.
        self._keeper = threading.Thread(target=self._keep, name=f"worker-{key}", daemon=True)

    @property
    def pid(self) -> int | None:
        """None before the start."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it. Raises OSError where the system does not let it."""
        self._keeper.start()
        self._started.wait()
        if self._fault is not None:
            raise self._fault

    def send(self, message: object) -> None:
        """Tell it something; lost without a word where it has ended."""
        if self._wire is not None:
            self._wire.send(message)

    def kill(self, why: str | None = None) -> None:
        """End it at once. `why` is told in place of the signal."""
        self._why = self._why or why
        if self._process is not None:
            self._process.kill()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end and for the last call of the listener; False where that takes longer."""
        if threading.current_thread() is not self._keeper:
            self._keeper.join(timeout_s)
        return not self._keeper.is_alive()

    def _keep(self) -> None:
        try:
            process = self._process = _spawn()
        except OSError as error:
            self._fault = error
            self._started.set()
            return
        assert process.stdin is not None
        assert process.stdout is not None
        wire = self._wire = Wire(process.stdout, process.stdin, f"worker-{self._key}")
        said = threading.Thread(target=self._log, args=(process,), name=f"worker-{self._key}-log", daemon=True)
        said.start()
        self._started.set()
        try:
            for message in wire.messages():
                self._listener.hear(message)
        except Exception:  # a message that cannot be taken: nothing after it can be trusted
            log.exception("worker_unreadable", model=self._key, pid=process.pid)
            self._why = self._why or "sent what was not understood"
        self._end(process, wire)

    def _end(self, process: subprocess.Popen[bytes], wire: Wire) -> None:
        try:
            # The pipe ends with the process; where it does not, nobody could speak to it any more.
            process.wait(DYING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        wire.finish(1.0)
        assert process.stdout is not None
        process.stdout.close()
        self._listener.gone(self._why or cause_of(process.returncode))

    def _log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr as said:
            while line := said.readline(LONGEST_LINE_BYTES):
                text = line.decode("utf-8", errors="replace").rstrip()
                if text:
                    log.info("worker_said", model=self._key, pid=process.pid, line=text)


def cause_of(returncode: int) -> Sentence:
    """How a process ended, as a clause: `was ended by SIGKILL (...)`."""
    if returncode >= 0:
        return said("ended_with_code", "ended with exit code {code}", code=returncode)
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return said("was_ended_by", "was ended by {name}{likely}", name=name, likely=LIKELY.get(name, ""))


def _spawn() -> subprocess.Popen[bytes]:
    code = BOOT.format(path=sys.path, parent_pid=os.getpid())
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # out of reach of the terminal's Ctrl-C
    )


def watch(check: Callable[[], str | None], kill: Callable[[str], None], ended: threading.Event, every_s: float) -> None:
    """Ask every so often whether something is wrong, and kill over it; returns once `ended` is set.

    It must be wrong twice: where this process itself stood still, what the worker said meanwhile is yet to be read.
    """
    before: str | None = None
    while not ended.wait(every_s):
        why = check()
        if why is not None and before is not None:
            kill(why)
            return
        before = why
