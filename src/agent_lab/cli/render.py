"""Shows a run as its events come: a heading for each voice, its text as it is written, and what it took."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from agent_lab.cli.figures import generation_line, seconds
from agent_lab.cli.grids import Grid, grid_of, grids
from agent_lab.cli.paper import Paper, one_line
from agent_lab.cli.render_lines import person_line, run_line
from agent_lab.contracts.events import (
    GenerationFinished,
    GenerationRestarted,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RouteTaken,
    RunAdmitted,
    RunEvent,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
    Token,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.flow import FlowConfig, in_language
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.registry import ModelSpec

Resolve = Callable[[GenerationRequest], ModelSpec | None]
"""The model that a request is expected to go to; None where that is not known."""
VoiceKey = tuple[str, int, int]
TOLD_BY_THE_VOICE = frozenset({"model", "finish_reason", "tokens", "seconds", "samples", "models", "values"})
"""Fields of a node's output that the line under its voice tells already."""


@dataclass(slots=True)
class _Voice:
    """One answer of one model: what it has said so far, and how much of that is on the page."""

    title: str
    hue: int
    expected: str | None
    loading: bool = False
    """Whether its model is not in memory yet."""
    heard_chars: int = 0
    fresh: list[str] = field(default_factory=list)
    """What it has said and is not on the page yet."""
    headed: bool = False
    result: GenerationResult | None = None
    reused: bool = False
    """Whether the answer is that of the run that this one was forked from."""
    gone: bool = False

    def hear(self, text: str, offset: int) -> None:
        """Take in a text that begins `offset` characters in; what of it is known already is left out."""
        new = text[max(0, self.heard_chars - offset) :]
        if new:
            self.fresh.append(new)
            self.heard_chars = offset + len(text)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that waits for the voice before it to end."""

    text: str
    style: str


@dataclass(slots=True)
class Transcript:
    """Feed it a run's events in their order.

    Voices that speak at once are shown one after the other, in the order in which they began: the first as it
    speaks, the others when their turn on the page comes.
    """

    paper: Paper
    resolve: Resolve
    loading: Callable[[ModelSpec], bool] = lambda _: False
    """Whether a model must be loaded before it answers."""
    flow: FlowConfig | None = None
    sources: set[str] = field(default_factory=set)
    """The providers that have answered."""
    _labels: dict[str, str] = field(default_factory=dict)
    _hues: dict[str, int] = field(default_factory=dict)
    _at_work: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """The nodes whose turn it is, and since when."""
    _voices: dict[VoiceKey, _Voice] = field(default_factory=dict)
    _votes: dict[tuple[str, int], list[VoteCast]] = field(default_factory=dict)
    _waiting: deque[_Voice | _Line | Grid] = field(default_factory=deque)

    def feed(self, event: RunEvent) -> None:
        """Take in one event and show what can be shown."""
        match event:
            case RunStarted():
                self._begin(event)
            case NodeStarted():
                self._labels[event.node] = event.label or event.role
                self._hues.setdefault(event.node, len(self._hues))
                self._at_work[event.node, event.visit] = event.at
            case GenerationStarted() | Token() | GenerationRestarted() | GenerationFinished():
                self._speak(event)
            case NodeFinished():
                self._end_node(event)
            case RunFinished():
                self._end()
            case _:
                self._tell(event)
        self._show()
        self._tell_who_is_at_work()

    def _begin(self, event: RunStarted) -> None:
        self.flow = event.flow
        language = event.request.options.language
        for node in event.flow.nodes:
            self._labels[node.id] = in_language(node.label, language) or node.part
        steps = " → ".join(self._labels.values()) if _is_chain(event.flow) else f"{len(event.flow.nodes)} nodes"
        name = in_language(event.flow.name, language)
        self._waiting.append(_Line(one_line(f"{name}: {steps}", self.paper.width), "bold"))
        self._waiting.append(_Line(one_line(f"Run {event.run_id}", self.paper.width), "dim"))
        question = one_line(event.request.prompt, 4 * self.paper.width)
        self._waiting.append(_Line(f"Question: {question}", ""))

    def _tell(self, event: RunEvent) -> None:
        """What needs no more than a line, or is told with more of its kind."""
        match event:
            case RouteTaken():
                self._say(f"→ {self._label(event.source)} sends it on to {self._label(event.target)}", "route")
            case RunQueued() | RunAdmitted() | RunPaused() | RunResumed():
                self._say(run_line(event), "route")
            case VoteCast():
                self._votes.setdefault((event.node, event.visit), []).append(event)
            case WaitingForPerson() | PersonAnswered():
                self._say(f"· {self._label(event.node)} {person_line(event)}", "dim")

    def _speak(self, event: GenerationStarted | Token | GenerationRestarted | GenerationFinished) -> None:
        key = (event.node, event.visit, event.sample)
        if isinstance(event, GenerationStarted):
            self._open(key, event.request)
            return
        voice = self._voices.get(key) or self._open(key, None)
        if isinstance(event, GenerationFinished):
            self.sources.add(event.result.source)
            voice.result, voice.reused = event.result, event.reused
            voice.hear(event.result.text, 0)
            return
        if isinstance(event, GenerationRestarted):
            self._restart(voice)
            return
        if event.offset == 0 and voice.heard_chars:
            self._restart(voice)
        voice.hear(event.text, event.offset)

    def _open(self, key: VoiceKey, request: GenerationRequest | None) -> _Voice:
        node, visit, sample = key
        if key in self._voices:  # asked again by the process that took the run up
            self._voices[key].gone = True
        model = self.resolve(request) if request else None
        title = self._label(node)
        if visit > 1:
            title += f", round {visit}"
        if sample > 0:
            title += f", sample {sample + 1}"
        if model:
            title += f" · {model.key}" + (" · demonstration model" if model.demonstration else "")
        voice = _Voice(title, self._hues.setdefault(node, len(self._hues)), model.key if model else None)
        voice.loading = model is not None and self.loading(model)
        self._voices[key] = voice
        self._waiting.append(voice)
        return voice

    def _restart(self, voice: _Voice) -> None:
        """It was broken off, and another try begins."""
        if voice.headed:
            self.paper.line("(broken off; another try)", style="warn")
        voice.heard_chars = 0
        voice.fresh.clear()

    def _end_node(self, event: NodeFinished) -> None:
        self._at_work.pop((event.node, event.visit), None)
        own = [voice for key, voice in self._voices.items() if key[:2] == (event.node, event.visit)]
        for voice in own:
            voice.gone = voice.result is None  # left unfinished, as when a vote is decided early
        known = TOLD_BY_THE_VOICE if own else frozenset()
        told = {name: value for name, value in event.output.fields.items() if name not in known}
        tables = list(grids(told, self._votes.pop((event.node, event.visit), ())))
        fields = _fields({name: value for name, value in told.items() if grid_of(name, value) is None})
        if not own:
            said = fields or event.output.text
            self._say(f"· {self._label(event.node)} ({seconds(event.seconds)})  {said}".rstrip(), "dim")
        elif fields:
            self._say(f"   {fields}", "dim")
        self._waiting.extend(tables)

    def _end(self) -> None:
        self._at_work.clear()
        for voice in self._voices.values():
            voice.gone = voice.result is None

    def _tell_who_is_at_work(self) -> None:
        names = ", ".join(dict.fromkeys(self._label(node) for node, _ in self._at_work))
        silent = (one for one in self._voices.values() if not (one.heard_chars or one.result or one.gone))
        loading = " · loading the model ..." if any(one.loading for one in silent) else ""
        self.paper.progress(names + loading if names else "", min(self._at_work.values(), default=None))

    def _label(self, node: str) -> str:
        return self._labels.get(node) or node

    def _say(self, text: str, style: str) -> None:
        width = self.paper.width
        indent = text[: len(text) - len(text.lstrip())]
        self._waiting.append(_Line(indent + one_line(text, width - len(indent)), style))

    def _show(self) -> None:
        """Write what waits, up to the first voice that still speaks."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, _Line):
                self.paper.sentence(first.text, style=first.style)
            elif isinstance(first, Grid):
                self._lay_out(first)
            elif not self._show_voice(first):
                return
            self._waiting.popleft()

    def _lay_out(self, grid: Grid) -> None:
        self.paper.table(grid.rows, headings=grid.headings, fitted=True)
        if grid.left_out:
            self.paper.line(grid.left_out, style="dim")

    def _show_voice(self, voice: _Voice) -> bool:
        """Write what is new of a voice; True once it has ended."""
        if not voice.headed:
            if voice.gone and not voice.heard_chars:
                return True
            self.paper.line()
            self.paper.rule(voice.title, hue=voice.hue)
            voice.headed = True
        if voice.fresh:
            self.paper.text("".join(voice.fresh))
            voice.fresh.clear()
        if voice.result:
            self._foot(voice, voice.result)
        elif voice.gone:
            self.paper.line("   not finished", style="warn")
        return voice.result is not None or voice.gone

    def _foot(self, voice: _Voice, result: GenerationResult) -> None:
        taken = "taken from the first run, unpaid; there: " if voice.reused else ""
        self.paper.line(f"   {taken}{generation_line(result)}", style="dim")
        if voice.expected != result.model_key:
            self.paper.line(f"   answered by {result.model_key}", style="dim")
        if len(result.attempts) > 1:
            tries = ", ".join(f"{one.provider} {one.outcome} ({seconds(one.seconds)})" for one in result.attempts)
            self.paper.line(f"   {len(result.attempts)} tries: {tries}", style="warn")
        for sentence in result.notes:
            self.paper.line(f"   {sentence}", style="warn")


def _is_chain(flow: FlowConfig) -> bool:
    follows = list(zip(flow.nodes, flow.nodes[1:], strict=False))
    pairs = [(edge.source, edge.target) for edge in flow.edges]
    return pairs == [(first.id, second.id) for first, second in follows]


def _fields(fields: Mapping[str, JsonValue]) -> str:
    told = ((name, value) for name, value in fields.items() if value not in (None, "", [], {}))
    return ", ".join(f"{name}: {_value(value)}" for name, value in told)


def _value(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return "; ".join(_value(one) for one in value)
    return str(value)
