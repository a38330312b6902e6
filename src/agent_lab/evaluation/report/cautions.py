"""Warns of what makes the figures of an evaluation say less than they seem to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from agent_lab.contracts.evaluation import (
    ArmOrigin,
    BestSingleArm,
    DraftsVoteArm,
    EvaluationInfo,
    FlowArm,
    Item,
    NoiseArm,
    WithoutArm,
)
from agent_lab.contracts.evaluation_report import Caution, CautionKind
from agent_lab.contracts.sentences import Sentence, again, said, told_of
from agent_lab.evaluation.report.costs import UNIT_WORDS, has_usage
from agent_lab.evaluation.report.differences import Measured
from agent_lab.evaluation.report.figures import unread
from agent_lab.evaluation.report.pairing import pairs_of
from agent_lab.evaluation.report.table import ArmCells
from agent_lab.evaluation.report.words import percent, points, points_word, rounded

UNREAD_AT_MOST = 0.05
NAMED_AT_MOST = 4
"""Arms that a sentence names one by one."""
_ENDS = {"cancelled": "was cancelled", "failed": "failed", "limit_exceeded": "reached its budget"}


def cautions(
    info: EvaluationInfo,
    items: Sequence[Item],
    table: Mapping[str, ArmCells],
    undecided: Sequence[Measured],
    *,
    claims: int,
) -> list[Caution]:
    """The gravest first. `undecided`: pairs of which neither a difference nor its lack can be claimed.
    `claims`: how many arms are held against a baseline, and are adjusted for together."""
    return [
        *_unfinished(info, items, table),
        *_seen_before(info, items),
        *_twice(items),
        *_without_baseline(info, table),
        *_other_options(info),
        *_costs(info, table),
        *_answers(info, table),
        *_too_few(info, undecided, claims),
    ]


def _caution(kind: CautionKind, sentence: str, **values: str | int | float) -> Caution:
    return Caution(kind=kind, sentence=sentence, values=values, said=told_of(sentence))


def _unfinished(info: EvaluationInfo, items: Sequence[Item], table: Mapping[str, ArmCells]) -> Iterator[Caution]:
    if info.status in _ENDS:
        yield _caution(
            "ended_early",
            f"The evaluation {_ENDS[info.status]} before its end; resume it to have the rest.",
            status=info.status,
        )
    elif info.status != "completed":
        yield _caution(
            "going_on",
            "The evaluation has not ended; its figures are those so far, and its verdicts hold once it has. Where "
            "nobody works on it any more, resume it.",
        )
    unasked = [arm.name for arm in table.values() if not arm.by_item and not _has_no_vote(arm)]
    if unasked:
        named = unasked if len(unasked) <= NAMED_AT_MOST else unasked[: NAMED_AT_MOST - 1]
        more = len(unasked) - len(named)
        have, are = ("has", "it is") if len(unasked) == 1 else ("have", "they are")
        yield _caution(
            "no_answers",
            f"{_listed(named, more)} {have} no answers yet, so that {are} not in the figures.",
            arms=", ".join(named),
            more=more,
        )
    for arm in table.values():
        yield from _gaps(arm, len(items), info.spec.samples)


def _has_no_vote(arm: ArmCells) -> bool:
    """A baseline that no number of votes makes as dear as its flow; its origin says why."""
    return arm.kind == "equal_cost" and arm.origin is not None and not arm.origin.fingerprint


def _listed(names: Sequence[str], more: int) -> str:
    """All of them, and how many more."""
    *first, last = [*names, f"{more} more"] if more else names
    return f"{', '.join(first)} and {last}" if first else last


def _gaps(arm: ArmCells, items: int, samples: int) -> Iterator[Caution]:
    missing = items - len(arm.by_item)
    if not arm.by_item:
        if _has_no_vote(arm) and arm.origin:
            yield _caution("no_equal_cost", _no_claim(arm.origin), arm=arm.name)
    elif missing > 0:
        yield _caution(
            "items_missing",
            f"{arm.name} has no answer to {missing:,} of {items:,} items; "
            f"its differences are taken over the items that both arms have.",
            arm=arm.name,
            missing=missing,
            items=items,
        )
    elif len(arm.cells) < items * samples:
        yield _caution(
            "answers_missing",
            f"{arm.name} has {len(arm.cells):,} of {items * samples:,} answers; an item with fewer "
            f"of them counts as much as the others.",
            arm=arm.name,
            answers=len(arm.cells),
            of=items * samples,
        )


def _no_claim(origin: ArmOrigin) -> Sentence:
    why = again(origin.sentence, origin.said)
    return said("no_claim", "{why} Nothing is claimed at equal cost.", why=why)


def _seen_before(info: EvaluationInfo, items: Sequence[Item]) -> Iterator[Caution]:
    """Items that something was chosen on, and is tested on."""
    splits: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.split is not None:
            splits[" ".join(item.input.split())].add(item.split)
    both = sum(len(found) > 1 for found in splits.values())
    if both:
        yield _caution(
            "in_both_splits",
            f"{both:,} {'question is' if both == 1 else 'questions are'} both in the split for tuning and in that for "
            f"testing; what was chosen on the one looks better on the other than it is.",
            both=both,
        )
    tuned = sum(item.split == "tune" for item in items)
    chosen = [arm.name for arm in info.spec.arms if isinstance(arm, BestSingleArm)]
    if tuned and chosen:
        yield _caution(
            "chosen_on",
            f"{chosen[0]} was chosen on {tuned:,} of the items that it is tested on, and looks better than it is; "
            f"evaluate the split 'test' alone.",
            arm=chosen[0],
            tuned=tuned,
        )


def _twice(items: Sequence[Item]) -> Iterator[Caution]:
    asked = Counter(" ".join(item.input.split()) for item in items)
    again = sum(number - 1 for number in asked.values())
    if again:
        yield _caution(
            "asked_twice",
            f"{again:,} of {len(items):,} items ask what another item asks; the intervals are too narrow by as much.",
            again=again,
            items=len(items),
        )


def _without_baseline(info: EvaluationInfo, table: Mapping[str, ArmCells]) -> Iterator[Caution]:
    if info.spec.baseline != "auto":
        return
    arms = [arm.arm for arm in table.values() if arm.arm is not None]
    for pair in pairs_of(arms):
        if pair.family == "baseline" and not pair.at_equal_cost and table[pair.arm].kind == "flow":
            yield _caution(
                "no_baseline",
                f"{pair.arm} has no baseline at equal cost; it is held against {pair.against}, whatever that costs. "
                f"Whether it is worth its price is not answered.",
                arm=pair.arm,
                against=pair.against,
            )


def _other_options(info: EvaluationInfo) -> Iterator[Caution]:
    """Of a flow and what is left of it, where they differ in more than that."""
    flows = [arm for arm in info.spec.arms if isinstance(arm, FlowArm)]
    for part in info.spec.arms:
        if not isinstance(part, WithoutArm | NoiseArm | DraftsVoteArm):
            continue
        of = [flow for flow in flows if flow.flow == part.flow]
        if of and all(flow.options != part.options for flow in of):
            yield _caution(
                "other_settings",
                f"{part.name} was asked with other settings than {of[0].name}; their difference is that of the "
                f"settings too. Give both the same.",
                arm=part.name,
                against=of[0].name,
            )


def _costs(info: EvaluationInfo, table: Mapping[str, ArmCells]) -> Iterator[Caution]:
    answered = [arm for arm in table.values() if arm.by_item]
    for arm in answered:
        if not arm.cost_known:
            word = UNIT_WORDS[arm.unit]
            yield _caution(
                "cost_unknown",
                f"What {arm.name} cost in {word} is not known; it has no place on the frontier and counts as 0.",
                arm=arm.name,
                unit=arm.unit,
            )
    unpriced = [arm for arm in answered if any(cell.cost_usd is None for cell in arm.cells if has_usage(cell))]
    if unpriced and info.spec.cost_unit is None:
        asks = f"{unpriced[0].name} asks" if len(unpriced) == 1 else f"{len(unpriced)} arms ask"
        yield _caution(
            "no_price",
            f"{asks} a model without a known price, so that costs are compared in {UNIT_WORDS[unpriced[0].unit]}.",
            arms=len(unpriced),
            unit=unpriced[0].unit,
        )


def _answers(info: EvaluationInfo, table: Mapping[str, ArmCells]) -> Iterator[Caution]:
    for arm in table.values():
        failed = sum(cell.status != "completed" for cell in arm.cells)
        if failed:
            ends = "answer came to no end and counts" if failed == 1 else "answers came to no end and count"
            yield _caution(
                "failed",
                f"{failed:,} of {len(arm.cells):,} {arm.name} {ends} as wrong.",
                arm=arm.name,
                failed=failed,
                answers=len(arm.cells),
            )
        nothing = unread(arm.cells)
        if info.spec.scorer.name != "judge" and nothing > UNREAD_AT_MOST * len(arm.cells):
            yield _caution(
                "unread",
                f"In {percent(round(nothing / len(arm.cells), 3))} of the answers of {arm.name} the scorer could read "
                f"nothing, and took them as wrong; look at some of them before you trust the difference.",
                arm=arm.name,
                share=round(nothing / len(arm.cells), 3),
            )


def _too_few(info: EvaluationInfo, undecided: Sequence[Measured], claims: int) -> Iterator[Caution]:
    """Once, of the claim that needs the most items."""
    alpha = info.spec.alpha / max(claims, 1)
    open_claims = [found for found in undecided if found.pair.family == "baseline"]
    needs = [(found.needed(info.spec.margin, alpha), found) for found in open_claims]
    most = max(needs, key=lambda need: need[0] - need[1].items, default=None)
    if most is not None and most[0] > most[1].items:
        needed, found = most
        yield _caution(
            "too_few",
            f"{found.items:,} items are too few to show {points_word(info.spec.margin)}, the smallest difference that "
            f"was said to matter: that takes about {rounded(needed):,}. What shows with these is "
            f"{points(found.smallest(alpha))} points.",
            items=found.items,
            margin=info.spec.margin,
            needed=rounded(needed),
            smallest=found.smallest(alpha),
        )
