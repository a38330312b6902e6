"""Has one arm answer one item: a run that nothing is kept of but what it came to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.evaluation import EvaluationSpec, Item
from agent_lab.contracts.events import GenerationFinished, RunEvent, RunFinished, RunStarted, Token
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import Fault, RunOptions, RunRequest, RunStatus
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.arms.plans import Plan
from agent_lab.evaluation.running.cache import Meter, metering
from agent_lab.flows.state import as_text
from agent_lab.runs.carried import CarriedRun
from agent_lab.runs.executor import execute
from agent_lab.runs.journal import Journal
from agent_lab.runs.live import LiveRun
from agent_lab.runs.record import Record

CellStatus = RunStatus | Literal["timed_out"]
_NOBODY = said("nobody_there", "The flow waits for a person, who is not there in an evaluation; answer by a model.")
_ASKS_A_PERSON = Fault(type="asks-a-person", message=_NOBODY, said=_NOBODY.told)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to, with all that was said in it."""

    status: CellStatus
    answer: str | None
    fault: Fault | None
    events: Sequence[RunEvent]
    seconds: float
    meter: Meter

    def results(self) -> list[GenerationFinished]:
        """The answers of models in it."""
        return [event for event in self.events if isinstance(event, GenerationFinished)]


class _Heard(Journal):
    """A run's voice into memory alone: a kill loses the run, and what its calls cost is in the cache."""

    def __init__(self, live: LiveRun, record: Record) -> None:
        self.run_id = ""
        self.now = _now
        self._events = live.events
        self._taken = record

    def note(self, *events: RunEvent) -> None:
        """Keep them, numbered."""
        for event in events:
            numbered = event.model_copy(update={"seq": len(self._events) + 1})
            self._taken.take(numbered)
            self._events.append(numbered)

    async def write(self, *events: RunEvent) -> None:
        """Keep them."""
        self.note(*events)

    async def settle(self) -> AgentLabError | None:
        """Nothing waits."""
        return None

    def speak(self, token: Token) -> None:
        """Nobody reads along."""

    def hush(self, node: str, visit: int, sample: int) -> None:
        """Nobody has read along."""


def _now() -> datetime:
    return datetime.now(UTC)


def seed_of(seed: int, item: str, sample: int) -> int:
    """The seed of an answer: the same for all arms, so that they draw the same first drafts."""
    digest = hashlib.sha256(f"{seed}/{sample}/{item}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")


def request_of(plan: Plan, item: Item, sample: int, spec: EvaluationSpec) -> RunRequest:
    """The run of that arm on that item. What its flow wants beside the question is taken from the item's columns."""
    wanted = set(plan.flow.inputs) - {"user_input"}
    inputs = {name: as_text(item.columns[name]) for name in wanted if item.columns.get(name) is not None}
    return RunRequest(flow=plan.flow.id, prompt=item.input, inputs=inputs, options=_options(plan, item, sample, spec))


def _options(plan: Plan, item: Item, sample: int, spec: EvaluationSpec) -> RunOptions:
    own = plan.options
    language = own.language if "language" in own.model_fields_set else spec.language
    return own.model_copy(update={"seed": seed_of(spec.seed, item.id, sample), "language": language})


async def carry_out(
    plan: Plan, request: RunRequest, generator: Generator, kinds: Mapping[str, NodeKind], *, sticky: str, scope: str
) -> Done:
    """Run it to its end. A run that fails is an outcome like any other; only being cancelled passes through.

    `sticky`: by which a row that shares its requests out chooses, the same for all arms.
    """
    meter = Meter(scope=scope)
    token = metering.set(meter)
    began = time.monotonic()
    try:
        return await _walk(plan, request, generator, kinds, sticky, meter, began)
    finally:
        metering.reset(token)


async def _walk(
    plan: Plan,
    request: RunRequest,
    generator: Generator,
    kinds: Mapping[str, NodeKind],
    sticky: str,
    meter: Meter,
    began: float,
) -> Done:
    started = RunStarted(
        at=_now(),
        run_id=sticky,
        request_id=sticky,
        flow=plan.flow,
        flow_hash=plan.flow_hash,
        subflows=dict(plan.subflows),
        request=request,
    )
    live, record = LiveRun(), Record()
    journal = _Heard(live, record)
    journal.note(started)
    run = CarriedRun(started, journal, record, generator, kinds)
    missing = [name for name in plan.flow.inputs if _is_missing(name, plan, request)]
    if missing:
        form = "The flow {flow!r} needs {column!r}; give the dataset a column of that name."
        told = said("needs_column", form, flow=plan.flow.id, column=missing[0])
        fault = Fault(type="invalid-request", message=told, said=told.told)
        return Done("failed", None, fault, live.events, 0.0, meter)
    status: CellStatus = await execute(run, live)
    seconds = round(time.monotonic() - began, 4)
    last = live.events[-1]
    if not isinstance(last, RunFinished):
        return Done("failed", None, _ASKS_A_PERSON, live.events, seconds, meter)
    if status == "limit_exceeded" and seconds >= run.limits.timeout_s:
        status = "timed_out"
    return Done(status, last.answer, last.fault, live.events, seconds, meter)


def _is_missing(name: str, plan: Plan, request: RunRequest) -> bool:
    return name != "user_input" and name not in request.inputs and plan.flow.inputs[name].default is None


def cost_of(results: Sequence[GenerationResult]) -> tuple[int, int, int, Decimal | None]:
    """Calls, tokens read, tokens written and USD of these answers; USD None where one price is not known."""
    usages = [result.usage for result in results]
    costs = [usage.cost_usd for usage in usages]
    known = [cost + usage.lost_usd for cost, usage in zip(costs, usages, strict=True) if cost is not None]
    return (
        len(usages),
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        sum(known, Decimal(0)) if usages and len(known) == len(costs) else None,
    )
