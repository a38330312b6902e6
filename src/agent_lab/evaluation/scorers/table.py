"""Makes the scorer that a specification names, and says beforehand which items it could not score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from agent_lab.contracts.errors import ProblemsError, ValidationError
from agent_lab.contracts.evaluation import Item, ScorerSpec
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.scorers.code import CodeScorer, unkept
from agent_lab.evaluation.scorers.judge import VERSION as JUDGE
from agent_lab.evaluation.scorers.patterns import PatternScorer
from agent_lab.evaluation.scorers.texts import choice, contains, exact, json_equal, number
from agent_lab.evaluation.scoring import AnswerScorer

MOST_TOLD = 20


class ItemScorer(AnswerScorer, Protocol):
    """A scorer that also knows which items it can score."""

    def usable(self, item: Item) -> bool: ...


SCORERS: Mapping[str, Callable[[ScorerSpec], ItemScorer]] = {
    "exact": exact,
    "number": number,
    "choice": choice,
    "regex": PatternScorer,
    "contains": contains,
    "json": json_equal,
    "code": CodeScorer,
}
"""All but the judge, which compares two answers: `PairJudge`."""


def scorer_of(spec: ScorerSpec) -> ItemScorer:
    """The scorer. Raises ValidationError for a pattern that cannot be used, and for a judge."""
    if spec.name not in SCORERS:
        raise ValidationError(
            said(
                "scorer_compares",
                "The scorer {scorer} compares two answers and needs a reference; score by one of {names}.",
                scorer=JUDGE,
                names=tuple(SCORERS),
            ),
            where="/scorer/name",
        )
    return SCORERS[spec.name](spec)


async def warnings_of(spec: ScorerSpec) -> tuple[str, ...]:
    """What scoring by it would mean on this system, a sentence each: what code could not be kept from."""
    return await unkept() if spec.name == "code" else ()


def check_items(scorer: ItemScorer, items: Sequence[Item]) -> None:
    """Raises ProblemsError where the scorer could not score some of the items, whatever is answered."""
    unusable = [item for item in items if not scorer.usable(item)]
    if not unusable:
        return
    named = ", ".join(item.id[:80] for item in unusable[:5]) + (", ..." if len(unusable) > 5 else "")
    raise ProblemsError(
        said(
            "targets_unusable",
            "The scorer {scorer} can do nothing with the targets of {count:,} of {items:,} items "
            "({names}); give them a target that it reads, or choose another scorer.",
            scorer=scorer.version,
            count=len(unusable),
            items=len(items),
            names=named,
        ),
        problems=[
            (
                f"/items/{item.id}",
                said(
                    "target_unreadable",
                    "the target {target!r} cannot be read by {scorer}.",
                    target=(item.target or "")[:60],
                    scorer=scorer.version,
                ),
            )
            for item in unusable[:MOST_TOLD]
        ],
    )
