"""Says what a deliberation did to its answers: where they turned right or wrong, and what each node was worth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

from agent_lab.contracts.evaluation import Cell, CostUnit, NodeCost
from agent_lab.contracts.evaluation_report import DebateFigures, Flips, NodeWorth, PairedDifference, RoundFigures
from agent_lab.evaluation.debate.course import Course, Stand, majority, stand, vote_of

_PER = {"usd": 1.0, "tokens": 1000.0, "generated_tokens": 1000.0}
_PER_WORDS = {"usd": "a dollar", "tokens": "a thousand tokens", "generated_tokens": "a thousand generated tokens"}


def debate_figures(
    arm: str, cells: Sequence[Cell], unit: CostUnit, worth: Mapping[str, PairedDifference] | None = None
) -> DebateFigures:
    """The figures of the arm's cells; those of other arms are passed over.

    Every share is one of all answers: where a draft is missing, because the run failed before it, it was wrong. A
    figure is None where no cell has anything that it could be told of, or the scorer scores no single statement.
    `worth`: by node, the arm's paired difference against itself without that node.
    """
    mine = [cell for cell in cells if cell.arm == arm]
    courses = [Course(cell) for cell in mine]
    scored = all(one.score is not None for cell in mine for one in cell.statements)
    told = [course for course in courses if course.first] if scored else []
    voted = any(len(course.first) > 1 for course in told)
    answer = _mean([cell.score for cell in mine])
    oracle = _mean([_best(course) for course in courses]) if told else None
    came_over, came_wrong = _conformity(courses, scored=scored)
    return DebateFigures(
        arm=arm,
        answers=len(mine),
        draft_accuracy=_mean([_draft(course).score or 0.0 for course in courses]) if told else None,
        vote_accuracy=_mean([_vote(course).score or 0.0 for course in courses]) if voted else None,
        answer_accuracy=answer,
        oracle_accuracy=oracle,
        oracle_gap=None if oracle is None else oracle - answer,
        conformity=came_over,
        conformity_to_wrong=came_wrong,
        flips=tuple(_flips(courses, voted=voted)) if told else (),
        rounds=tuple(_rounds(courses)) if scored else (),
        nodes=tuple(_nodes(mine, unit, worth or {})),
    )


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values) if values else 0.0


def _draft(course: Course) -> Stand:
    return Stand(None, 0.0) if course.draft is None else stand(course.draft)


def _vote(course: Course) -> Stand:
    return vote_of([stand(one) for one in course.first])


def _best(course: Course) -> float:
    """The score of the best thing that was said, the answer too."""
    return max([course.cell.score, *(one.score or 0.0 for one in course.cell.statements)])


# --- turning right and wrong ------------------------------------------------------------------------------------------
Steps = Iterator[tuple[str, str, list[tuple[Stand, Stand]]]]


def _flips(courses: Sequence[Course], *, voted: bool) -> Iterator[Flips]:
    """From draft to answer, then step by step. Each counts every answer once: who was not asked again stands by it."""
    for before, after, pairs in _steps(courses, voted=voted):
        yield Flips(
            before=before,
            after=after,
            right_right=sum(one.right and other.right for one, other in pairs),
            right_wrong=sum(one.right and not other.right for one, other in pairs),
            wrong_right=sum(not one.right and other.right for one, other in pairs),
            wrong_wrong=sum(not one.right and not other.right for one, other in pairs),
            changed=sum(one.choice != other.choice for one, other in pairs),
        )


def _steps(courses: Sequence[Course], *, voted: bool) -> Steps:
    yield "draft", "answer", [(_draft(one), one.answer) for one in courses]
    if voted:
        yield "vote of the drafts", "answer", [(_vote(one), one.answer) for one in courses]
    yield from _mended(courses)
    yield from _again(courses)
    last = max((one.rounds for one in courses), default=0)
    if last > 1 and voted:
        yield f"vote of round {last}", "answer", [(_last_vote(one, last), one.answer) for one in courses]


def _mended(courses: Sequence[Course]) -> Steps:
    """Those who make a draft anew on the way: from the draft to their first word, and from their last to the answer."""
    menders = {name for one in courses for name in one.speakers.keys() - one.debaters - one.closing}
    for name in sorted(menders, key=_in_order):
        most = max(len(one.speakers.get(name, ())) for one in courses)
        yield "draft", _named(name, 1, most), [(_draft(one), _mender(one, name, 1)) for one in courses]
        yield _named(name, most, most), "answer", [(_mender(one, name, most), one.answer) for one in courses]


def _mender(course: Course, name: str, round_: int) -> Stand:
    """How the draft stands after that; it stands as it was where nothing was to be mended."""
    return course.at(name, round_) if name in course.speakers else _draft(course)


def _again(courses: Sequence[Course]) -> Steps:
    """Each speaker between its rounds."""
    names = {name for one in courses for name in one.speakers.keys() - one.closing}
    for name in sorted(names, key=_in_order):
        most = max(len(one.speakers.get(name, ())) for one in courses)
        for round_ in range(1, most):
            pairs = [(_known(one, name, round_), _known(one, name, round_ + 1)) for one in courses]
            yield _named(name, round_, most), _named(name, round_ + 1, most), pairs


def _known(course: Course, name: str, round_: int) -> Stand:
    return course.at(name, round_) if name in course.debaters else _mender(course, name, round_)


def _last_vote(course: Course, round_: int) -> Stand:
    return vote_of([course.at(name, round_) for name in dict.fromkeys(one.speaker for one in course.first)])


def _named(speaker: str, round_: int, of: int) -> str:
    return speaker if of == 1 else f"{speaker}, round {round_}"


def _in_order(name: str) -> list[tuple[int, str]]:
    """`voices#2` before `voices#10`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


# --- going with the others --------------------------------------------------------------------------------------------
def _conformity(courses: Sequence[Course], *, scored: bool) -> tuple[float | None, float | None]:
    """How often those came over who stood against the majority of the others, and the same where that was wrong."""
    times = [(came, wrong) for course in courses for came, wrong in _against(course)]
    to_wrong = [came for came, wrong in times if wrong] if scored else []
    return (_mean([came for came, _ in times]) if times else None, _mean(to_wrong) if to_wrong else None)


def _against(course: Course) -> Iterator[tuple[bool, bool]]:
    """For each time that a speaker stood against the majority and spoke again: came over, the majority was wrong."""
    for round_ in range(1, course.rounds):
        before, after = course.round(round_), course.round(round_ + 1)
        for name, own in before.items():
            others = majority(before, name)
            if others is None or own.choice is None or own.choice == others.choice or name not in after:
                continue
            yield after[name].choice == others.choice, not others.right


def _rounds(courses: Sequence[Course]) -> Iterator[RoundFigures]:
    said = Counter(round_ for course in courses for round_, _ in course.shown())
    again = {name for course in courses for name in course.debaters if len(course.speakers[name]) > 1}
    for round_ in sorted(said):
        stands = [one for course in courses for one in course.standing(round_, again)]
        accuracy = _mean([one.score or 0.0 for one in stands])
        yield RoundFigures(round=round_, statements=said[round_], accuracy=accuracy)


# --- what each node took and brought ----------------------------------------------------------------------------------
@dataclass(slots=True)
class _Took:
    calls: int = 0
    cost: float = 0.0
    usd: Decimal | None = Decimal(0)

    def add(self, one: NodeCost, unit: CostUnit) -> None:
        self.calls += one.calls
        self.usd = None if self.usd is None or one.cost_usd is None else self.usd + one.cost_usd
        if unit == "usd":
            self.cost += float(one.cost_usd or 0)
        else:
            self.cost += one.completion_tokens + (one.prompt_tokens if unit == "tokens" else 0)


def _nodes(cells: Sequence[Cell], unit: CostUnit, worth: Mapping[str, PairedDifference]) -> Iterator[NodeWorth]:
    took: dict[str, _Took] = {name: _Took() for name in worth}
    for cell in sorted(cells, key=lambda cell: (cell.item, cell.sample)):  # so that sums of floats are always the same
        for one in cell.nodes:
            took.setdefault(one.node, _Took()).add(one, unit)
    count = len(cells) or 1
    for name, total in sorted(took.items(), key=lambda pair: (-pair[1].cost, pair[0])):
        found = worth.get(name)
        per_cost = None if found is None else _per_cost(found, unit)
        yield NodeWorth(
            node=name,
            calls=total.calls / count,
            cost=total.cost / count,
            cost_usd=None if total.usd is None else float(total.usd / count),
            difference=None if found is None else found.difference,
            interval=None if found is None else found.interval,
            per_cost=per_cost,
            sentence="" if found is None else _sentence(name, found, unit, per_cost),
        )


def _per_cost(found: PairedDifference, unit: CostUnit) -> float | None:
    """Points for each unit that leaving it out saves; None where it saves nothing."""
    saved = found.cost_difference / _PER[unit]
    return 100 * found.difference / saved if saved > 0 else None


def _sentence(name: str, found: PairedDifference, unit: CostUnit, per_cost: float | None) -> str:
    low, high = 100 * found.interval.low, 100 * found.interval.high
    points = 100 * found.difference
    span = f"{points:+.1f} points ({low:.1f} to {high:.1f})"
    if low <= 0 <= high:
        return f"Whether {name!r} changes anything cannot be told from these items: {span}."
    brings = f"{name!r} {'brings' if points > 0 else 'costs'} {span}"
    if points < 0:
        return f"{brings}: the flow does better without it."
    if per_cost is None:
        return f"{brings}, and leaving it out saves nothing."
    return f"{brings}: {per_cost:,.3g} points {_PER_WORDS[unit]}."
