"""An engine whose model runs in a process of its own: jobs go over, pieces and ends come back."""

from __future__ import annotations

import itertools
import pickle
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from agent_lab.contracts.errors import AgentLabError, BrokenOffError, UnusableError
from agent_lab.contracts.sentences import as_sentence, said
from agent_lab.providers.local.engine import EngineState, Job, Outcome, Reader
from agent_lab.providers.local.files.hub import ProgressSink
from agent_lab.providers.local.loading.loader import Loaded
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
from agent_lab.providers.local.worker.patience import Patience
from agent_lab.providers.local.worker.process import WorkerProcess, watch

log = structlog.get_logger(__name__)


class WorkerEngine:
    """Fulfils `engine.Engine`. When its process dies, every answer ends with a BrokenOffError that says how."""

    def __init__(self, key: str, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._readers: dict[int, Reader] = {}
        self._adapters: dict[str, queue.SimpleQueue[AgentLabError | None]] = {}
        self._lost_calls: list[Callable[[], None]] = []
        self._load: queue.SimpleQueue[Progress | Ready | Failed | AgentLabError] = queue.SimpleQueue()
        self._loading = True
        self._closing = False
        self._ended = threading.Event()
        self._error: AgentLabError | None = None
        self._state = EngineState(active=0, waiting=0, unused_bytes=0)
        self._beat_at = self._word_at = clock()
        self._process = WorkerProcess(key, self)

    # --- for whoever opens it -----------------------------------------------------------------------------------
    @property
    def pid(self) -> int | None:
        """The id of its process."""
        return self._process.pid

    def open(self, begin: Begin, on_progress: ProgressSink) -> Loaded:
        """Start the process and wait until the model is loaded; returns the `Loaded` without its engine.

        `on_progress` is called in this thread. Raises what the load raised there, BrokenOffError where the process
        died, and UnusableError where none could be started.
        """
        self._beat_at = self._clock()
        try:
            self._process.start()
        except OSError as error:
            raise UnusableError(
                said(
                    "no_process_for_model",
                    "No process could be started for the model {model!r} ({reason}).",
                    model=self._key,
                    reason=str(error),
                )
            ) from error
        every_s = self._patience.beat_s
        threading.Thread(
            target=watch,
            args=(self._wrong, self._process.kill, self._ended, every_s),
            name=f"worker-{self._key}-watch",
            daemon=True,
        ).start()
        self._process.send(begin)
        while True:
            heard = self._load.get()
            match heard:
                case Progress():
                    on_progress(heard.progress)
                case Ready():
                    loaded: Loaded = pickle.loads(heard.loaded)
                    return loaded
                case Failed():
                    self.close()
                    raise heard.error
                case _:
                    raise heard

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call once when the process dies without having been told to; at once where it has."""
        with self._lock:
            if self._error is None or self._closing:
                self._lost_calls.append(call)
                return
        call()

    # --- Engine -------------------------------------------------------------------------------------------------
    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        """Begin an answer. Raises UnusableError when closed, BrokenOffError when the process has died."""
        with self._lock:
            self._refuse_ended()
            if not self._readers:
                self._word_at = self._beat_at = self._clock()
            number = next(self._numbers)
            self._readers[number] = reader
            self._process.send(Submit(number, job))
        return lambda: self._process.send(Cancel(number))

    def add_adapter(self, key: str, folder: Path) -> None:
        """Put an adapter on the model; blocks. Raises what the engine raises there, BrokenOffError when it died."""
        answer: queue.SimpleQueue[AgentLabError | None] = queue.SimpleQueue()
        with self._lock:
            self._refuse_ended()
            self._adapters[key] = answer
            self._process.send(AddAdapter(key, folder))
        error = answer.get()
        if error is not None:
            raise error

    def state(self) -> EngineState:
        """What it was doing at its last sign of life, about a second ago."""
        with self._lock:
            told, open_answers = self._state, len(self._readers)
        active = min(told.active, open_answers)
        return EngineState(active=active, waiting=open_answers - active, unused_bytes=told.unused_bytes)

    def close(self) -> None:
        """End every answer with an UnusableError, and the process, with force where it does not by itself."""
        with self._lock:
            self._closing = True
        self._process.send(Close())
        if not self._process.wait(self._patience.close_s):
            self._process.kill()
            self._process.wait()

    # --- Listener: in the keeper thread -------------------------------------------------------------------------
    def hear(self, message: Any) -> None:
        """Take what the worker says."""
        self._beat_at = self._clock()
        match message:
            case Piece():
                self._word_at = self._beat_at
                reader = self._readers.get(message.number)
                if reader is not None:
                    reader.show(message.text)
            case End():
                self._word_at = self._beat_at
                with self._lock:
                    ended = self._readers.pop(message.number, None)
                if ended is not None:
                    _tell(ended, message.outcome)
            case Beat():
                self._state = message.state
            case AdapterAdded():
                with self._lock:
                    waiting = self._adapters.pop(message.key, None)
                if waiting is not None:
                    waiting.put(message.error)
            case _:
                self._loading = isinstance(message, Progress)
                self._load.put(message)

    def gone(self, cause: str) -> None:
        """End what was open: first those who keep the model are told, so that a second try loads it anew."""
        with self._lock:
            error = self._error = self._ending(cause)
            readers, self._readers = self._readers, {}
            adapters, self._adapters = self._adapters, {}
            lost_calls, self._lost_calls = ([] if self._closing else self._lost_calls), []
        self._ended.set()
        if not self._closing:
            log.warning("worker_lost", model=self._key, pid=self.pid, cause=cause, answers=len(readers))
        for call in lost_calls:
            try:
                call()
            except Exception:  # those who wait for an answer are told all the same
                log.exception("worker_loss_not_taken", model=self._key)
        for reader in readers.values():
            _tell(reader, error)
        for waiting in adapters.values():
            waiting.put(error)
        self._load.put(error)

    def _ending(self, cause: str) -> AgentLabError:
        if self._closing:
            return UnusableError(
                said("model_was_unloaded", "The model {model!r} was unloaded; ask again.", model=self._key)
            )
        return BrokenOffError(
            said(
                "worker_broke",
                "The worker process of the model {model!r} {cause}; ask again, and the model is loaded anew.",
                model=self._key,
                cause=as_sentence(cause),
            )
        )

    def _refuse_ended(self) -> None:
        if self._closing:
            raise UnusableError(
                said("model_leaving", "The model {model!r} is being unloaded; ask again.", model=self._key)
            )
        if self._error is not None:
            raise self._error

    def _wrong(self) -> str | None:
        now = self._clock()
        return self._patience.hung(
            loading=self._loading,
            answering=bool(self._readers),
            since_beat_s=now - self._beat_at,
            since_word_s=now - self._word_at,
        )


def _tell(reader: Reader, outcome: Outcome) -> None:
    with suppress(Exception):  # a reader that fails has failed for itself alone
        reader.end(outcome)
