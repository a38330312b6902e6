"""Reads in a run's events which answers were given on the way, by whom and in which round, and what each node took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pydantic import JsonValue

from agent_lab.contracts.evaluation import Item, NodeCost, Statement
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent, RunFinished, RunStarted
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.run import NodeOutput
from agent_lab.evaluation.debate.answering import Answering, answering_nodes
from agent_lab.evaluation.scoring import AnswerScorer
from agent_lab.flows.state import as_text
from agent_lab.runs.alternatives import RunAlternatives, alternatives
from agent_lab.runs.record import beginning, outermost, place_of
from agent_lab.runs.reducer import add_cost

Read = Callable[[str], str | None]
"""What an answer comes down to; the scorer's."""
Part = Literal["draft", "voice", "step", "answer"]


@dataclass(frozen=True, slots=True)
class Said:
    """A statement with the words in which it was made."""

    statement: Statement
    text: str


def statements(
    events: Sequence[RunEvent],
    kinds: Mapping[str, NodeKind],
    read: Read,
    *,
    without: RunAlternatives | None = None,
) -> tuple[Said, ...]:
    """The answers that were given in a run: first answers, which are given side by side, in the order of the flow, so
    that a tie among them comes out the same each time, then the others in the order in which they were given.

    Who states an answer: see `answering_nodes`; besides them everybody who answered first without sight of the others.
    A critic states none. Of a flow within a flow the answers count as steps where the node that runs it states one
    itself: they are on the way to that one. `without`: what `runs.alternatives` says of these events, where it is
    known already. Raises ConflictError for events that are no run.
    """
    started = beginning(events)
    told = without or alternatives(events, kinds)
    walk = _Walk(started, kinds, read, *_first_answers(told, started.flow))
    for event in events:
        if isinstance(event, NodeFinished):
            walk.take(event)
        elif isinstance(event, RunFinished) and event.status == "completed":
            walk.end(event.answer or "")
    return tuple(_in_flow_order(walk.said, started.flow))


def _in_flow_order(said: Sequence[Said], flow: FlowConfig) -> list[Said]:
    order = {node.id: index for index, node in enumerate(flow.nodes)}

    def place(one: Said) -> tuple[int, str, int]:
        return order[outermost(one.statement.node)], one.statement.node, one.statement.sample

    firsts = [one for one in said if one.statement.part in {"draft", "voice"}]
    return sorted(firsts, key=place) + [one for one in said if one.statement.part not in {"draft", "voice"}]


def _first_answers(told: RunAlternatives, flow: FlowConfig) -> tuple[frozenset[str], str | None]:
    """The speakers of independent first answers, and the node of the first draft; of a run with a single call the
    node that the flow names, if it names one."""
    draft = told.draft.node if told.draft else flow.draft
    voices = {voice.voter for voice in told.vote.voices} if told.vote else set()
    return frozenset(voices | ({draft} if draft else set())), draft


@dataclass(slots=True)
class _Walk:
    """The statements so far, while turns end."""

    started: RunStarted
    kinds: Mapping[str, NodeKind]
    read: Read
    first: frozenset[str]
    draft: str | None
    said: list[Said] = field(default_factory=list)
    _answering: dict[str, Answering] = field(default_factory=dict)
    """Who states answers, by the place of the flow (`sub/`)."""
    _flows: dict[str, FlowConfig] = field(default_factory=dict)
    _rounds: dict[str, int] = field(default_factory=dict)
    _choices: dict[str, str | None] = field(default_factory=dict)

    def take(self, event: NodeFinished) -> None:
        place = place_of(event.node)
        stating = self._at(place)
        name = event.node.removeprefix(place)
        if stating is None or not (name in stating.nodes or (not place and self._is_first(name))):
            return
        reading = stating.fields.get(name)
        for number, (speaker, text) in enumerate(_answers(event.output, _plain(event.node), reading)):
            self._say(event, speaker, number, text)

    def _is_first(self, name: str) -> bool:
        return name in self.first or f"{name}#1" in self.first

    def _say(self, event: NodeFinished, speaker: str, sample: int, text: str) -> None:
        self._rounds[speaker] = round_ = self._rounds.get(speaker, 0) + 1
        if text not in self._choices:
            self._choices[text] = self.read(text)
        statement = Statement(
            node=event.node,
            visit=event.visit,
            sample=sample,
            speaker=speaker,
            round=round_,
            part=self._part(event, speaker, sample, round_),
            choice=self._choices[text],
        )
        self.said.append(Said(statement, text))

    def _part(self, event: NodeFinished, speaker: str, sample: int, round_: int) -> Part:
        if round_ > 1 or event.visit > 1:
            return "step"
        if event.node == self.draft and sample == 0:
            return "draft"
        return "voice" if speaker in self.first else "step"

    def end(self, answer: str) -> None:
        """What the answer node said last, or of a flow that names none whoever said it last, was the answer."""
        named = self.started.flow.answer
        for index in reversed(range(len(self.said))):
            one = self.said[index]
            if one.text == answer and named in (None, one.statement.node):
                self.said[index] = Said(one.statement.model_copy(update={"part": "answer"}), one.text)
                return

    def _at(self, place: str) -> Answering | None:
        """Who states answers in the flow at that place; None where nothing in it does."""
        if place not in self._answering:
            flow = self._flow_at(place)
            self._answering[place] = NOBODY if flow is None else answering_nodes(flow, self.kinds)
        found = self._answering[place]
        return found if found.nodes or not place else None

    def _flow_at(self, place: str) -> FlowConfig | None:
        """The flow that is run at a place: the run's own, or that of a node which states an answer itself."""
        if not place:
            return self.started.flow
        if place in self._flows:
            return self._flows[place]
        inside = place.removesuffix("/")
        outer, node = place_of(inside), outermost(inside.removeprefix(place_of(inside)))
        if "[" in inside.removeprefix(outer):
            return None  # a branch answers a question of its own, not the run's
        flow, stating = self._flow_at(outer), self._at(outer)
        states = stating is not None and (node in stating.nodes or (not outer and self._is_first(node)))
        if flow is None or not states or all(one.id != node for one in flow.nodes):
            return None
        found = self.started.subflows.get(str(flow.node(node).settings.get("flow")))
        if found is not None:
            self._flows[place] = found
        return found


NOBODY = Answering(frozenset(), {})


def _plain(path: str) -> str:
    """The path without the numbers of turns, so that a speaker keeps its name over all rounds."""
    return "/".join(part.split("~", 1)[0] for part in path.split("/"))


def _answers(output: NodeOutput, name: str, reading: str | None) -> Iterator[tuple[str, str]]:
    """Speaker and text of each answer of a turn: of each sample, or of the node."""
    samples, values = output.fields.get("samples"), output.fields.get("values")
    if not isinstance(samples, list) or not samples:
        yield name, output.text if reading is None else _text(output.fields.get(reading))
        return
    for number, sample in enumerate(samples):
        value = values[number] if isinstance(values, list) and number < len(values) else None
        text = str(sample) if reading is None else _text(value.get(reading) if isinstance(value, dict) else None)
        yield f"{name}#{number + 1}", text


def _text(value: JsonValue) -> str:
    return "" if value is None else as_text(value)


def node_costs(events: Sequence[RunEvent]) -> tuple[NodeCost, ...]:
    """What the calls of each node of the run's own flow took, those of flows within it included; in order of calls.

    Calls that were answered from another run or from a cache count with what they took there.
    """
    found: dict[str, _Cost] = {}
    for event in events:
        if isinstance(event, GenerationFinished):
            found.setdefault(outermost(event.node), _Cost()).add(event)
    return tuple(cost.of(node) for node, cost in found.items())


@dataclass(slots=True)
class _Cost:
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def add(self, event: GenerationFinished) -> None:
        usage = event.result.usage
        self.calls += 1
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cost_usd = add_cost(self.cost_usd, usage.cost_usd)

    def of(self, node: str) -> NodeCost:
        return NodeCost(
            node=node,
            calls=self.calls,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cost_usd=self.cost_usd,
        )


async def scored(said: Sequence[Said], scorer: AnswerScorer, item: Item) -> tuple[Statement, ...]:
    """The statements with the score of each; the same words are scored once."""
    scores: dict[str, float] = {}
    for one in said:
        if one.text not in scores:
            scores[one.text] = (await scorer.score(one.text, item)).score
    return tuple(one.statement.model_copy(update={"score": scores[one.text]}) for one in said)
