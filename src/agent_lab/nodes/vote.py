"""Lets answers vote: what each says is counted, and the winner's whole answer goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

from pydantic import Field, JsonValue

from agent_lab.contracts.flow import Name
from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState, as_text
from agent_lab.nodes.settings import NodeSettings
from agent_lab.nodes.voters import Voter, named, voters
from agent_lab.nodes.voting.choices import Choices, Normalize, normalized, shown
from agent_lab.nodes.voting.tally import MOST_RANKED, Ballot, Method, Outcome, Tie, count_votes

Weight = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
RANKED = frozenset({"borda", "condorcet"})


class VoteSettings(NodeSettings):
    """How answers vote. `of`: the nodes that vote (those that led here where it is not given)."""

    of: tuple[Name, ...] = Field(default=(), max_length=64)
    normalize: Normalize = "text"
    choices: Choices = ()
    """What may be chosen; with `choice` and none of them: the letters A to E."""
    field: Name | None = None
    """The field of each voter that holds its choice; its text where it is not given."""
    ballots: Name | None = None
    """The field of each voter that holds its ranking, the best first."""
    method: Method = "plurality"
    weights: dict[str, Weight] = Field(default_factory=dict, max_length=1000)
    """By node or by model; 1 for everybody else."""
    tie: Tie = "first"


async def vote(state: AgentState, settings: VoteSettings, step: Step) -> NodeOutput:
    """The outcome; the text is the answer of the first voter of the winning choice."""
    standing = voters(state, step, settings.of)
    ballots = [ballot_of(voter, settings) for voter in standing]
    for ballot in ballots:
        if ballot.first is not None:
            step.vote(ballot.voter, " > ".join(ballot.order), weight=ballot.weight)
    outcome = count_votes(ballots, method=settings.method, tie=settings.tie)
    return NodeOutput(
        text=_answer(outcome.winner, standing, ballots, state), fields=_fields(outcome, voters=len(ballots))
    )


def ballot_of(voter: Voter, settings: VoteSettings) -> Ballot:
    """What an answer votes for under these settings."""
    weight = settings.weights.get(voter.node) or settings.weights.get(voter.model or "") or 1.0
    if settings.ballots is not None:
        ranking = tuple(_ranking(voter.fields.get(settings.ballots), settings))
        return Ballot(voter=voter.name, choice=None, ranking=ranking, weight=weight)
    said = voter.text
    if settings.field is not None:
        value = voter.fields.get(settings.field)
        said = "" if value is None else as_text(value)
    choice = normalized(said, settings.normalize, settings.choices)
    if settings.choices and settings.normalize != "choice":
        allowed = {normalized(one, settings.normalize) for one in settings.choices}
        choice = choice if choice in allowed else None
    return Ballot(voter=voter.name, choice=choice, weight=weight)


def _ranking(value: JsonValue, settings: VoteSettings) -> Iterator[str]:
    """The choices of a list, or of a text such as `B > A > C`; what may not be chosen is left out."""
    named_ones = value if isinstance(value, list) else re.split(r"[>,;\n]", value) if isinstance(value, str) else []
    allowed = {choice.strip().casefold(): choice for choice in settings.choices}
    for one in named_ones[: 4 * MOST_RANKED]:
        name = as_text(one).strip().casefold() if isinstance(one, str | int | float) else ""
        name = allowed.get(name, "") if allowed else shown(name) or ""
        if name:
            yield name


def _answer(winner: str | None, standing: Sequence[Voter], ballots: Sequence[Ballot], state: AgentState) -> str:
    """The winner's text: of the node that it names, else of the first voter who puts it first, else itself."""
    if winner is None:
        return ""
    if winner in state["outputs"] and any(ballot.ranking for ballot in ballots):
        return state["outputs"][winner].text
    backing = (voter.text for voter, ballot in zip(standing, ballots, strict=True) if ballot.first == winner)
    return next(backing, winner)


def _fields(outcome: Outcome, *, voters: int) -> dict[str, JsonValue]:
    tally: list[JsonValue] = [{**asdict(count), "voters": list(count.voters)} for count in outcome.counts]
    votes = next((count.votes for count in outcome.counts if count.choice == outcome.winner), 0)
    return {
        "winner": outcome.winner,
        "share": round(outcome.share, 4),
        "votes": votes,
        "tally": tally,
        "tied": outcome.tied,
        "voters": voters,
        "abstained": outcome.abstained,
    }


def problems(settings: VoteSettings) -> Iterator[tuple[str, str]]:
    """What does not go together."""
    if settings.weights and settings.method == "plurality":
        yield (
            "/weights",
            said(
                "weights_unused",
                "With the method 'plurality' every vote counts the same; use 'weighted', or take them out.",
            ),
        )
    if settings.method in RANKED and settings.ballots is None:
        yield (
            "/ballots",
            said(
                "needs_rankings",
                "The method {method!r} needs rankings; name the field that holds each voter's.",
                method=settings.method,
            ),
        )
    if settings.ballots is not None and settings.field is not None:
        yield (
            "/field",
            said("field_and_ballots", "A voter has either a choice (`field`) or a ranking (`ballots`); take one out."),
        )
    if len({choice.strip().casefold() for choice in settings.choices}) < len(settings.choices):
        yield "/choices", said("choices_alike", "Two of the choices differ by case or spaces alone; take one out.")


VOTE = NodeKind(
    name="vote",
    summary="Counts what answers say and passes the winner's on.",
    settings=VoteSettings,
    run=vote,
    fields={
        "winner": said("vote_winner", "the choice that won, normalised; null without one"),
        "share": said("vote_share", "its part of all votes, 0 to 1"),
        "votes": said("vote_votes", "its votes (Borda: points; Condorcet: rivals that it beats)"),
        "tally": said("vote_tally", "each choice with its votes and voters, the most votes first"),
        "tied": said("vote_tied", "true where several choices share the lead"),
        "voters": said("vote_voters", "answers that could vote"),
        "abstained": said("vote_abstained", "answers that hold no choice"),
    },
    types={
        "winner": "text",
        "share": "number",
        "votes": "number",
        "tally": "list",
        "tied": "boolean",
        "voters": "number",
        "abstained": "number",
    },
    nodes=lambda settings: named(settings.of, settings.field or settings.ballots),
    previous=lambda settings: not settings.of,
    problems=problems,
)
