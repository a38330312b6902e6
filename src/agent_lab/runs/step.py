"""A node's turn: what the node may do in it, each call recorded, answered from the record where it was made before."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.events import (
    GenerationFinished,
    GenerationRestarted,
    GenerationStarted,
    Token,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import AnswerRestarted, GenerationRequest, GenerationResult, TextDelta
from agent_lab.contracts.run import NodeOutput, RunOptions
from agent_lab.contracts.sentences import said
from agent_lab.runs.carried import CarriedRun
from agent_lab.runs.record import inner_place, request_hash

RunInner = Callable[[str, str, Mapping[str, str], str], Awaitable[NodeOutput]]
"""Runs a flow inside the turn: its name, the question, its other inputs, and its place in the run."""
asking: ContextVar[str] = ContextVar("asking", default="")
"""The path of the node whose turn asks a model, for what stands in for the models: no request says it."""


class Declined(Exception):
    """The model does not take this question; the text says what to use instead. It ends the run."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class LeftForNow(Exception):
    """The turn cannot go on at present: a person is asked, or the run is to pause. It is begun anew later."""


@dataclass(slots=True)
class RecordedStep:
    """One turn of one node; the `Step` that node functions are given."""

    run: CarriedRun
    flow: FlowConfig
    node: NodeConfig
    path: str
    visit: int
    run_inner: RunInner

    @property
    def options(self) -> RunOptions:
        """What the run chose beyond its flow."""
        return self.run.started.request.options

    async def generate(self, request: GenerationRequest, *, sample: int = 0) -> GenerationResult:
        """Ask the model, or answer from the record. Raises Declined where the model does not take the question."""
        request = self._seeded(request, sample)
        key = request_hash(request)
        result = self._known(sample, key)
        if result is None:
            self._stay()
            sticky = self.run.started.run_id
            async with self.run.budget.calling(self.run.generator.worst_case_usd(request, sticky=sticky)):
                self._stay()  # it may have waited for its place a while
                result = await self._ask(request, sample, key)
                self.run.budget.add(result)
        if result.finish_reason in {"declined", "filtered"}:
            raise Declined(result.text)
        return result

    def _known(self, sample: int, key: str) -> GenerationResult | None:
        """The answer where this run has it, or where the run that it was forked from has it."""
        place = (self.path, self.visit, sample, key)
        own = self.run.record.calls.get(place)
        if own is not None:
            return own.result
        result = self.run.first.call(place) if self.run.first else None
        if result is not None:
            self.run.journal.note(self._finished(sample, key, result, reused=True))
        return result

    def _stay(self) -> None:
        if self.run.pausing:
            raise LeftForNow

    async def ask(self, question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        """A person's answer; an empty one is the default, where there is one. Raises LeftForNow until it is there."""
        turn = (self.path, self.visit)
        answer = self.run.record.answers.get(turn)
        if answer is not None:
            return answer if answer.strip() or default is None else default
        if turn not in self.run.record.asked:
            self.run.journal.note(
                WaitingForPerson(
                    at=self.run.journal.now(),
                    node=self.path,
                    visit=self.visit,
                    question=question,
                    choices=tuple(choices),
                    default=default,
                )
            )
        raise LeftForNow

    async def run_flow(
        self, name: str, prompt: str, *, inputs: Mapping[str, str] | None = None, branch: int | None = None
    ) -> NodeOutput:
        """Run another flow inside this turn: its answer, and the fields of the node that gave it."""
        return await self.run_inner(name, prompt, inputs or {}, inner_place(self.path, self.visit, branch))

    def vote(self, voter: str, choice: str, *, weight: float = 1.0) -> None:
        """Say that a vote was counted."""
        now = self.run.journal.now()
        cast = VoteCast(at=now, node=self.path, visit=self.visit, voter=voter, choice=choice, weight=weight)
        self.run.journal.note(cast)

    async def pause(self, seconds: float) -> None:
        """Wait. A turn that is in the record is not waited for again. Raises LeftForNow where the run is to pause."""
        await self.run.journal.write()
        await self.run.sleep(seconds)
        self._stay()

    def _seeded(self, request: GenerationRequest, sample: int) -> GenerationRequest:
        """Give each call a seed of its own, so that a second try or a second sample is not the first again."""
        if request.seed is None:
            return request
        place = f"{request.seed}/{self.path}/{self.visit}/{sample}".encode()
        return request.model_copy(update={"seed": int.from_bytes(hashlib.sha256(place).digest()[:4])})

    async def _ask(self, request: GenerationRequest, sample: int, key: str) -> GenerationResult:
        node, visit, journal = self.path, self.visit, self.run.journal
        # Stored before the call, with all that came before it: a kill then costs this call and no other.
        await journal.write(
            GenerationStarted(
                at=journal.now(), node=node, visit=visit, sample=sample, request_hash=key, request=request
            )
        )
        try:
            result = await self._hear(request, sample)
        except BaseException:
            journal.hush(node, visit, sample)
            raise
        journal.note(self._finished(sample, key, result))
        return result

    def _finished(self, sample: int, key: str, result: GenerationResult, *, reused: bool = False) -> GenerationFinished:
        return GenerationFinished(
            at=self.run.journal.now(),
            node=self.path,
            visit=self.visit,
            sample=sample,
            request_hash=key,
            result=result,
            reused=reused,
        )

    async def _hear(self, request: GenerationRequest, sample: int) -> GenerationResult:
        offset, result = 0, None
        asking.set(self.path)
        # Read to the end, past the result, so that the stream closes itself.
        async for piece in self.run.generator.stream(request, sticky=self.run.started.run_id):
            if isinstance(piece, TextDelta):
                self.run.journal.speak(self._token(sample, offset, piece.text))
                offset += len(piece.text)
            elif isinstance(piece, AnswerRestarted):
                offset = 0
                await self.run.journal.write(self._restarted(sample, piece.reason))
            elif isinstance(piece, GenerationResult):
                result = piece
        if result is None:
            raise UnusableError(
                said("answer_broke_off", "The answer broke off without a result; run it again or use another model.")
            )
        return result

    def _restarted(self, sample: int, reason: str) -> GenerationRestarted:
        return GenerationRestarted(
            at=self.run.journal.now(), node=self.path, visit=self.visit, sample=sample, reason=reason
        )

    def _token(self, sample: int, offset: int, text: str) -> Token:
        return Token(
            at=self.run.journal.now(), node=self.path, visit=self.visit, sample=sample, offset=offset, text=text
        )
