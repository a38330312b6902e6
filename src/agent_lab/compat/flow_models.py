"""Serves a flow as if it were a model: its run is the answer, its generations are the usage."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

from agent_lab.compat.asked import Asked
from agent_lab.compat.spoken import Answer, RoleDelta, Spoken, usd
from agent_lab.contracts.errors import BrokenOffError, ConflictError, UnusableError, ValidationError
from agent_lab.contracts.events import GenerationFinished, GenerationRestarted, RunEvent, Token
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.generation import AnswerBegun, FinishReason, GenerationRequest, Message, TextDelta, Usage
from agent_lab.contracts.run import TERMINAL, RunOptions, RunRequest, RunView
from agent_lab.flows.bounds import most_turns
from agent_lab.flows.graph import graph_of
from agent_lab.lab.orchestrate import failure_of
from agent_lab.nodes.generate import GENERATE
from agent_lab.runs.reducer import RunFold
from agent_lab.runs.service import RunService

SYSTEM_INPUT = "system"
"""A flow with an input of this name takes the client's instructions there."""


def run_request(asked: Asked, flow: FlowConfig, *, run_as: str) -> RunRequest:
    """The run that a question to a flow stands for; `run_as` names the flow with its version.

    Raises ValidationError for what no flow takes.
    """
    request, options = asked.request, asked.options
    _refuse_what_flows_lack(request)
    inputs, history = dict(options.inputs), request.context.history
    if request.context.system and SYSTEM_INPUT in flow.inputs:
        inputs.setdefault(SYSTEM_INPUT, request.context.system)
    elif request.context.system:
        history = (Message(role="system", content=request.context.system), *history)
    return RunRequest(
        flow=run_as,
        prompt=request.prompt,
        inputs=inputs,
        options=RunOptions(
            models=options.models,
            strategy=options.strategy,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            language=options.language,
            history=history,
        ),
    )


def _refuse_what_flows_lack(request: GenerationRequest) -> None:
    if request.tools:
        raise ValidationError("A flow calls no tools; leave `tools` out, or name a model.", where="tools")
    if any(turn.images or turn.tool_calls or turn.role == "tool" for turn in request.context.history):
        raise ValidationError("A flow reads text alone, no pictures and no tool calls; name a model for those.")
    if not request.prompt:
        raise ValidationError("A flow answers a question: let the last message be a user's, with text in it.")
    if request.response_schema is not None:
        raise ValidationError("A flow answers in text of its own form; name a model for answers by a schema.")


def notes_on(request: GenerationRequest) -> tuple[str, ...]:
    """What of a request a flow's own nodes decide, a sentence for each parameter that was sent."""
    named = {"top_p": request.top_p is not None, "stop": bool(request.stop), **dict.fromkeys(request.extra, True)}
    return tuple(f"{name!r} was left out: the nodes of the flow decide it." for name, sent in named.items() if sent)


def certain_voice(flow: FlowConfig) -> str | None:
    """The node whose words are the answer while it still speaks; None where that is only known at the end."""
    graph = graph_of(flow)
    node = flow.answer
    if node is None and len(graph.ends) == 1 and graph.surely_before(graph.ends[0], set(graph.ids) - {*graph.ends}):
        node = graph.ends[0]
    if node is None or graph.node(node).kind != GENERATE.name or most_turns(graph, 2)[node] > 1:
        return None
    return node


async def speak(
    runs: RunService, run: RunRequest, flow: FlowConfig, *, name: str, asked: Asked, request_id: str, caller: str
) -> AsyncGenerator[Spoken, None]:
    """Run the flow and say its answer. Whoever closes this early cancels the run.

    Raises what starting a run raises, RunFailedError where it ends without an answer, BrokenOffError where it ends
    with another one than was begun.
    """
    info = await runs.start(run, request_id=request_id, caller=caller)
    listener = _Listener(flow, certain_voice(flow), with_roles=asked.options.stream_roles)
    async with _watched(runs, info.run_id, listener) as events:
        yield AnswerBegun(model_key=name, model_resolved=name, source="flow")
        async for event in events:
            piece = listener.hear(event)
            if piece is not None:
                yield piece
    view = listener.ended_view()
    rest = listener.rest(view)
    if rest:
        yield TextDelta(rest)
    yield _answer(view, name, listener.cached_tokens, (*asked.notes, *notes_on(asked.request)), flow)


@asynccontextmanager
async def _watched(runs: RunService, run_id: str, listener: _Listener) -> AsyncGenerator[AsyncIterator[RunEvent]]:
    """The run's events. A run that goes on when they are left is cancelled: nobody waits for it."""
    try:
        async with aclosing(runs.watch(run_id)) as events:  # type: ignore[type-var]
            yield events
    finally:
        if listener.fold.status not in {*TERMINAL, "waiting", "paused"}:
            with suppress(ConflictError):  # it ended in this very moment
                await runs.cancel(run_id)


@dataclass(slots=True)
class _Said:
    """What the client has heard of the answer. A voice that begins again must first repeat it."""

    pieces: list[str] = field(default_factory=list)
    chars: int = 0
    again: str | None = None
    """The words of a voice that began again, while they repeat what was said."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def more(self, offset: int, piece: str) -> str:
        """The new words in a piece of the voice that begins at that offset. Raises BrokenOffError for other words."""
        if offset == self.chars:
            return self._say(piece)
        self.again = piece if offset == 0 else (self.again or "") + piece
        said = self.text
        if not (said.startswith(self.again) or self.again.startswith(said)):
            raise _other_answer()
        return self._say(self.again[self.chars :])

    def _say(self, text: str) -> str:
        self.pieces.append(text)
        self.chars += len(text)
        return text


@dataclass(slots=True)
class _Listener:
    """Hears a run and picks out what its client is to hear."""

    flow: FlowConfig
    voice: str | None
    with_roles: bool
    fold: RunFold = field(default_factory=RunFold)
    cached_tokens: int = 0
    said: _Said = field(default_factory=_Said)

    def hear(self, event: RunEvent) -> TextDelta | RoleDelta | None:
        """What of this event goes out."""
        self.fold.apply(event)
        if isinstance(event, GenerationFinished):
            self.cached_tokens += event.result.usage.cached_tokens
        if not isinstance(event, Token | GenerationRestarted):
            return None
        if event.node != self.voice:
            return self._role(event) if self.with_roles else None
        # The voice of the answer need not be told that it begins anew: its next piece begins at 0.
        text = self.said.more(event.offset, event.text) if isinstance(event, Token) else ""
        return TextDelta(text) if text else None

    def _role(self, event: Token | GenerationRestarted) -> RoleDelta:
        graph = graph_of(self.flow)
        # A node of a flow within this one is told by its own id: its role is not in this document.
        role = graph.node(event.node).part if event.node in graph else event.node.rpartition("/")[2]
        if isinstance(event, Token):
            return RoleDelta(event.node, role, event.visit, event.sample, event.text)
        return RoleDelta(event.node, role, event.visit, event.sample, "", restarted=True)

    def ended_view(self) -> RunView:
        """The run as it ended. Raises where it did so without an answer."""
        view = self.fold.view()
        if view.status in {"running", "queued"}:
            raise UnusableError(f"The run {view.run_id} could not go on here; look at it with /api/runs/{view.run_id}.")
        if view.status not in {"completed", "declined"}:
            raise failure_of(view)
        return view

    def rest(self, view: RunView) -> str:
        """What of the answer was not said live. Raises BrokenOffError where what was said is not its beginning."""
        answer, said = view.answer or "", self.said.text
        if not answer.startswith(said):
            raise _other_answer()
        return answer[len(said) :]


def _other_answer() -> BrokenOffError:
    return BrokenOffError("The answer was begun anew after its first words had been sent; ask again.")


def _answer(view: RunView, name: str, cached_tokens: int, notes: tuple[str, ...], flow: FlowConfig) -> Answer:
    totals = view.totals
    return Answer(
        text=view.answer or "",
        model=name,
        finish_reason=_finish_reason(view, flow),
        usage=Usage(
            prompt_tokens=totals.prompt_tokens,
            completion_tokens=totals.completion_tokens,
            cached_tokens=cached_tokens,
            cost_usd=totals.cost_usd,
        ),
        extension={
            "model_key": name,
            "provider": "flow",
            "run_id": view.run_id,
            "cost_usd": usd(totals.cost_usd),
            "attempts": [],
            "notes": [*dict.fromkeys(note for node in view.nodes for note in node.notes), *notes],
            "roles": [
                {
                    "node": node.id,
                    "role": node.role,
                    "model": node.model,
                    "prompt_tokens": node.prompt_tokens,
                    "completion_tokens": node.tokens,
                    "cost_usd": usd(node.cost_usd),
                    "seconds": round(node.seconds, 4),
                }
                for node in view.nodes
                if node.calls
            ],
        },
    )


def _finish_reason(view: RunView, flow: FlowConfig) -> FinishReason:
    if view.status == "declined":
        return "declined"
    fields = next((node.fields for node in view.nodes if node.id == flow.answer), {})
    return "length" if fields.get("finish_reason") == "length" else "stop"
