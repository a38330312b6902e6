"""Answers a question from what was paid for already, and pays for the others once, whoever asks at the same time."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.evaluation_ports import AnswerCache
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, OnCut, Piece
from agent_lab.contracts.ports import Generator
from agent_lab.evaluation.running.purse import Purse
from agent_lab.evaluation.running.terms import Asked, Terms
from agent_lab.runs.reducer import add_cost

MOST_KNOWN = 4096
"""Answers that are kept in memory, for the arms that ask the same in a moment."""


@dataclass(slots=True)
class Meter:
    """What the calls of one cell came to. `scope`: which answers that no seed tells apart are the same to it."""

    scope: str
    calls: int = 0
    reused: int = 0
    paid_usd: Decimal | None = Decimal(0)
    stopped: LimitExceededError | None = None
    """Why a call was not made: the budget, or a limit of the lab. What came of the cell does not count then."""


metering: ContextVar[Meter | None] = ContextVar("metering", default=None)
"""The meter of the cell that asks."""


@dataclass(slots=True)
class CachedGenerator:
    """A `contracts.ports.Generator` around another one. An answer is handed on once it is stored: a kill costs the
    calls in flight, and no other."""

    inner: Generator
    answers: AnswerCache
    terms: Terms
    purse: Purse
    evaluation_id: str
    _known: OrderedDict[str, GenerationResult] = field(default_factory=OrderedDict)
    _flying: dict[str, asyncio.Future[GenerationResult | None]] = field(default_factory=dict)
    _reader: _Reader = field(init=False)
    _writer: _Writer = field(init=False)

    def __post_init__(self) -> None:
        self._reader, self._writer = _Reader(self.answers), _Writer(self.answers)

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        """The answer, from the cache or paid for. Raises what the generator inside raises, and BudgetReachedError."""
        meter = metering.get() or Meter(scope=self.evaluation_id)
        asked = self.terms.asked(request, sticky=sticky, scope=meter.scope)
        try:
            return await self._answer(asked, request, sticky, meter)
        except LimitExceededError as error:
            meter.stopped = error
            raise

    async def _answer(
        self, asked: Asked, request: GenerationRequest, sticky: str | None, meter: Meter
    ) -> GenerationResult:
        while True:
            flying = self._flying.get(asked.key)
            result = self._known.get(asked.key) if flying is None else await asyncio.shield(flying)
            if result is not None:
                meter.reused += 1
                return result
            if asked.key not in self._flying:
                return await self._lead(asked, request, sticky, meter)

    async def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncIterator[Piece]:
        """The answer as one piece: nobody reads along."""
        yield await self.generate(request, sticky=sticky)

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        """As the generator inside."""
        return self.inner.worst_case_usd(request, sticky=sticky)

    async def _lead(
        self, asked: Asked, request: GenerationRequest, sticky: str | None, meter: Meter
    ) -> GenerationResult:
        """Find or pay for an answer for all who wait for it; they share its fault too, but not that it was given up."""
        future: asyncio.Future[GenerationResult | None] = asyncio.get_running_loop().create_future()
        key = asked.key
        self._flying[key] = future
        try:
            result = await self._find(key, meter) or await self._pay(asked, request, sticky, meter)
        except Exception as error:
            future.set_exception(error)
            future.exception()  # looked at, or asyncio would report it where nobody waits
            raise
        else:
            self._keep(key, result)
            future.set_result(result)
            return result
        finally:
            if not future.done():
                future.set_result(None)
            del self._flying[key]

    def _own(self, key: str) -> str:
        """The key of an answer that counts in this evaluation alone."""
        return hashlib.sha256(f"{key}/{self.evaluation_id}".encode()).hexdigest()

    async def _find(self, key: str, meter: Meter) -> GenerationResult | None:
        found = await self._reader.get(key) or await self._reader.get(self._own(key))
        if found is not None:
            meter.reused += 1
        return found

    async def _pay(
        self, asked: Asked, request: GenerationRequest, sticky: str | None, meter: Meter
    ) -> GenerationResult:
        async with self.purse.calling(self.inner.worst_case_usd(request, sticky=sticky)):
            result = await self.inner.generate(request, sticky=sticky)
            lost_usd = result.usage.lost_usd
            self.purse.pay((result.usage.cost_usd or Decimal(0)) + lost_usd)
        meter.calls += 1
        cost_usd = result.usage.cost_usd
        meter.paid_usd = add_cost(meter.paid_usd, None if cost_usd is None else cost_usd + lost_usd)
        # What another model said in place of the one that was asked is no answer of that one tomorrow.
        stood_in = result.model_key != asked.model_key
        await self._writer.put(self._own(asked.key) if stood_in else asked.key, result)
        return result

    def _keep(self, key: str, result: GenerationResult) -> None:
        self._known[key] = result
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


class _Reader:
    """Looks answers up; those that are wanted while a look goes on share the next one."""

    def __init__(self, answers: AnswerCache) -> None:
        self._answers = answers
        self._wanted: dict[str, asyncio.Future[GenerationResult | None]] = {}
        self._going: asyncio.Task[None] | None = None

    async def get(self, key: str) -> GenerationResult | None:
        future = self._wanted.get(key)
        if future is None:
            future = self._wanted[key] = asyncio.get_running_loop().create_future()
        if self._going is None:
            self._going = asyncio.create_task(self._look())
        return await asyncio.shield(future)

    async def _look(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                await self._look_up(wanted)
        finally:
            self._going = None

    async def _look_up(self, wanted: Mapping[str, asyncio.Future[GenerationResult | None]]) -> None:
        try:
            found = await self._answers.get(wanted)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            for future in wanted.values():
                _fail(future, error)
            return
        for key, future in wanted.items():
            if not future.done():
                future.set_result(found.get(key))


class _Writer:
    """Stores answers; those that come while a write goes on share the next one, and each is told when it is done."""

    def __init__(self, answers: AnswerCache) -> None:
        self._answers = answers
        self._waiting: dict[str, GenerationResult] = {}
        self._told: asyncio.Future[None] | None = None
        self._going: asyncio.Task[None] | None = None

    async def put(self, key: str, result: GenerationResult) -> None:
        self._waiting[key] = result
        if self._told is None:
            self._told = asyncio.get_running_loop().create_future()
        told = self._told
        if self._going is None:
            self._going = asyncio.create_task(self._store())
        await asyncio.shield(told)

    async def _store(self) -> None:
        try:
            while self._waiting and self._told is not None:
                answers, told = self._waiting, self._told
                self._waiting, self._told = {}, None
                await self._write(answers, told)
        finally:
            self._going = None

    async def _write(self, answers: Mapping[str, GenerationResult], told: asyncio.Future[None]) -> None:
        try:
            await self._answers.put(answers)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            _fail(told, error)
            return
        told.set_result(None)


def _fail(future: asyncio.Future[None] | asyncio.Future[GenerationResult | None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # looked at, or asyncio would report it where nobody waits
