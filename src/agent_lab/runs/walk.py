"""Walks one flow of a run: begins each turn as soon as it is due, and records its end before what follows from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from agent_lab.contracts.events import NodeFinished, NodeStarted, RouteTaken, RunEvent
from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig, in_language
from agent_lab.contracts.run import NodeOutput, RunRequest
from agent_lab.flows.graph import graph_of, is_choice
from agent_lab.flows.routing import choose_edges, edge_key
from agent_lab.flows.state import AgentState, RunState, initial_state
from agent_lab.flows.walking import Turn, Walking
from agent_lab.runs.carried import CarriedRun, blame
from agent_lab.runs.step import Declined, LeftForNow, RecordedStep
from agent_lab.runs.trial import is_decided, pinned

_TurnTask = asyncio.Task[NodeOutput | NodeFinished]


@dataclass(slots=True)
class _Begun:
    """A turn that is going on."""

    turn: Turn
    node: NodeConfig
    state: AgentState
    began: float = 0.0
    heard: int = 0
    """The call that it was begun at."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk came to."""

    answer_node: str | None
    output: NodeOutput | None
    """None where the node whose text is the answer never had its turn."""


class Walk:
    """One walk through one flow, at its place in the run: "" for the run's own flow."""

    def __init__(self, run: CarriedRun, flow: FlowConfig, request: RunRequest, place: str = "") -> None:
        self._run = run
        self._flow = flow
        self._place = place
        self._graph = graph_of(flow)
        self._only = request.only
        self._walking = Walking(self._graph, self._only)
        self._nodes = {node.id: node for node in flow.nodes}
        started = run.started
        start = initial_state(flow=flow, request=request, run_id=started.run_id, request_id=started.request_id)
        self._state = RunState(start)
        self._state.pin(pinned(request, self._graph))
        self._going: dict[_TurnTask, _Begun] = {}
        self._left: list[_Begun] = []
        """Turns that were left for now."""
        self._news: asyncio.Queue[_TurnTask | None] = asyncio.Queue()
        """Tasks that are done; None: the turns that were left may be able to go on."""

    async def walk(self) -> Walked:
        """Walk to the end. Raises LeftForNow where nothing can go on at present, and what ends the run."""
        with self._run.heard_by(self._news):
            try:
                self._begin(self._replay())
                while self._going:
                    self._hear(await self._news.get())
            finally:
                await self._stop()
        if self._left:
            raise LeftForNow
        answer = self._only or self._flow.answer or next(reversed(self._state.order), None)
        return Walked(answer, self._state.outputs.get(answer) if answer else None)

    def _replay(self) -> list[_Begun]:
        """Go the recorded way again; the turns that were going on when the record ends."""
        going: dict[str, _Begun] = {}
        for end in self._run.record.ends.get(self._place, ()):
            going.update((begun.turn.node, begun) for begun in self._take_due())
            node = end.node.removeprefix(self._place)
            turn = going.pop(node).turn
            self._state.end_turn(node, turn.visit, end.output)
            self._go_on(node, [target.removeprefix(self._place) for target in end.next])
        return [*going.values(), *self._take_due()]

    def _take_due(self) -> list[_Begun]:
        turns = self._walking.due()
        if not turns:
            return []
        for turn in turns:
            self._run.budget.take_turn(self._place + turn.node, turn.visit)
        state = self._state.picture()
        return [_Begun(turn, self._nodes[turn.node], state) for turn in turns]

    def _begin(self, turns: list[_Begun]) -> None:
        for begun in turns:
            if self._run.pausing:
                self._left.append(begun)
                continue
            begun.heard, begun.began = self._run.calls, time.monotonic()
            task = asyncio.create_task(self._take_turn(begun))
            task.add_done_callback(self._news.put_nowait)
            self._going[task] = begun

    def _hear(self, done: _TurnTask | None) -> None:
        if done is None:
            again, self._left = self._left, []
            self._begin(again)
        elif done in self._going:
            self._settle(done, self._going.pop(done))

    def _settle(self, task: _TurnTask, begun: _Begun) -> None:
        try:
            result = task.result()
        except LeftForNow:
            # A call that came while the turn was being left would find nobody later.
            missed = begun.heard != self._run.calls
            self._left.append(begun)
            self._hear(None) if missed and not self._run.pausing else None
            return
        except BaseException as error:
            if not isinstance(error, Declined):
                blame(error, self._place + begun.turn.node)
            raise
        reused = isinstance(result, NodeFinished)
        output = result.output if isinstance(result, NodeFinished) else result
        self._state.end_turn(begun.turn.node, begun.turn.visit, output)
        edges = self._chosen(begun.turn.node)
        seconds = 0.0 if reused else round(time.monotonic() - begun.began, 4)
        self._note_end(begun.turn, output, edges, seconds=seconds, reused=reused)
        self._go_on(begun.turn.node, list(dict.fromkeys(edge.target for edge in edges)))
        self._begin(self._take_due())

    def _chosen(self, node: str) -> tuple[EdgeConfig, ...]:
        """The edges to take now; of a trial those that it would take, as far as that can be said."""
        edges = self._graph.outgoing(node)
        if self._only is not None and not is_decided(edges, self._state.outputs):
            return tuple(edge for edge in edges if not is_choice(edge))
        return choose_edges(self._graph, node, self._state.outputs, self._state.taken, self._state.visits)

    def _go_on(self, node: str, targets: list[str]) -> None:
        self._state.take_edges(
            edge_key(edge)
            for edge in self._graph.outgoing(node)
            if edge.max_rounds is not None and edge.target in targets
        )
        self._walking.end(node, targets)

    async def _take_turn(self, begun: _Begun) -> NodeOutput | NodeFinished:
        """The turn's output; a finished turn where it is taken over from the run that this one was forked from."""
        node, visit, path = begun.node, begun.turn.visit, self._place + begun.node.id
        kind = self._run.kinds[node.kind]
        if (path, visit) not in self._run.record.begun:
            label = in_language(node.label, begun.state["language"]) or node.id
            now = self._run.journal.now()
            self._run.journal.note(
                NodeStarted(at=now, node=path, visit=visit, kind=node.kind, label=label, role=node.part)
            )
        if self._run.first is not None and not kind.steady:
            found = self._run.first.turn(node, path, visit, begun.state)
            if found is not None:
                return found
        step = RecordedStep(self._run, self._flow, node, path, visit, self._run_inner)
        with structlog.contextvars.bound_contextvars(run_id=self._run.started.run_id, node=path):
            return await kind.run(begun.state, kind.settings.model_validate(node.settings), step)

    async def _run_inner(self, name: str, prompt: str, inputs: Mapping[str, str], place: str) -> NodeOutput:
        flow = self._run.started.subflows[name]
        options = self._run.started.request.options
        request = RunRequest(flow=flow.id, prompt=prompt, inputs=dict(inputs), options=options)
        walked = await Walk(self._run, flow, request, place).walk()
        return walked.output or NodeOutput(text="")

    def _note_end(
        self, turn: Turn, output: NodeOutput, edges: tuple[EdgeConfig, ...], *, seconds: float, reused: bool
    ) -> None:
        """Note the end and the way on together: a turn is done and its way chosen, or neither."""
        now, path = self._run.journal.now(), self._place + turn.node
        targets = dict.fromkeys(self._place + edge.target for edge in edges)
        routes: list[RunEvent] = [
            RouteTaken(at=now, source=path, target=self._place + edge.target, visit=turn.visit)
            for edge in edges
            if is_choice(edge)
        ]
        end = NodeFinished(
            at=now,
            node=path,
            visit=turn.visit,
            output=output,
            next=tuple(targets),
            seconds=seconds,
            reused=reused,
        )
        self._run.journal.note(end, *routes)

    async def _stop(self) -> None:
        """End the turns that are still going on: one has failed, or the run is stopped."""
        for task in self._going:
            task.cancel()
        if self._going:
            await asyncio.wait(self._going)
        for task in self._going:
            _ = task.cancelled() or task.exception()  # looked at, or asyncio would report it as lost
