"""Makes cells of answers that were given elsewhere: scored like all others, whatever their file says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent_lab.contracts.errors import ValidationError, unknown_name
from agent_lab.contracts.evaluation import Cell, ImportedArm, Item
from agent_lab.contracts.run import Fault
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.importing.reading import ImportedAnswer, disagreement
from agent_lab.evaluation.running.prepared import Prepared
from agent_lab.evaluation.scoring import AnswerScorer

_NO_ANSWER = said("file_has_none", "The file has no answer to this item.")
_MISSING = Fault(type="no-answer", message=_NO_ANSWER, said=_NO_ANSWER.told)


async def imported_cells(
    what: Prepared, answers: Mapping[str, Sequence[ImportedAnswer]], scorer: AnswerScorer
) -> tuple[list[Cell], dict[str, str]]:
    """The cells of all imported arms, and by arm what is to be said of it.

    Raises ValidationError for an arm without answers, NotFoundError for answers of no arm.
    """
    arms = {arm.name: arm for arm in what.spec.arms if isinstance(arm, ImportedArm)}
    for name in answers:
        if name not in arms:
            raise unknown_name("imported arm", name, arms, where="arms")
    cells: list[Cell] = []
    notes: dict[str, str] = {}
    for name, arm in arms.items():
        if not answers.get(name):
            raise ValidationError(
                said("arm_without_answers", "There are no answers for the arm {arm!r}; give its file too.", arm=name),
                where="arms",
            )
        mine = await _cells(name, answers[name], what, scorer)
        cells += [cell for _, cell in mine]
        source = said("answers_from", "answers from {source}", source=arm.source) if arm.source else ""
        differ = disagreement(name, [(answer, cell.score) for answer, cell in mine])
        notes[name] = differ or source
    return cells, notes


async def _cells(
    arm: str, answers: Sequence[ImportedAnswer], what: Prepared, scorer: AnswerScorer
) -> list[tuple[ImportedAnswer, Cell]]:
    items: dict[str, Item] = {item.id: item for item in what.items}
    asked = [one for one in answers if one.item in items and one.sample < what.spec.samples]
    return [(one, await _cell(arm, one, items[one.item], scorer)) for one in asked]


async def _cell(arm: str, answer: ImportedAnswer, item: Item, scorer: AnswerScorer) -> Cell:
    found = None if answer.answer is None else await scorer.score(answer.answer, item)
    return Cell(
        arm=arm,
        item=item.id,
        sample=answer.sample,
        status="failed" if found is None else "completed",
        answer=answer.answer,
        choice=found.choice if found else None,
        score=found.score if found else 0.0,
        fault=_MISSING if found is None else None,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cost_usd=answer.cost_usd,
        seconds=answer.seconds,
        note=found.note if found else None,
    )
