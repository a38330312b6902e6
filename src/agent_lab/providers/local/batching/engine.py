"""Writes the answers of one model, many at a time: one loop in a thread of its own, one forward pass a step.

Continuous batching (Yu et al., "Orca", OSDI 2022): answers join and leave between any two steps. A prompt is read in
portions between the steps of those who write, so that a long one holds up nobody for long; a beginning that another row
has read already, or is just reading, is copied and not read again.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from agent_lab.contracts.errors import AgentLabError, CapacityError, UnusableError
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.adapters import Adapters
from agent_lab.providers.local.batching.answer import Answer
from agent_lab.providers.local.batching.forward import Forward
from agent_lab.providers.local.batching.grammar import Grammar
from agent_lab.providers.local.batching.sampler import draw
from agent_lab.providers.local.batching.seats import Seat, Seats
from agent_lab.providers.local.engine import EngineState, Job, Outcome, Reader
from agent_lab.providers.local.threads import compute_with

log = logging.getLogger(__name__)

CLOSING = "The local models are being shut down; start the service again and ask again."
PORTION_TOKENS = 1024
"""Of prompts, what one pass reads while nobody writes."""
PORTION_BESIDE_WRITERS_TOKENS = 256
GB = 1e9

Chore = tuple[Callable[[], None], "Future[None]"]


class BatchEngine:
    """Fulfils `engine.Engine`. `decode` turns ids into text."""

    def __init__(
        self,
        model_key: str,
        forward: Forward,
        *,
        rows: int,
        places: int,
        lazy_bytes: int,
        threads: int,
        decode: Callable[[Sequence[int]], str],
        end_ids: Sequence[int],
        grammar: Grammar,
        adapters: Adapters,
    ) -> None:
        """`rows` of so many `places`. `lazy_bytes`: what a place takes of memory when it is first written; 0 where all
        of it was taken at once. `threads`: of a CPU, for its passes."""
        self._key = model_key
        self._forward: Forward | None = forward
        self._seats: Seats[Answer] = Seats(rows, forward.memory)
        self._places, self._lazy_bytes = rows * places, lazy_bytes
        self._threads = threads
        self._decode = decode
        self._end_ids = frozenset(end_ids)
        self._grammar = grammar
        self._adapters: Adapters | None = adapters
        self._waiting: deque[Answer] = deque()
        self._chores: deque[Chore] = deque()
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=f"answers-{model_key}", daemon=True)
        self._thread.start()
        # A thread that is still in torch when the interpreter ends takes the process down with it.
        atexit.register(self.close)

    def submit(self, job: Job, reader: Reader) -> Callable[[], None]:
        """Begin an answer; the function returned cancels it within one step.

        Raises UnusableError when closed and ValidationError for a schema that cannot be enforced.
        """
        answer = Answer(job, reader, decode=self._decode, end_ids=self._end_ids)
        if job.schema is not None:
            answer.constraint = self._grammar.compile(job.schema)
        with self._changed:
            if self._closing:
                raise UnusableError(CLOSING)
            self._waiting.append(answer)
            self._changed.notify()

        def cancel() -> None:
            answer.cancel()
            with self._changed:
                self._changed.notify()

        return cancel

    def add_adapter(self, key: str, folder: Path) -> None:
        """Put a LoRA adapter on the model, once; blocks until it can be used. Raises UnusableError, CapacityError."""
        done: Future[None] = Future()
        with self._changed:
            if self._closing:
                raise UnusableError(CLOSING)
            self._chores.append((lambda: self._put_on(key, folder), done))
            self._changed.notify()
        done.result()

    def state(self) -> EngineState:
        """What the loop is doing just now."""
        unwritten = self._places - sum(self._seats.deepest)
        return EngineState(
            active=self._seats.taken, waiting=len(self._waiting), unused_bytes=unwritten * self._lazy_bytes
        )

    def close(self) -> None:
        """End every answer with an UnusableError, let go of the model, and wait for the loop to end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        atexit.unregister(self.close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # --- everything below runs in the loop's thread -----------------------------------------------------------------
    def _loop(self) -> None:
        compute_with(self._threads)
        with torch.inference_mode():
            while self._wait():
                self._run_chores()
                try:
                    self._step()
                except Exception as error:
                    log.exception("A step of the model %r has failed.", self._key)
                    self._start_over(error)
        self._end_all()
        self._forward = None
        self._adapters = None

    def _wait(self) -> bool:
        """Sleep until there is something to do; False when the engine is closed."""
        with self._changed:
            while not (self._closing or self._waiting or self._chores or self._seats.taken):
                self._changed.wait()
            return not self._closing

    def _run_chores(self) -> None:
        while self._chores:
            work, done = self._chores.popleft()
            try:
                work()
            except Exception as error:  # noqa: BLE001  (whoever waits for it gets the error)
                done.set_exception(self._translated(error))
            else:
                done.set_result(None)

    def _put_on(self, key: str, folder: Path) -> None:
        if self._adapters is not None:
            self._adapters.add(key, folder)

    def _step(self) -> None:
        self._drop_cancelled()
        self._seat_waiting()
        self._seats.settle()
        self._read()
        self._write()

    def _drop_cancelled(self) -> None:
        for seat in list(self._seats.rows[: self._seats.taken]):
            if seat.sitter is not None and seat.sitter.cancelled:
                self._end(seat.sitter, None)
        with self._changed:
            left = [answer for answer in self._waiting if answer.cancelled]
            for answer in left:
                self._waiting.remove(answer)
        for answer in left:
            self._tell(answer, None)

    def _seat_waiting(self) -> None:
        while self._waiting and not self._seats.is_full:
            answer = self._waiting.popleft()
            try:
                answer.begin(self._seats.sit(answer, answer.prompt, answer.job.adapter))
            except Exception as error:  # it is on no row, so nobody else would tell its reader
                self._tell(answer, self._translated(error))
                raise

    def _read(self) -> None:
        """Read a portion of the prompts of those that wait for nobody."""
        portion = PORTION_BESIDE_WRITERS_TOKENS if self._seats.writing else PORTION_TOKENS
        seats = read_together([seat for seat in self._seats.readers() if seat.waits_for is None], portion)
        if not seats:
            return
        first = self._seats.bring_forward(seats)
        parts = [seat.ids[seat.filled : seat.filled + portion].tolist() for seat in seats]
        scores = self._pass(seats, parts, first)
        if scores is None:
            return
        done = []
        for number, (seat, part) in enumerate(zip(seats, parts, strict=True)):
            self._seats.fill(seat, len(part))
            if seat.filled == len(seat.ids):
                done.append(number)
        ready = [seats[number] for number in done]
        for seat in ready:
            self._seats.begin_writing(seat)
        self._take(ready, scores[done])

    def _write(self) -> None:
        """One token more for each answer whose prompt is read."""
        seats = list(self._seats.writers())
        if not seats:
            return
        scores = self._pass(seats, [_sitter(seat).next_ids for seat in seats], 0)
        if scores is None:
            return
        for seat in seats:
            self._seats.fill(seat, 1)
        self._take(seats, scores)

    def _pass(self, seats: Sequence[Seat[Answer]], tokens: Sequence[Sequence[int]], first: int) -> Any:
        """The scores, or None where the pass failed and its answers have ended with the reason."""
        if self._forward is None or self._adapters is None:
            return None
        try:
            extra = self._adapters.forward_kwargs([seat.family for seat in seats])
            return self._forward.run(tokens, first, [seat.filled for seat in seats], extra)
        except Exception as error:  # noqa: BLE001  (torch raises whatever the weights lead it into)
            told = self._translated(error)  # one failure, however many answers it ends
            for seat in seats:
                self._end(_sitter(seat), told)
            return None

    def _take(self, seats: Sequence[Seat[Answer]], scores: Any) -> None:
        """Draw a token for each and end those that are complete."""
        if not seats:
            return
        answers = [_sitter(seat) for seat in seats]
        chances = [answer.chance() for answer in answers]
        for row, answer in enumerate(answers):
            if answer.constraint is not None:
                self._try(answer, self._grammar.restrict, scores, {row: answer.constraint})
        tokens = draw(scores, [answer.job.sampling for answer in answers], chances)
        for answer, token in zip(answers, tokens, strict=True):
            self._try(answer, self._go_on, answer, token)

    def _try(self, answer: Answer, work: Callable[..., None], *args: Any) -> None:
        """What goes wrong with one answer's tokenizer or schema ends that answer and no other."""
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001  (it is told to whoever reads that answer)
            self._end(answer, self._translated(error))

    def _go_on(self, answer: Answer, token_id: int | None) -> None:
        if answer.seat is None:  # it has ended with its schema
            return
        if token_id is None:
            self._seats.spoil(answer.seat)
            raise ArithmeticError("its numbers overflowed; another precision may hold them")
        answer.take(token_id)
        if answer.finish_reason is not None:
            self._end(answer, answer.outcome(_held_gb()))

    def _start_over(self, error: Exception) -> None:
        """End all who sit, and forget what the rows hold: a step that failed outside its pass may have left them mixed.

        Such as memory that runs out while rows are exchanged or tokens are drawn. Those who wait are served as before.
        """
        before, told = self._seats, self._translated(error)
        self._seats = before.anew()
        for seat in before.rows:
            if seat.sitter is not None:
                seat.sitter.seat = None
                self._tell(seat.sitter, told)

    def _end(self, answer: Answer, outcome: Outcome) -> None:
        if answer.seat is not None:
            self._seats.leave(answer.seat, answer.written)
            answer.seat = None
        self._tell(answer, outcome)

    def _tell(self, answer: Answer, outcome: Outcome) -> None:
        with suppress(Exception):  # a reader that fails has failed for itself alone
            answer.reader.end(outcome)

    def _end_all(self) -> None:
        seated = [_sitter(seat) for seat in self._seats.rows[: self._seats.taken]]
        for answer in (*seated, *self._waiting):
            self._tell(answer, None if answer.cancelled else UnusableError(CLOSING))
        self._waiting.clear()
        while self._chores:
            self._chores.popleft()[1].set_exception(UnusableError(CLOSING))

    def _translated(self, error: Exception) -> AgentLabError:
        if isinstance(error, AgentLabError):
            return error
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return CapacityError(
                said(
                    "memory_ran_out_answering",
                    "Memory ran out while {model!r} was answering; shorten the prompt or unload models.",
                    model=self._key,
                )
            )
        reason = str(error).strip().splitlines()
        return UnusableError(
            said(
                "model_failed_answering",
                "The model {model!r} failed while it was answering ({reason!r}); try again or use another model.",
                model=self._key,
                reason=reason[0][:200] if reason else repr(error),
            )
        )


def read_together(seats: Sequence[Seat[Answer]], portion: int) -> list[Seat[Answer]]:
    """Which prompts one pass reads: the first that waits, and those behind it that are about as long.

    Rows of a pass are filled up to the longest; what is filled up is computed for nothing, so it stays under a half.
    """
    chosen: list[Seat[Answer]] = []
    widths: list[int] = []
    for seat in seats:
        widths.append(min(len(seat.ids) - seat.filled, portion))
        padded = max(widths) * len(widths)
        if chosen and (padded > portion or 2 * sum(widths) < padded):
            widths.pop()
            continue
        chosen.append(seat)
    return chosen


def _sitter(seat: Seat[Answer]) -> Answer:
    if seat.sitter is None:
        raise RuntimeError("a row that takes part in a pass has no answer")
    return seat.sitter


def _held_gb() -> float:
    return float(torch.cuda.memory_allocated() / GB) if torch.cuda.is_available() else 0.0
