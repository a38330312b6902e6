"""A loader whose engine writes numbers, or does what a real one may do at its worst; no torch, and a real process."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import AgentLabError, CapacityError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec, Residency, Sampling
from agent_lab.providers.local.engine import EngineState, Job, Outcome, Reader, Written
from agent_lab.providers.local.plan import Footprint, LoadPlan, Placement

WRITE, SEGFAULT, ABORT, HANG, NOISE, REFUSE = range(6)
"""What a job is to do: the first id of its prompt."""
PLAN = LoadPlan(
    device="cpu",
    dtype="float32",
    quantised=False,
    attention="sdpa",
    compile=False,
    context_tokens=64,
    parallel=4,
    footprint=Footprint(weights_bytes=10, kv_bytes_per_token=1, margin_bytes=1),
)


def job(what: int = WRITE, tokens: int = 5) -> Job:
    return Job(prompt_ids=(what,), max_tokens=tokens, sampling=Sampling())


def worker_spec(key: str = "scripted", *, worker: bool = True) -> ModelSpec:
    residency = Residency(worker=worker)
    return ModelSpec(key=key, provider="local", model_id="nowhere", context_window=64, residency=residency)


class ScriptedEngine:
    """Writes `0 1 2 ...`, one number a step."""

    def __init__(self, pause_s: float = 0.001) -> None:
        self.pause_s = pause_s
        self.adapters: list[str] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        if self._closed.is_set():
            raise UnusableError("closed")
        if job.prompt_ids[0] == REFUSE:
            raise CapacityError("no")
        cancelled = threading.Event()
        thread = threading.Thread(target=self._write, args=(job, reader, cancelled), daemon=True)
        self._threads.append(thread)
        thread.start()
        return cancelled.set

    def add_adapter(self, key: str, folder: Path) -> None:
        if key == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if not folder.is_absolute():
            raise UnusableError(f"no adapter {key}")
        self.adapters.append(key)

    def state(self) -> EngineState:
        return EngineState(active=sum(thread.is_alive() for thread in self._threads), waiting=0, unused_bytes=7)

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def _write(self, job: Job, reader: Reader, cancelled: threading.Event) -> None:
        begun, text = time.monotonic(), ""
        self._misbehave(job.prompt_ids[0])
        for number in range(job.max_tokens):
            if self._closed.wait(self.pause_s) if self.pause_s else self._closed.is_set():
                reader.end(UnusableError("The model was unloaded."))
                return
            if cancelled.is_set():
                reader.end(None)
                return
            reader.show(f"{number} ")
            text += f"{number} "
        reader.end(
            Written(
                text=text,
                finish_reason="length",
                completion_tokens=job.max_tokens,
                cached_tokens=0,
                queue_s=0.0,
                first_token_s=None,
                inference_s=time.monotonic() - begun,
                memory_gb=0.0,
            )
        )

    def _misbehave(self, what: int) -> None:
        if what == SEGFAULT:
            ctypes.string_at(0)
        elif what == ABORT:
            os.abort()
        elif what == HANG:
            threading.Event().wait()
        elif what == NOISE:
            sys.stdout.write("said on stdout\n" * 20_000)
            os.write(1, b"\xff\x00raw noise\n" * 2_000)
            sys.stderr.write("said on stderr, without an end of line")
            sys.stderr.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedLoaded:
    model: Any
    tokenizer: Any
    engine: Any
    plan: LoadPlan
    window_tokens: int = 64
    end_ids: tuple[int, ...] = (1,)
    worker_pid: int | None = None

    def close(self) -> None:
        self.engine.close()


@dataclass(frozen=True, slots=True)
class ScriptedPrepared:
    weights: str
    plan: LoadPlan = PLAN


@dataclass(slots=True)
class ScriptedLoader:
    """`weights` of what is prepared says how the load goes."""

    pause_s: float = 0.001
    adapter_root: Path = Path("/adapters")
    loads: list[str] = field(default_factory=list)

    def prepare(self, spec: ModelSpec, strategy: Any, machine: Any, on_progress: Any = None) -> ScriptedPrepared:
        return ScriptedPrepared("whole")

    def adapter_folder(self, spec: ModelSpec) -> Path:
        return self.adapter_root / spec.key

    def load(
        self, spec: ModelSpec, prepared: ScriptedPrepared, placement: Placement, on_progress: Any
    ) -> ScriptedLoaded:
        self.loads.append(spec.key)
        if prepared.weights == "too large":
            raise CapacityError("Memory ran out while it was loaded.")
        if prepared.weights == "surprising":
            raise RuntimeError("nobody thought of this")
        for done in (0, 5, 10):
            on_progress(LoadProgress(model_key=spec.key, stage="loading", done_bytes=done, total_bytes=10))
        if prepared.weights == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if prepared.weights == "endless":
            threading.Event().wait()
        engine = ScriptedEngine(self.pause_s)
        tokenizer = threading.Lock() if prepared.weights == "not to be sent" else {"of": spec.key}
        return ScriptedLoaded(model="weights", tokenizer=tokenizer, engine=engine, plan=prepared.plan)


class Heard:
    """Reads one answer; `ended` gives its outcome, which must come within `patience_s`."""

    def __init__(self, patience_s: float = 60.0) -> None:
        self.pieces: list[str] = []
        self._patience_s = patience_s
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.began = threading.Event()

    def show(self, text: str) -> None:
        self.pieces.append(text)
        self.began.set()

    def end(self, outcome: Outcome) -> None:
        self._outcomes.put(outcome)

    def ended(self) -> Outcome:
        return self._outcomes.get(timeout=self._patience_s)

    def fault(self) -> AgentLabError:
        outcome = self.ended()
        assert isinstance(outcome, AgentLabError), outcome
        return outcome

    def ended_once(self) -> bool:
        with suppress(queue.Empty):
            self._outcomes.get(timeout=0.05)
            return False
        return True
