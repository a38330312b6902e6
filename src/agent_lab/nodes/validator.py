"""Scores an answer by what can be seen without a model, asks for another try, keeps the best."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from pydantic import Field, JsonValue

from agent_lab.contracts.errors import ValidationError, nearest, unknown_name
from agent_lab.contracts.flow import Name
from agent_lab.contracts.flow_ports import Named, NodeKind, Offered, Scorer, Step, Verdict
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.graph import FlowGraph, graph_of
from agent_lab.flows.state import AgentState, previous_nodes
from agent_lab.nodes.settings import NodeSettings

REFUSAL = re.compile(
    r"^\s*(?:i['’]?m sorry|i cannot|i can['’]t|as an ai|lo siento|no puedo|como (?:una )?ia)\b", re.IGNORECASE
)
WORD = re.compile(r"\w+")
LOOP_WINDOW = 4
"""Words in a row that count as a phrase when repetition is looked for."""
MAX_REASONS = 20
MAX_REASON_CHARS = 500


class ValidatorSettings(NodeSettings):
    """`of`: the node whose answer is scored (the one before this where it is not given). Seconds for waits."""

    of: Name | None = None
    scorer: str = Field(default="form", max_length=64)
    """By which rules: `form` looks at the answer's form alone; plug-ins bring others."""
    min_score: float = Field(default=0.6, ge=0, le=1)
    first_wait_s: float = Field(default=0.25, ge=0, le=60)
    longest_wait_s: float = Field(default=10.0, ge=0, le=600)


def score_answer(text: str, *, question: str, cut: bool) -> Verdict:
    """Score an answer; each fault multiplies the score by what it leaves of it."""
    words = WORD.findall(text.lower())
    if not words:
        return Verdict(0.0, ("the answer is empty",))
    faults = (
        (cut, 0.5, "it was cut off at the token limit"),
        (_repetition(words) > 0.5, 0.3, "it repeats itself"),
        (text.strip().lower() == question.strip().lower(), 0.1, "it only repeats the question"),
        (bool(REFUSAL.match(text)), 0.5, "it refuses"),
    )
    score = 1.0
    for present, leaves, _ in faults:
        score *= leaves if present else 1.0
    return Verdict(round(score, 3), tuple(reason for present, _, reason in faults if present))


def _repetition(words: list[str]) -> float:
    """The share of phrases that occurred before; 0 for short texts."""
    phrases = [tuple(words[i : i + LOOP_WINDOW]) for i in range(len(words) - LOOP_WINDOW + 1)]
    return 1 - len(set(phrases)) / len(phrases) if len(phrases) >= 2 * LOOP_WINDOW else 0.0


def wait_before_retry_s(visit: int, *, first_s: float, longest_s: float) -> float:
    """Exponential back-off: first, twice that, four times that, up to the longest. Seconds."""
    return float(min(longest_s, first_s * 2.0 ** (visit - 1)))


async def validate(
    state: AgentState, settings: ValidatorSettings, step: Step, *, scorers: Mapping[str, Scorer]
) -> NodeOutput:
    """The verdict on the newest attempt; the text is the best attempt so far."""
    graph = graph_of(step.flow)
    attempt = state["outputs"][_source(state, settings, step)]
    if settings.scorer not in scorers:
        raise unknown_name("scorer", settings.scorer, scorers)
    cut = attempt.fields.get("finish_reason") == "length"
    verdict = _sound(scorers[settings.scorer](attempt.text, question=state["user_input"], cut=cut))
    accepted = verdict.score >= settings.min_score
    best = NodeOutput(text=attempt.text, fields=_fields(verdict, accepted, step.visit))
    before = state["outputs"].get(step.node.id)
    if before and not accepted and _score(before) >= verdict.score:
        # The best attempt stays; the reasons are those of the newest, which the next try is to mend.
        best = NodeOutput(text=before.text, fields={**best.fields, "score": _score(before)})
    if not accepted and _will_retry(state, graph, step):
        await step.pause(
            wait_before_retry_s(step.visit, first_s=settings.first_wait_s, longest_s=settings.longest_wait_s)
        )
    return best


def _source(state: AgentState, settings: ValidatorSettings, step: Step) -> str:
    sources = [settings.of] if settings.of else previous_nodes(state, graph_of(step.flow), step.node.id)
    if not sources:
        raise ValidationError(
            said(
                "nobody_before",
                "No node has answered before {node!r}; name one that has, with `of`.",
                node=step.node.id,
            )
        )
    return sources[0]


def _sound(verdict: tuple[float, Sequence[str]]) -> Verdict:
    """The verdict within its bounds: plug-ins are not made by us."""
    score, reasons = verdict
    held = round(min(1.0, max(0.0, float(score))), 3) if math.isfinite(score) else 0.0
    return Verdict(held, tuple(str(reason)[:MAX_REASON_CHARS] for reason in reasons[:MAX_REASONS]))


def _fields(verdict: Verdict, accepted: bool, attempts: int) -> dict[str, JsonValue]:
    return {"score": verdict.score, "accepted": accepted, "attempts": attempts, "reasons": list(verdict.reasons)}


def _score(output: NodeOutput) -> float:
    score = output.fields.get("score")
    return float(score) if isinstance(score, int | float) else 0.0


def _will_retry(state: AgentState, graph: FlowGraph, step: Step) -> bool:
    bounds = [edge.max_rounds for edge in graph.outgoing(step.node.id) if edge.max_rounds is not None]
    return any(step.visit <= bound for bound in bounds)


def _unknown_scorer(settings: ValidatorSettings, scorers: Mapping[str, Scorer]) -> Iterator[tuple[str, str]]:
    if settings.scorer not in scorers:
        yield "/scorer", f"There is no scorer {settings.scorer!r}; {nearest(settings.scorer, scorers)}"


SCORERS: Mapping[str, Scorer] = {"form": score_answer}


def validator_kind(scorers: Mapping[str, Scorer] = SCORERS) -> NodeKind:
    """The kind, scoring by the rules of that table."""
    return NodeKind(
        name="validator",
        summary="Scores an answer and asks for another try where it is poor.",
        settings=ValidatorSettings,
        run=partial(validate, scorers=scorers),
        fields={
            "score": "0 to 1, of the text that is kept",
            "accepted": said("validator_accepted", "true where the newest attempt reached min_score"),
            "attempts": said("validator_attempts", "attempts so far"),
            "reasons": said("validator_reasons", "what was wrong with the newest attempt"),
        },
        types={"score": "number", "accepted": "boolean", "attempts": "number", "reasons": "list"},
        nodes=lambda settings: [Named(pointer="/of", name=settings.of)] if settings.of else (),
        previous=lambda settings: not settings.of,
        offers={"scorer": [Offered(name=name) for name in scorers]},
        problems=partial(_unknown_scorer, scorers=scorers),
    )
