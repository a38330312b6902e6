"""Walks a run's graph from the start: recorded steps answer at once, the first unrecorded one runs for real."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import structlog

from agent_lab.contracts.errors import AgentLabError, LimitExceededError
from agent_lab.contracts.events import NodeFinished, NodeStarted, RouteTaken, RunEvent, RunFinished, RunStarted
from agent_lab.contracts.flow import NodeConfig, in_language
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import Fault, NodeOutput
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.flows.graph import FlowGraph, is_choice
from agent_lab.flows.routing import choose_edges, edge_key
from agent_lab.flows.state import AgentState, initial_state
from agent_lab.runs.journal import Journal, UnrecordedError
from agent_lab.runs.record import Record
from agent_lab.runs.spending import Spending
from agent_lab.runs.step import Declined, RecordedStep

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How the walk ended."""

    status: Any
    answer: str | None = None
    fault: Fault | None = None


class RunExecutor:
    """Carries a run from its record's end to its own."""

    def __init__(self, *, builder: GraphBuilder, generator: Generator) -> None:
        self._builder = builder
        self._generator = generator

    async def execute(self, started: RunStarted, journal: Journal, record: Record) -> RunFinished:
        """Walk the graph and write the last event.

        Cancellation passes through: who cancelled says what it means. Raises UnrecordedError where the store failed.
        """
        began = time.monotonic()
        walk = _Walk(started, journal, record, self._builder, self._generator)
        outcome = await walk.outcome()
        finished = RunFinished(
            at=journal.now(),
            status=outcome.status,
            answer=outcome.answer,
            fault=outcome.fault,
            seconds=round(record.seconds + time.monotonic() - began, 4),
        )
        await journal.write(finished)
        return finished


class _Walk:
    """One walk through one graph."""

    def __init__(
        self, started: RunStarted, journal: Journal, record: Record, builder: GraphBuilder, generator: Generator
    ) -> None:
        self._started = started
        self._flow = started.flow
        self._graph = FlowGraph(started.flow)
        self._journal = journal
        self._record = record
        self._builder = builder
        self._generator = generator
        self._spending = Spending(started.flow.limits.max_cost_usd)
        self._steps = 0
        self._failing: str | None = None

    async def outcome(self) -> _Outcome:
        """Walk, and turn every way of ending into an outcome."""
        limits = self._flow.limits
        try:
            async with asyncio.timeout(max(0.0, limits.timeout_s - self._record.seconds)) as clock:
                return self._completed(await self._walk())
        except Declined as declined:
            return _Outcome("declined", answer=declined.text)
        except LimitExceededError as error:
            return self._fault("limit_exceeded", error.slug, error.message)
        except TimeoutError as error:
            if not clock.expired():
                return self._unexpected(error)
            text = f"The run took longer than {limits.timeout_s:g} s (limits.timeout_s)."
            return self._fault("limit_exceeded", LimitExceededError.slug, text)
        except AgentLabError as error:
            return self._fault("failed", error.slug, error.message)
        except UnrecordedError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault in a node must end its run, not the server
            return self._unexpected(error)

    async def _walk(self) -> AgentState:
        request = self._started.request
        state = initial_state(
            flow=self._flow, request=request, run_id=self._started.run_id, request_id=self._started.request_id
        )
        return await self._builder.build_graph_from_config(self._flow, self._turn).walk(state)

    def _completed(self, state: AgentState) -> _Outcome:
        answer = self._flow.answer or next(reversed(state["order"]), None)
        output = state["outputs"].get(answer) if answer else None
        if output is None:
            text = f"The run ended before {answer!r}, whose text is the answer, had its turn; look at the conditions."
            return _Outcome("failed", fault=Fault(type="no-answer", message=text, node=answer))
        return _Outcome("completed", answer=output.text)

    def _fault(self, status: str, slug: str, message: str) -> _Outcome:
        return _Outcome(status, fault=Fault(type=slug, message=message, node=self._failing))

    def _unexpected(self, error: Exception) -> _Outcome:
        log.error("run_broke", run_id=self._started.run_id, node=self._failing, exc_info=error)
        where = f" in node {self._failing!r}" if self._failing else ""
        text = f"An unexpected fault{where} ended the run ({type(error).__name__}); the log has the details."
        return _Outcome("failed", fault=Fault(type="internal", message=text, node=self._failing))

    async def _turn(self, node: NodeConfig, state: AgentState) -> dict[str, Any]:
        """One node's turn, as a change of the state."""
        visit = state["visits"].get(node.id, 0) + 1
        finished = self._record.turns.get((node.id, visit))
        if finished is None:
            self._count_step()
            try:
                finished = await self._run_turn(node, state, visit)
            except Exception:
                self._failing = self._failing or node.id
                raise
        return self._update(node, state, finished)

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps + len(self._record.turns) > self._flow.limits.max_steps:
            raise LimitExceededError(f"The run took more than {self._flow.limits.max_steps} steps (limits.max_steps).")

    async def _run_turn(self, node: NodeConfig, state: AgentState, visit: int) -> NodeFinished:
        """Run a turn that is not in the record, and record it."""
        kind = self._builder.kinds[node.kind]
        label = in_language(node.label, state["language"]) or node.id
        began = time.monotonic()
        step = self._step(node, visit)
        step.opening.append(
            NodeStarted(at=self._journal.now(), node=node.id, visit=visit, kind=node.kind, label=label, role=node.part)
        )
        with structlog.contextvars.bound_contextvars(run_id=self._started.run_id, node=node.id):
            try:
                output = await kind.run(state, kind.settings.model_validate(node.settings), step)
            except UnrecordedError:
                raise
            except Exception:
                await step.write()  # that it began is told also of a node that fails
                raise
        return await self._finish_turn(step, state, output, time.monotonic() - began)

    def _step(self, node: NodeConfig, visit: int) -> RecordedStep:
        return RecordedStep(
            flow=self._flow,
            node=node,
            visit=visit,
            options=self._started.request.options,
            generator=self._generator,
            journal=self._journal,
            record=self._record,
            spending=self._spending,
        )

    async def _finish_turn(
        self, step: RecordedStep, state: AgentState, output: NodeOutput, seconds: float
    ) -> NodeFinished:
        node, now = step.node.id, self._journal.now()
        edges = choose_edges(self._graph, node, {**state["outputs"], node: output}, state["taken"])
        finished = NodeFinished(
            at=now,
            node=node,
            visit=step.visit,
            output=output,
            next=tuple(dict.fromkeys(edge.target for edge in edges)),
            seconds=round(seconds, 4),
        )
        routes: list[RunEvent] = [
            RouteTaken(at=now, source=node, target=edge.target, visit=step.visit) for edge in edges if is_choice(edge)
        ]
        # One transaction: a turn is done and its way chosen, or neither.
        await step.write(finished, *routes)
        return finished

    def _update(self, node: NodeConfig, state: AgentState, finished: NodeFinished) -> dict[str, Any]:
        bounded = {
            edge_key(edge): state["taken"].get(edge_key(edge), 0) + 1
            for edge in self._graph.outgoing(node.id)
            if edge.max_rounds is not None and edge.target in finished.next
        }
        return {
            "outputs": {node.id: finished.output},
            "visits": {node.id: finished.visit},
            "routes": {node.id: finished.next},
            "taken": bounded,
            "order": [node.id],
        }
