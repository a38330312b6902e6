"""Has local models' answers written by the engines that the host lends, and counts what each took."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from agent_lab.contracts.errors import AgentLabError, UnusableError
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.providers.local.asking import Asked, job_of
from agent_lab.providers.local.engine import Outcome, Written
from agent_lab.providers.local.host import Lease, LocalHost
from agent_lab.providers.local.templates.sandbox import Templates

CLOSING = "The local models are being shut down; start the service again and ask again."


class _Post:
    """Brings what the engines' threads say to one event loop: all that was said since, each time that it wakes.

    To wake a loop costs two switches between threads, and each step has a piece for every answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._letters: deque[tuple[asyncio.Queue[str | Outcome], str | Outcome]] = deque()
        self._is_called = False

    def send(self, pieces: asyncio.Queue[str | Outcome], piece: str | Outcome) -> None:
        """Put a piece into a queue of the loop, from any thread."""
        self._letters.append((pieces, piece))
        if not self._is_called:
            self._is_called = True
            with suppress(RuntimeError):  # the loop is closed: nobody is left to read
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # First, so that a letter which comes while this goes on calls again: once too often at the most.
        self._is_called = False
        while self._letters:
            pieces, piece = self._letters.popleft()
            pieces.put_nowait(piece)


class _Line:
    """Takes what the engine's thread says to whoever reads an answer, and gives the lease back at the end."""

    def __init__(self, lease: Lease, post: _Post, *, streamed: bool) -> None:
        self._lease = lease
        self._post = post
        self._streamed = streamed
        self.handed_at = 0.0
        """When the engine got the job."""
        self.pieces: asyncio.Queue[str | Outcome] = asyncio.Queue()

    def show(self, text: str) -> None:
        """Take the next piece; dropped where nobody reads along."""
        if self._streamed:
            self._post.send(self.pieces, text)

    def end(self, outcome: Outcome) -> None:
        """The model is lent until here, which may be after the reader has left."""
        try:
            self._lease.release()
        finally:  # whatever follows from the release, whoever waits is told
            self._post.send(self.pieces, outcome)


class ModelExecutor:
    """Answers calls with models that the host lends. Calls of one model share its forward passes."""

    def __init__(self, host: LocalHost, templates: Templates | None = None) -> None:
        self._host = host
        self._templates = templates or Templates()
        self._running: dict[int, Callable[[], None]] = {}
        self._post: _Post | None = None
        self._closed = False
        self.latest_metrics: dict[str, Any] | None = None
        """What the latest answer took, under the names of `execution_metrics`."""

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | ModelAnswer, None]:
        """Pieces of text as they are written, and the answer last. Leaving ends the writing within a step."""
        if self._closed:
            raise UnusableError(CLOSING)
        started = time.monotonic()
        lease = await self._host.lease(call.model, call.strategy, deadline_s=call.timeout_s)
        line = _Line(lease, self._post_of_this_loop(), streamed=call.streamed)
        asked, cancel = await self._begin(call, lease, line)
        self._running[id(line)] = cancel
        try:
            while isinstance(piece := await line.pieces.get(), str):
                yield TextDelta(text=piece)
            written = self._written(piece)
            if not call.streamed and written.text:
                yield TextDelta(text=written.text)
            yield self._answer(call, lease, asked, written, line.handed_at - started, time.monotonic() - started)
        finally:
            self._running.pop(id(line), None)
            cancel()

    async def close(self) -> None:
        """Stop every answer within a step, let go of every model and end the process that renders templates."""
        self._closed = True
        for cancel in list(self._running.values()):
            cancel()
        await self._host.close()
        await asyncio.to_thread(self._templates.close)

    def _post_of_this_loop(self) -> _Post:
        loop = asyncio.get_running_loop()
        if self._post is None or self._post.loop is not loop:
            self._post = _Post(loop)
        return self._post

    async def _begin(self, call: ModelCall, lease: Lease, line: _Line) -> tuple[Asked, Callable[[], None]]:
        """Hand the job over. The lease goes with it: whatever happens here, it is released once."""

        def hand_over() -> tuple[Asked, Callable[[], None]]:
            try:
                asked = job_of(call, lease.loaded, self._templates)
                line.handed_at = time.monotonic()
                return asked, lease.engine.submit(asked.job, line)
            except BaseException:
                lease.release()
                raise

        thread = asyncio.get_running_loop().run_in_executor(None, hand_over)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            thread.add_done_callback(_cancel_late)
            raise

    def _written(self, outcome: Outcome) -> Written:
        if self._closed or outcome is None:
            raise UnusableError(CLOSING)
        if isinstance(outcome, AgentLabError):
            raise outcome
        return outcome

    def _answer(
        self, call: ModelCall, lease: Lease, asked: Asked, written: Written, before_s: float, total_s: float
    ) -> ModelAnswer:
        answer = ModelAnswer(
            text=written.text,
            finish_reason=written.finish_reason,
            prompt_tokens=len(asked.job.prompt_ids),
            completion_tokens=written.completion_tokens,
            cached_tokens=written.cached_tokens,
            cache_hit=lease.cache_hit,
            load_s=lease.load_s,
            queue_s=lease.queue_s + written.queue_s,
            first_token_s=None if written.first_token_s is None else before_s + written.first_token_s,
            inference_s=written.inference_s,
            strategy=lease.strategy,
            notes=lease.notes + asked.notes,
        )
        self.latest_metrics = execution_metrics(call, answer, total_s, written.memory_gb)
        return answer


def _cancel_late(handed: asyncio.Future[tuple[Asked, Callable[[], None]]]) -> None:
    """The reader left while the job was handed over: cancel it as soon as that is possible."""
    if not handed.cancelled() and handed.exception() is None:
        handed.result()[1]()


def execution_metrics(
    call: ModelCall, answer: ModelAnswer, total_s: float, gpu_memory_used_gb: float
) -> dict[str, Any]:
    """What an answer took, under the names of old: seconds, tokens, GB."""
    return {
        "cache_hit": answer.cache_hit,
        "load_time_sec": answer.load_s,
        "inference_time_sec": answer.inference_s,
        "total_time_sec": total_s,
        "tokens_generated": answer.completion_tokens,
        "gpu_memory_used_gb": gpu_memory_used_gb,
        "model_name": call.model.model_id,
        "strategy": answer.strategy or call.strategy.name,
    }
