"""Says which of a run's first answers was the best: by its own judge or validator, else by how many agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pydantic import JsonValue

from agent_lab.contracts.events import NodeFinished, RunEvent
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import Contract
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.graph import FlowGraph
from agent_lab.nodes.judge import JUDGE
from agent_lab.nodes.validator import ValidatorSettings

Measure = Literal["judge", "validator", "agreement"]


class BestDraft(Contract):
    """The best of several first answers, by what the run itself says of them. It may be wrong all the same."""

    voter: str
    """The node, with `#2` for its second sample."""
    node: str
    text: str
    choice: str | None
    agrees: bool | None
    """Whether that is what the run's answer comes down to; None where one of the two says nothing."""
    by: Measure
    """Who says so: the run's judge, its validator, or how many of the others came down to the same."""
    score: float
    """The judge's or the validator's; else the others that agree."""


class Candidate(Protocol):
    """A first answer that may be the best."""

    @property
    def voter(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def choice(self) -> str | None: ...
    @property
    def agrees(self) -> bool | None: ...


def best_draft(
    events: Sequence[RunEvent], candidates: Sequence[Candidate], graph: FlowGraph, kinds: Mapping[str, NodeKind]
) -> BestDraft | None:
    """The best of the candidates, the first one of equals; None where there are fewer than two, or nothing tells them
    apart: no judge or validator scored one, and no two agree."""
    if len(candidates) < 2:
        return None
    judged, validated = _scores(events, graph, kinds)
    measures: Mapping[Measure, Mapping[str, float]] = {
        "judge": judged,
        "validator": validated,
        "agreement": _agreement(candidates),
    }
    for by, scores in measures.items():
        if known := [one for one in candidates if one.voter in scores]:
            return _best(known, by, scores)
    return None


def _best(known: Sequence[Candidate], by: Measure, scores: Mapping[str, float]) -> BestDraft:
    best = max(known, key=lambda one: scores[one.voter])  # the first of equals
    return BestDraft(
        voter=best.voter,
        node=best.node,
        text=best.text,
        choice=best.choice,
        agrees=best.agrees,
        by=by,
        score=scores[best.voter],
    )


def _scores(
    events: Sequence[RunEvent], graph: FlowGraph, kinds: Mapping[str, NodeKind]
) -> tuple[dict[str, float], dict[str, float]]:
    """What judges and validators gave for first answers in their first turns, by voter."""
    judged: dict[str, float] = {}
    validated: dict[str, float] = {}
    for event in events:
        if not isinstance(event, NodeFinished) or event.visit > 1 or event.node not in graph:
            continue
        node = graph.node(event.node)
        if node.kind == JUDGE.name:
            judged |= _judged(event.output.fields.get("scores"))
            continue
        settings = settings_of(node, kinds.get(node.kind))
        score = event.output.fields.get("score")
        if isinstance(settings, ValidatorSettings) and isinstance(score, int | float):
            sources = (settings.of,) if settings.of else graph.incoming(node.id)
            validated |= dict.fromkeys(sources[:1], float(score))
    return judged, validated


def _judged(scores: JsonValue) -> dict[str, float]:
    rows = [row for row in scores if isinstance(row, dict)] if isinstance(scores, list) else []
    return {
        str(row.get("candidate")): float(score) for row in rows if isinstance(score := row.get("score"), int | float)
    }


def _agreement(candidates: Sequence[Candidate]) -> dict[str, float]:
    """How many of the others come down to the same; of nobody where no two do."""
    counts = Counter(one.choice for one in candidates if one.choice is not None)
    agreed = {one.voter: counts[one.choice] - 1.0 for one in candidates if one.choice is not None}
    return agreed if any(agreed.values()) else {}
