"""Runs local models' answers one after another in a thread of its own, and counts what each took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.providers.local.generation import Writer, Written
from agent_lab.providers.local.host import Lease, LocalHost
from agent_lab.providers.local.templates.sandbox import Templates

CLOSING = "The local models are being shut down; start the service again and ask again."


class ModelExecutor:
    """Answers calls with models that the host lends.

    One worker thread for all of them: answers come one after another, and a seed gives the same text each time.
    """

    def __init__(self, host: LocalHost, templates: Templates | None = None) -> None:
        self._host = host
        self._templates = templates or Templates()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="agent-lab-answer")
        self._writers: set[Writer] = set()
        self._closed = False
        self.latest_metrics: dict[str, Any] | None = None
        """What the latest answer took, under the names of `execution_metrics`."""

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | ModelAnswer, None]:
        """Pieces of text as they are written, and the answer last. Leaving ends the writing within a step."""
        if self._closed:
            raise UnusableError(CLOSING)
        started = time.monotonic()
        lease = await self._host.lease(call.model, call.strategy)
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | Future[Written]] = asyncio.Queue()

        def send(piece: str | Future[Written]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to read
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        writer = Writer(call, lease.loaded, self._templates, send)
        job = self._submit(writer, lease)
        job.add_done_callback(send)
        try:
            while isinstance(piece := await pieces.get(), str):
                yield TextDelta(text=piece)
            yield self._answer(call, lease, self._outcome(piece), time.monotonic() - started)
        finally:
            writer.stop()
            job.cancel()

    async def close(self) -> None:
        """Stop every answer within a step and end the worker thread."""
        self._closed = True
        for writer in list(self._writers):
            writer.stop()
        await asyncio.to_thread(self._worker.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._templates.close)

    def _outcome(self, job: Future[Written]) -> Written:
        if self._closed:
            raise UnusableError(CLOSING)
        return job.result()

    def _submit(self, writer: Writer, lease: Lease) -> Future[Written]:
        self._writers.add(writer)

        def done(_: Future[Written]) -> None:
            self._writers.discard(writer)
            lease.release()

        try:
            job = self._worker.submit(writer.write)
        except RuntimeError as error:
            lease.release()
            raise UnusableError(
                "The local models are being shut down; start the service again and ask again."
            ) from error
        # The model is lent until the thread is done with it, which may be after the reader has left.
        job.add_done_callback(done)
        return job

    def _answer(self, call: ModelCall, lease: Lease, written: Written, total_s: float) -> ModelAnswer:
        answer = ModelAnswer(
            text=written.text,
            finish_reason=written.finish_reason,
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.completion_tokens,
            cache_hit=lease.cache_hit,
            load_s=lease.load_s,
            queue_s=written.queue_s,
            first_token_s=None if written.first_token_s is None else lease.load_s + written.first_token_s,
            inference_s=written.inference_s,
            strategy=lease.strategy,
            notes=lease.notes + written.notes,
        )
        self.latest_metrics = execution_metrics(call, answer, total_s, written.gpu_memory_used_gb)
        return answer


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
