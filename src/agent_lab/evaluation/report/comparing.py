"""Holds any two arms against each other on the items that both have, be they of one evaluation or of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_lab.contracts.errors import ConflictError, ValidationError, unknown_name
from agent_lab.contracts.evaluation import ArmOrigin, Cell, EvaluationInfo, ImportedArm, Item
from agent_lab.contracts.evaluation_report import Report
from agent_lab.contracts.sentences import said


@dataclass(frozen=True, slots=True)
class Stored:
    """An evaluation with all that is stored of it."""

    info: EvaluationInfo
    items: Sequence[Item]
    cells: Sequence[Cell]
    origins: Sequence[ArmOrigin]

    def arms(self) -> list[str]:
        """The arms that have answers, in their order."""
        return list(dict.fromkeys((*(arm.name for arm in self.info.spec.arms), *(cell.arm for cell in self.cells))))


def compare_arms(first: Stored, arm: str, second: Stored, against: str, *, scorer_version: str) -> Report:
    """A report of those two arms alone, the second being the baseline.

    Raises NotFoundError for an arm that is not there, ConflictError where the two have no item in common or were
    scored in other ways. It computes for up to seconds: call it in a thread.
    """
    from agent_lab.evaluation.report.build import build_report

    for side, name in ((first, arm), (second, against)):
        if name not in side.arms():
            raise unknown_name(
                "arm",
                name,
                side.arms(),
                place=said("in_evaluation", "in the evaluation {id}", id=side.info.evaluation_id),
            )
    if (first.info.evaluation_id, arm) == (second.info.evaluation_id, against):
        raise ValidationError(
            said("compared_with_itself", "The arm {arm!r} cannot be compared with itself; name another one.", arm=arm)
        )
    if first.info.spec.scorer != second.info.spec.scorer:
        raise ConflictError(
            said(
                "scored_otherwise",
                "The two evaluations score answers in other ways; run one of them again as the other was.",
            )
        )
    shared = _shared(first, second)
    names = _names(first, arm, second, against)
    spec = first.info.spec.model_copy(
        update={
            "arms": tuple(ImportedArm(name=name) for name in names),
            "baseline": names[1],
            "name": " against ".join(names),
        }
    )
    cells = [*_renamed(first, arm, names[0]), *_renamed(second, against, names[1])]
    return build_report(
        first.info.model_copy(update={"spec": spec}),
        shared,
        cells,
        [*_origins(first, arm, names[0]), *_origins(second, against, names[1])],
        scorer_version=scorer_version,
        binary=spec.scorer.name != "judge",
        notes=_notes(first, second, shared),
    )


def _shared(first: Stored, second: Stored) -> list[Item]:
    """The items of both, in the order of the first: those that ask the same and have the same answer."""
    others = {item.id: item for item in second.items}
    shared = [item for item in first.items if _same(item, others.get(item.id))]
    if not shared:
        raise ConflictError(
            said(
                "nothing_in_common",
                "The two evaluations have no item in common; only answers to the same items can be compared.",
            )
        )
    return shared


def _same(item: Item, other: Item | None) -> bool:
    return other is not None and (item.input, item.target) == (other.input, other.target)


def _names(first: Stored, arm: str, second: Stored, against: str) -> tuple[str, str]:
    if arm != against:
        return arm, against
    return f"{arm} of {first.info.evaluation_id}", f"{against} of {second.info.evaluation_id}"


def _renamed(side: Stored, arm: str, name: str) -> Iterator[Cell]:
    return (cell.model_copy(update={"arm": name}) for cell in side.cells if cell.arm == arm)


def _origins(side: Stored, arm: str, name: str) -> Iterator[ArmOrigin]:
    return (origin.model_copy(update={"arm": name}) for origin in side.origins if origin.arm == arm)


def _notes(first: Stored, second: Stored, shared: Sequence[Item]) -> list[str]:
    left = max(len(first.items), len(second.items)) - len(shared)
    if not left:
        return []
    return [f"{left:,} items that only one of the two evaluations has are left out."]
