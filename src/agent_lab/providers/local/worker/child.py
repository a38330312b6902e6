"""The worker process: loads one model and writes answers until it is told to end or the server is gone."""

from __future__ import annotations

import faulthandler
import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agent_lab.contracts.errors import AgentLabError, UnusableError
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.engine import Engine, Outcome
from agent_lab.providers.local.loading.loader import NoEngine
from agent_lab.providers.local.worker.messages import (
    AdapterAdded,
    AddAdapter,
    Beat,
    Begin,
    Cancel,
    Close,
    End,
    Failed,
    Piece,
    Progress,
    Ready,
    Submit,
)
from agent_lab.providers.local.worker.wire import Wire

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
FLUSH_S = 5.0
OOM_SCORE = "500"
"""The kernel, short of memory, shall take a worker and not the server."""


def main(parent_pid: int) -> None:
    """Serve the process that started this one, over its standard input and output."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the server to answer
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Whatever libraries print goes where the log reads it, never between the messages.
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    _die_with(parent_pid)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
    wire = Wire(incoming, outgoing, "worker")
    child = Child(wire)
    try:
        for message in wire.messages():
            if isinstance(message, Close):
                child.close()
                break
            child.take(message)
    except Exception:
        log.exception("The worker process ends over a fault of its own.")
        os._exit(1)
    # Threads of libraries that do not end must not keep the memory.
    os._exit(0)


class Child:
    """Does what the messages say, and answers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = threading.Lock()
        self._open: dict[int, Callable[[], None] | None] = {}
        """The answers being written; how to cancel them once that is known."""
        self._engine: Engine = NoEngine()

    def take(self, message: Begin | Submit | Cancel | AddAdapter) -> None:
        """Begin what the message asks for."""
        match message:
            case Begin():
                threading.Thread(target=self._beat, args=(message.beat_s,), daemon=True).start()
                threading.Thread(target=self._load, args=(message,), name="worker-load", daemon=True).start()
            case Submit():
                self._submit(message)
            case Cancel():
                with self._lock:
                    cancel = self._open.get(message.number)
                if cancel is not None:
                    cancel()
            case AddAdapter():
                threading.Thread(target=self._add_adapter, args=(message,), daemon=True).start()

    def close(self) -> None:
        """End every answer and say so."""
        self._engine.close()
        self._wire.finish(FLUSH_S)

    def show(self, number: int, text: str) -> None:
        """Send a piece of an answer."""
        self._wire.send(Piece(number, text))

    def end(self, number: int, outcome: Outcome) -> None:
        """Send the end of an answer."""
        with self._lock:
            self._open.pop(number, None)
        self._wire.send(End(number, outcome))

    def _load(self, begin: Begin) -> None:
        try:
            loaded = begin.loader.load(
                begin.spec, begin.prepared, begin.placement, lambda progress: self._wire.send(Progress(progress))
            )
            # Pickled here, so that what cannot be sent fails as the load does.
            ready = Ready(pickle.dumps(replace(loaded, model=None, engine=NoEngine())))
        except AgentLabError as error:
            self._wire.send(Failed(error))
        except Exception as error:  # whatever it is, the server is told, and the log has where it came from
            log.exception("The model %r cannot be loaded.", begin.spec.key)
            self._wire.send(
                Failed(
                    UnusableError(
                        said(
                            "model_not_loaded_there",
                            "The model {model!r} cannot be loaded ({reason}).",
                            model=begin.spec.key,
                            reason=repr(error),
                        )
                    )
                )
            )
        else:
            self._engine = loaded.engine
            self._wire.send(ready)

    def _submit(self, message: Submit) -> None:
        with self._lock:
            self._open[message.number] = None
        try:
            cancel = self._engine.submit(message.job, _Answer(self, message.number))
        except AgentLabError as error:
            self.end(message.number, error)
            return
        with self._lock:
            if message.number in self._open:  # it may have ended already
                self._open[message.number] = cancel

    def _add_adapter(self, message: AddAdapter) -> None:
        error: AgentLabError | None = None
        try:
            self._engine.add_adapter(message.key, message.folder)
        except AgentLabError as refusal:
            error = refusal
        except Exception as fault:  # the server waits for an answer
            log.exception("The adapter %r cannot be loaded.", message.key)
            error = UnusableError(f"The adapter {message.key!r} cannot be loaded ({fault!r}).")
        self._wire.send(AdapterAdded(message.key, error))

    def _beat(self, beat_s: float) -> None:
        pause = threading.Event()
        while not pause.wait(beat_s):
            self._wire.send(Beat(self._engine.state()))


class _Answer:
    """Reads one answer of the engine and sends it on."""

    def __init__(self, child: Child, number: int) -> None:
        self._child = child
        self._number = number

    def show(self, text: str) -> None:
        self._child.show(self._number, text)

    def end(self, outcome: Outcome) -> None:
        self._child.end(self._number, outcome)


def _die_with(parent_pid: int) -> None:
    """Be killed when the server dies, even while a library holds this process up and nothing reads the pipe."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix" and os.getppid() != parent_pid:  # it died before that took effect
        os._exit(1)
