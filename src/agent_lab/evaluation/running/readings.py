"""Makes of a run that has ended the cell of its arm: the answer, scored, with what it cost and what was said."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.evaluation import Cell, Item, Statement
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.evaluation.arms.plans import Plan
from agent_lab.evaluation.debate.trace import Said, node_costs, scored, statements
from agent_lab.evaluation.running.cells import Done, cost_of
from agent_lab.evaluation.scoring import AnswerScorer, Scored
from agent_lab.nodes.voting.choices import plain_text
from agent_lab.runs.record import outermost


@dataclass(frozen=True, slots=True)
class _Voice:
    """One answer among others."""

    text: str
    choice: str | None


async def cell_of(
    plan: Plan, item: Item, sample: int, done: Done, scorer: AnswerScorer, kinds: Mapping[str, NodeKind]
) -> Cell:
    """The cell. An answer that did not come in time, or at all, is wrong."""
    results = done.results()
    # Of one node there is an answer and no way to it.
    deliberates = plan.reading == "drafts" or (plan.reading == "answer" and len(plan.flow.nodes) > 1)
    said = statements(done.events, kinds, scorer.read) if results and deliberates else ()
    answer, note = done.answer, None
    if plan.reading != "answer":
        voices = _samples(plan, done, scorer) if plan.reading == "vote" else _first_answers(said)
        answer, note = voted(voices)
        if plan.reading == "drafts":
            results = _of_first_answers(done, said)
    completed = done.status == "completed" or (plan.reading == "drafts" and answer is not None)
    found = await scorer.score(answer, item) if completed and answer is not None else None
    calls, prompt_tokens, completion_tokens, cost_usd = cost_of([event.result for event in results])
    return Cell(
        arm=plan.arm,
        item=item.id,
        sample=sample,
        status="completed" if completed else done.status,
        answer=answer,
        choice=found.choice if found else None,
        score=found.score if found else 0.0,
        fault=None if completed else done.fault,
        calls=calls,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=cost_usd,
        paid_usd=done.meter.paid_usd,
        seconds=_seconds(results) if plan.reading == "drafts" else _took_s(done),
        k=plan.k,
        statements=await _statements(plan, said, scorer, item),
        nodes=node_costs(results),
        note=(found.note if found else None) or note,
    )


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Stands in for a judge while the answers come that it will compare: reads them, and scores none."""

    reads: Callable[[str], str | None]
    version: str
    binary: bool = False

    def read(self, text: str) -> str | None:
        """What the answer comes down to, as the judge reads it."""
        return self.reads(text)

    async def score(self, text: str, item: Item) -> Scored:
        """Nothing yet."""
        return Scored(choice=self.reads(text), score=0.0)


async def _statements(plan: Plan, said: Sequence[Said], scorer: AnswerScorer, item: Item) -> tuple[Statement, ...]:
    if plan.reading != "answer":
        return ()
    if isinstance(scorer, Unjudged):
        return tuple(one.statement for one in said)
    return await scored(said, scorer, item)


def voted(voices: Sequence[_Voice]) -> tuple[str | None, str | None]:
    """The first answer of the most frequent choice, and a note where it shares the lead: the first one wins a tie.

    Choices are what the scorer reads, the same for all arms; where it can read none of them, equal words count.
    """
    if not voices:
        return None, None
    choices = [voice.choice for voice in voices]
    if not any(choice is not None for choice in choices):
        choices = [_folded(voice.text) for voice in voices]
    counts = Counter(choice for choice in choices if choice is not None)
    most = max(counts.values())
    leaders = [choice for choice, count in counts.items() if count == most]
    winner = next(index for index, choice in enumerate(choices) if choice == leaders[0])
    tie = f"{len(leaders)} choices had {most} of {len(voices)} votes each; the first of them won."
    return voices[winner].text, tie if len(leaders) > 1 else None


def _folded(text: str) -> str:
    return hashlib.sha256(plain_text(text).encode("utf-8", "replace")).hexdigest()


def _samples(plan: Plan, done: Done, scorer: AnswerScorer) -> list[_Voice]:
    """The samples of the node that is asked, in their order."""
    asked = [event for event in done.results() if event.node == plan.flow.answer]
    texts = [event.result.text for event in sorted(asked, key=lambda event: event.sample)]
    return [_Voice(text, scorer.read(text)) for text in texts]


def _first_answers(said: Sequence[Said]) -> list[_Voice]:
    """The drafts; of a flow that deliberates no further what it answered at once."""
    drafts = [one for one in said if one.statement.part in {"draft", "voice"}]
    first = drafts or [one for one in said if (one.statement.round, one.statement.visit) == (1, 1)][:1]
    return [_Voice(one.text, one.statement.choice) for one in first]


def _of_first_answers(done: Done, said: Sequence[Said]) -> list[GenerationFinished]:
    """The calls that gave them."""
    nodes = {one.statement.node for one in said if one.statement.part in {"draft", "voice"}}
    results = done.results()
    return [event for event in results if event.visit == 1 and outermost(event.node) in nodes] if nodes else results


def _took_s(done: Done) -> float:
    """As long as it took; where answers came from the cache, as long as it would have taken with theirs."""
    return done.seconds if not done.meter.reused else round(path_s(done.events), 4)


def path_s(events: Sequence[RunEvent]) -> float:
    """How long the calls of a run take where each turn begins as soon as those that led to it have ended, and the calls
    of a turn go side by side. Of flows within a turn, one call after the other."""
    began: dict[str, float] = {}
    calls: dict[str, float] = {}
    longest = 0.0
    for event in events:
        if isinstance(event, GenerationFinished):
            outer, seconds = outermost(event.node), event.result.timings.total_s
            before = calls.get(outer, 0.0)
            calls[outer] = max(before, seconds) if event.node == outer else before + seconds
        elif isinstance(event, NodeFinished) and "/" not in event.node:
            ended = began.pop(event.node, 0.0) + calls.pop(event.node, 0.0)
            longest = max(longest, ended)
            for target in event.next:
                began[target] = max(began.get(target, 0.0), ended)
    return longest


def _seconds(results: Sequence[GenerationFinished]) -> float:
    """As long as the slowest of answers that are given side by side."""
    return round(max((event.result.timings.total_s for event in results), default=0.0), 4)
