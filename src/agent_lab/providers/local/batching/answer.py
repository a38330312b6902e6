"""One answer in the making: its tokens, its text as far as it is certain, its chance, and how it ends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from agent_lab.contracts.generation import FinishReason
from agent_lab.providers.local.batching.decoding import Unfolding
from agent_lab.providers.local.batching.seats import Ids, Seat
from agent_lab.providers.local.engine import Job, Outcome, Reader, Written


class Answer:
    """Changed by the engine's thread alone; `cancel` may be called from any."""

    def __init__(
        self, job: Job, reader: Reader, *, decode: Callable[[Sequence[int]], str], end_ids: frozenset[int]
    ) -> None:
        self.job = job
        self.reader = reader
        self.prompt: Ids = np.asarray(job.prompt_ids, dtype=np.int32)
        self.constraint: Any = None
        """What keeps the answer to its schema, where it has one."""
        self.seat: Seat[Answer] | None = None
        self.written: list[int] = []
        self.finish_reason: FinishReason | None = None
        self.cancelled = False
        self._end_ids = end_ids
        self._text = Unfolding(decode, job.stops)
        # Its own: the same seed gives the same numbers whoever else is answered beside it.
        self._random = random.Random(job.seed)
        self._submitted_at = time.monotonic()
        self._begun_at: float | None = None
        self._first_at: float | None = None

    @property
    def next_ids(self) -> list[int]:
        """What the model reads in the next step: the token written last."""
        return self.written[-1:]

    def cancel(self) -> None:
        """End after the step that is being computed."""
        self.cancelled = True

    def begin(self, seat: Seat[Answer]) -> None:
        """It has a row now."""
        self.seat = seat
        self._begun_at = time.monotonic()

    def chance(self) -> float:
        """The next number in [0, 1)."""
        return self._random.random()

    def take(self, token_id: int) -> None:
        """Write one token more, and show what became certain by it."""
        if self._first_at is None:
            self._first_at = time.monotonic()
        self.written.append(token_id)
        if self.constraint is not None:
            self.constraint.take(token_id)
        if token_id not in self._end_ids:
            self._show(self._text.add(token_id))
        self.finish_reason = self._ended(token_id)
        if self.finish_reason is not None:
            self._show(self._text.flush())

    def outcome(self, memory_gb: float) -> Outcome:
        """The answer as its reader is told at the end; None where it was cancelled."""
        if self.finish_reason is None:
            return None
        ended = time.monotonic()
        begun = self._submitted_at if self._begun_at is None else self._begun_at
        return Written(
            text=self._text.text,
            finish_reason=self.finish_reason,
            completion_tokens=len(self.written),
            cached_tokens=0 if self.seat is None else self.seat.reused,
            queue_s=begun - self._submitted_at,
            first_token_s=None if self._first_at is None else self._first_at - self._submitted_at,
            inference_s=ended - begun,
            memory_gb=memory_gb,
        )

    def _ended(self, token_id: int) -> FinishReason | None:
        if token_id in self._end_ids or self._text.finished:
            return "stop"
        if self.constraint is not None and self.constraint.finished:
            return "stop"
        return "length" if len(self.written) >= self.job.max_tokens else None

    def _show(self, text: str) -> None:
        if text and not self.cancelled:
            self.reader.show(text)
