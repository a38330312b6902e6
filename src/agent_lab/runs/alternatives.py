"""Says what a run would have answered without its deliberation: its first draft, and a vote of its independent answers.

Nothing is asked of a model, and nothing is claimed about which answer is better: it is what was said, counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow import FlowConfig, NodeConfig, in_language
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.run import RunStatus, RunTotals
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import graph_of
from agent_lab.nodes.generate import GenerateSettings, read_fields
from agent_lab.nodes.subflow import SUBFLOW
from agent_lab.nodes.vote import VOTE, VoteSettings, ballot_of
from agent_lab.nodes.voters import Voter
from agent_lab.nodes.voting.choices import Normalize
from agent_lab.nodes.voting.tally import Ballot, count_votes
from agent_lab.runs.best_draft import BestDraft, best_draft
from agent_lab.runs.first_answers import Heard
from agent_lab.runs.record import beginning
from agent_lab.runs.reducer import fold

UNMARKED = VoteSettings(normalize="answer")
"""How answers are compared where no vote of the flow says it: by what follows "Answer:", else by the last line."""
_NO_ANSWERS = frozenset({"declined", "filtered"})


class Draft(Contract):
    """The first draft of the run."""

    node: str
    text: str
    choice: str | None
    """What it comes down to, as a vote would read it; None where it says nothing that counts."""
    agrees: bool | None
    """Whether that is what the run's answer comes down to; None where one of the two says nothing, or is missing."""


class Voice(Contract):
    """One of the independent first answers."""

    voter: str
    """The node, with `#2` for its second sample."""
    node: str
    label: str
    model: str | None
    text: str
    choice: str | None
    agrees: bool | None = None


class ChoiceCount(Contract):
    """A choice, and who gave it."""

    choice: str
    votes: int
    voters: tuple[str, ...]
    agrees: bool | None


class PluralityVote(Contract):
    """What counting the independent first answers would have said: one vote each, the most votes win."""

    voices: tuple[Voice, ...]
    counts: tuple[ChoiceCount, ...]
    """The most votes first; equal ones in the order in which they were given."""
    winner: str | None
    """None where several share the lead, or nobody said anything that counts."""
    tied: bool
    abstained: int
    """Answers that say nothing that counts."""
    agrees: bool | None
    """Whether the winner is what the run's answer comes down to; None in a tie."""


Missing = Literal["nothing_said", "one_answer"]


class RunAlternatives(Contract):
    """What would have been said instead, and whether it is the same."""

    run_id: str
    status: RunStatus
    answer: str | None
    choice: str | None
    """What the run's own answer comes down to, read in the same way."""
    normalize: Normalize
    """How answers are compared, in the words of a vote's settings."""
    draft: Draft | None
    vote: PluralityVote | None
    missing: Missing | None
    """Why there is no vote: no independent answer yet, or a single one."""
    best: BestDraft | None
    """The best of several first answers, by the run's own judge or validator, else by agreement."""
    note: str
    """The same in words, and in words what the comparison is not."""


_NOTES: Mapping[Missing | None, str] = {
    "nothing_said": "No model has answered yet without sight of the others; there is nothing to compare.",
    "one_answer": "Only one answer was given without sight of the others, so there is no vote to compare with.",
    None: "Counted from what was said in this run; it does not say which answer is right.",
}


def alternatives(events: Sequence[RunEvent], kinds: Mapping[str, NodeKind]) -> RunAlternatives:
    """What these events say would have been the answer without the deliberation. Raises ConflictError for no run."""
    started = beginning(events)
    heard = Heard(graph_of(started.flow), kinds)
    for event in events:
        heard.take(event)
    view = fold(events)
    reading = _reading(started.flow, heard)
    spoken = tuple(_voices(heard, reading, started.request.options.language))
    answer = _choice(view.answer, spoken, reading)
    voices = tuple(voice.model_copy(update={"agrees": _same(voice.choice, answer)}) for voice in spoken)
    missing: Missing | None = None if len(voices) > 1 else "one_answer" if voices else "nothing_said"
    return RunAlternatives(
        run_id=view.run_id,
        status=view.status,
        answer=view.answer,
        choice=answer,
        normalize=reading.normalize,
        draft=None if _asked(view.totals) < 2 else _draft(started.flow, view.draft, voices, reading, answer),
        vote=None if missing else _vote(voices, answer),
        missing=missing,
        best=best_draft(events, voices, heard.graph, kinds),
        note=_NOTES[missing],
    )


def _reading(flow: FlowConfig, heard: Heard) -> VoteSettings:
    """How the first vote that counts one of these answers reads them."""
    for node in flow.nodes:
        settings = settings_of(node, heard.kinds.get(node.kind)) if node.kind == VOTE.name else None
        if isinstance(settings, VoteSettings):
            voters = settings.of or heard.graph.incoming(node.id)
            if set(heard.independent) & set(voters):
                return settings
    return UNMARKED


def _asked(totals: RunTotals) -> int:
    return totals.calls + totals.reused_calls


def _voices(heard: Heard, reading: VoteSettings, language: str) -> Iterator[Voice]:
    for name in heard.independent:
        node = heard.graph.node(name)
        for voter, declined in _voters(node, heard, reading):
            choice = None if declined else ballot_of(voter, reading).first
            yield Voice(
                voter=voter.name,
                node=name,
                label=in_language(node.label, language) or name,
                model=voter.model,
                text=voter.text,
                choice=choice,
            )


def _voters(node: NodeConfig, heard: Heard, reading: VoteSettings) -> Iterator[tuple[Voter, bool]]:
    """The first answers of a node, and whether each declined the question."""
    if node.kind == SUBFLOW.name:
        if node.id in heard.outputs and node.id in heard.calls:
            output = heard.outputs[node.id]
            yield Voter(name=node.id, node=node.id, model=None, text=output.text, fields=output.fields), False
        return
    settings = settings_of(node, heard.kinds.get(node.kind))
    if not isinstance(settings, GenerateSettings):
        return
    if settings.output_schema and not (reading.field or reading.ballots):
        return  # an object of the node's own, such as a route or a plan, and no answer
    results = sorted(heard.calls.get(node.id, {}).items())
    for number, (_, result) in enumerate(results, start=1):
        name = f"{node.id}#{number}" if settings.samples > 1 else node.id
        fields = {"text": result.text, **read_fields(result.text, settings)}
        voter = Voter(name=name, node=node.id, model=result.model_key, text=result.text, fields=fields)
        yield voter, result.finish_reason in _NO_ANSWERS


def _choice(text: str | None, voices: Sequence[Voice], reading: VoteSettings) -> str | None:
    """What a text comes down to: that of the voice which said it, else read anew, without the fields of a voice."""
    if text is None:
        return None
    for voice in voices:
        if voice.text == text:
            return voice.choice
    plain = reading.model_copy(update={"field": None, "ballots": None})
    return ballot_of(Voter(name="", node="", model=None, text=text, fields={}), plain).first


def _same(choice: str | None, answer: str | None) -> bool | None:
    return None if choice is None or answer is None else choice == answer


def _draft(
    flow: FlowConfig, named: str | None, voices: Sequence[Voice], reading: VoteSettings, answer: str | None
) -> Draft | None:
    """The draft that the flow names, else the first answer of all."""
    if flow.draft is not None and named is not None:
        choice = _choice(named, voices, reading)
        return Draft(node=flow.draft, text=named, choice=choice, agrees=_same(choice, answer))
    return next((Draft(node=one.node, text=one.text, choice=one.choice, agrees=one.agrees) for one in voices), None)


def _vote(voices: Sequence[Voice], answer: str | None) -> PluralityVote:
    outcome = count_votes([Ballot(voter=voice.voter, choice=voice.choice) for voice in voices], tie="none")
    counts = tuple(
        ChoiceCount(choice=one.choice, votes=round(one.votes), voters=one.voters, agrees=_same(one.choice, answer))
        for one in outcome.counts
    )
    return PluralityVote(
        voices=tuple(voices),
        counts=counts,
        winner=outcome.winner,
        tied=outcome.tied,
        abstained=outcome.abstained,
        agrees=_same(outcome.winner, answer),
    )
