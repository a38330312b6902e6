"""A node's turn: what the node may do in it, each call recorded, answered from the record where it was made before."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.events import GenerationFinished, GenerationRestarted, GenerationStarted, RunEvent, Token
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import AnswerRestarted, GenerationRequest, GenerationResult, TextDelta
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import RunOptions
from agent_lab.runs.journal import Journal
from agent_lab.runs.record import Record, request_hash
from agent_lab.runs.spending import Spending


class Declined(Exception):
    """The model does not take this question; the text says what to use instead. It ends the run."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(slots=True)
class RecordedStep:
    """One turn of one node; the `Step` that node functions are given."""

    flow: FlowConfig
    node: NodeConfig
    visit: int
    options: RunOptions
    generator: Generator
    journal: Journal
    record: Record
    spending: Spending
    opening: list[RunEvent] = field(default_factory=list)
    """Events that wait for the next write, so that they share its transaction: an fsync each is what a turn costs."""

    async def write(self, *events: RunEvent) -> None:
        """Store what waits and these events, in one transaction."""
        waiting, self.opening = self.opening, []
        await self.journal.write(*waiting, *events)

    async def generate(self, request: GenerationRequest, *, sample: int = 0) -> GenerationResult:
        """Ask the model, or answer from the record. Raises Declined where the model does not take the question."""
        request = self._seeded(request, sample)
        key = request_hash(request)
        result = self.record.calls.get((self.node.id, self.visit, sample, key))
        if result is None:
            async with self.spending.calling(self.generator.worst_case_usd(request, sticky=self.journal.run_id)):
                result = await self._ask(request, sample, key)
                self.spending.add(result)
        else:
            self.spending.add(result)
        if result.finish_reason in {"declined", "filtered"}:
            raise Declined(result.text)
        return result

    async def pause(self, seconds: float) -> None:
        """Wait. A turn that is in the record is not waited for again."""
        if self.opening:
            await self.write()
        await asyncio.sleep(seconds)

    def _seeded(self, request: GenerationRequest, sample: int) -> GenerationRequest:
        """Give each call a seed of its own, so that a second try or a second sample is not the first again."""
        if request.seed is None:
            return request
        place = f"{request.seed}/{self.node.id}/{self.visit}/{sample}".encode()
        return request.model_copy(update={"seed": int.from_bytes(hashlib.sha256(place).digest()[:4])})

    async def _ask(self, request: GenerationRequest, sample: int, key: str) -> GenerationResult:
        node, visit, journal = self.node.id, self.visit, self.journal
        await self.write(
            GenerationStarted(
                at=journal.now(), node=node, visit=visit, sample=sample, request_hash=key, request=request
            )
        )
        try:
            result = await self._hear(request, sample)
        except BaseException:
            journal.hush(node, visit, sample)
            raise
        await self.write(
            GenerationFinished(at=journal.now(), node=node, visit=visit, sample=sample, request_hash=key, result=result)
        )
        return result

    async def _hear(self, request: GenerationRequest, sample: int) -> GenerationResult:
        offset, result = 0, None
        # Read to the end, past the result, so that the stream closes itself.
        async for piece in self.generator.stream(request, sticky=self.journal.run_id):
            if isinstance(piece, TextDelta):
                self.journal.speak(self._token(sample, offset, piece.text))
                offset += len(piece.text)
            elif isinstance(piece, AnswerRestarted):
                offset = 0
                await self.write(self._restarted(sample, piece.reason))
            elif isinstance(piece, GenerationResult):
                result = piece
        if result is None:
            raise UnusableError("The answer broke off without a result; run it again or use another model.")
        return result

    def _restarted(self, sample: int, reason: str) -> GenerationRestarted:
        return GenerationRestarted(
            at=self.journal.now(), node=self.node.id, visit=self.visit, sample=sample, reason=reason
        )

    def _token(self, sample: int, offset: int, text: str) -> Token:
        return Token(
            at=self.journal.now(), node=self.node.id, visit=self.visit, sample=sample, offset=offset, text=text
        )
