"""Has a model judge answers whose authors it does not know: two by two in both orders, or each by a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Literal

from pydantic import Field, JsonValue

from agent_lab.contracts.flow import Name, Text
from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.branches import side_by_side
from agent_lab.nodes.filling import filled
from agent_lab.nodes.generate import GenerateSettings, build_request
from agent_lab.nodes.judging import (
    CRITERIA,
    PAIR,
    PAIR_SCHEMA,
    SCORE,
    SCORE_SCHEMA,
    Comparison,
    Scored,
    best_scored,
    comparison_fields,
    read_score,
    read_verdict,
    score_fields,
)
from agent_lab.nodes.settings import NodeSettings
from agent_lab.nodes.voters import Voter, named, voters
from agent_lab.nodes.voting.pairs import ranked_pairs


class JudgeSettings(NodeSettings):
    """What is judged, and by whom. `of`: the nodes whose answers are (those that led here where it is not given)."""

    of: tuple[Name, ...] = Field(default=(), max_length=16)
    criteria: Text = CRITERIA
    """A template: what makes an answer the better one."""
    mode: Literal["pair", "score"] = "pair"
    most: int = Field(default=4, ge=2, le=16)
    """So many different answers are judged at the most, the first ones."""
    model: str | None = None
    strategy: str | None = None
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0, le=1_000_000)
    seed: int | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """The judge at work: whom it asks, and about which candidates."""

    state: AgentState
    settings: JudgeSettings
    step: Step
    candidates: Sequence[Voter]

    async def ask(self, sample: int, *shown: Voter) -> GenerationResult:
        """Show the judge candidates as "1" and "2", without their names."""
        pair = self.settings.mode == "pair"
        asking = GenerateSettings(
            prompt=PAIR if pair else SCORE,
            output_schema=PAIR_SCHEMA if pair else SCORE_SCHEMA,
            **self.settings.model_dump(include={"model", "strategy", "temperature", "max_tokens", "seed"}),
        )
        bound = {f"candidate_{number}": voter.text for number, voter in enumerate(shown, start=1)}
        bound["criteria"] = filled(self.settings.criteria, self.state, self.step)
        state: AgentState = {**self.state, "inputs": {**self.state["inputs"], **bound}}
        request = build_request(state, asking, self.step, sample=sample)
        return await self.step.generate(request, sample=sample)

    async def verdict(self) -> tuple[tuple[str, ...], dict[str, JsonValue]]:
        """Those who lead, and the fields that tell how it came to that."""
        names = [one.name for one in self.candidates]
        if self.settings.mode == "score" and len(names) > 1:
            scored = await self.score()
            return best_scored(scored), score_fields(scored)
        compared = await self.compare()
        for one in compared:
            for voters_name, choice in zip(
                (f"{one.one}, {one.other}", f"{one.other}, {one.one}"), one.votes, strict=True
            ):
                if choice is not None:
                    self.step.vote(voters_name, choice)
        margins = {pair: margin for one in compared for pair, margin in one.margins()}
        return ranked_pairs(names, margins), comparison_fields(names, compared)

    async def compare(self) -> list[Comparison]:
        """Each two candidates in both orders, all at once."""
        pairs = list(combinations(self.candidates, 2))
        orders = [order for one, other in pairs for order in ((one, other), (other, one))]
        said = [read_verdict(result.text) for result in await self._ask_all(orders)]
        return [
            Comparison(one.name, other.name, straight, swapped)
            for (one, other), straight, swapped in zip(pairs, said[::2], said[1::2], strict=True)
        ]

    async def score(self) -> list[Scored]:
        """Each candidate by itself, all at once."""
        heard = await self._ask_all([(one,) for one in self.candidates])
        return [Scored(one.name, *read_score(result.text)) for one, result in zip(self.candidates, heard, strict=True)]

    async def _ask_all(self, shown: Sequence[tuple[Voter, ...]]) -> list[GenerationResult]:
        calls = [partial(self.ask, sample, *voters) for sample, voters in enumerate(shown)]
        heard = await side_by_side(calls, on_error="fail")
        return [result for result in heard if isinstance(result, GenerationResult)]


async def judge(state: AgentState, settings: JudgeSettings, step: Step) -> NodeOutput:
    """The verdict; the text is the winner's answer, and of several that are level the first one's."""
    standing = voters(state, step, settings.of)
    # The same answer twice is one candidate, and who said nothing is none: there is nothing to ask about them.
    different: dict[str, Voter] = {}
    for voter in standing:
        if voter.text.strip():
            different.setdefault(voter.text.strip(), voter)
    all_candidates = list(different.values()) or [standing[0]]
    bench = _Bench(state=state, settings=settings, step=step, candidates=all_candidates[: settings.most])
    leaders, fields = await bench.verdict()
    winner = next(one for one in bench.candidates if one.name == leaders[0])
    fields |= {
        "winner": winner.name,
        "tied": len(leaders) > 1,
        "left_out": len(all_candidates) - len(bench.candidates),
    }
    return NodeOutput(text=winner.text, fields=fields)


def problems(settings: JudgeSettings) -> Iterator[tuple[str, str]]:
    """What does not go together."""
    if len(settings.of) > settings.most:
        yield (
            "/most",
            said(
                "judged_too_few",
                "{named} nodes are named and {most} answers are judged; raise `most`.",
                named=len(settings.of),
                most=settings.most,
            ),
        )


def most_calls(settings: JudgeSettings) -> int:
    """Each candidate once, or each two of them twice."""
    return settings.most if settings.mode == "score" else settings.most * (settings.most - 1)


JUDGE = NodeKind(
    name="judge",
    summary="Has a model judge answers without telling it whose they are.",
    settings=JudgeSettings,
    run=judge,
    fields={
        "winner": said("judge_winner", "the node (and sample) whose answer won"),
        "tied": said("judge_tied", "true where several answers share the lead; the first of them goes on"),
        "flipped": said("judge_flipped", "pairs whose verdict changed with the order of the answers: ties"),
        "scores": said("judge_scores", "each candidate with its score: pairs won, or 0 to 10"),
        "reasons": said("judge_reasons", "what the judge said"),
        "unread": said("judge_unread", "answers of the judge that could not be read"),
        "left_out": said("judge_left_out", "different answers beyond `most`, which were not judged"),
    },
    types={
        "winner": "text",
        "tied": "boolean",
        "flipped": "number",
        "scores": "list",
        "reasons": "list",
        "unread": "number",
        "left_out": "number",
    },
    templates=("criteria",),
    calls=True,
    most_calls=most_calls,
    nodes=lambda settings: named(settings.of),
    previous=lambda settings: not settings.of,
    problems=problems,
)
