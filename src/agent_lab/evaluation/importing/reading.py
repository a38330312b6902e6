"""Reads answers that were made elsewhere, finds the item that each belongs to, and says at once what does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import Dataset, Item
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.data.datasets import PARTS, dataset_of, items_of, normalized_question
from agent_lab.evaluation.data.tables import Format, Problems, read_table
from agent_lab.evaluation.importing.answers import Form, Said
from agent_lab.evaluation.importing.forms import form_in

MAX_SAMPLES = 100
SHOWN = 5
"""So many ids are named in a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswer:
    """An answer that was made elsewhere. `answer`: None where there is none, which counts as wrong."""

    item: str
    sample: int = 0
    answer: str | None
    cost_usd: Decimal | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    right: bool | None = None
    """What the file itself says; nothing is counted by it, but a scorer that disagrees is told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The answers by arm: each has as many to every item."""

    answers: Mapping[str, tuple[ImportedAnswer, ...]]
    samples: int
    dataset: Dataset | None = None
    """Made of the file's own questions, where no items were given."""
    warnings: tuple[str, ...] = ()


def read_answers(
    raw: bytes,
    *,
    name: str,
    items: Sequence[Item] | None = None,
    arm: str = "imported",
    arms: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    form: Format | None = None,
) -> Imported:
    """The answers of a file: JSONL, JSON or CSV with an answer in each row, or with a column for each arm; samples of
    lm-evaluation-harness; a JSON log of inspect_ai.

    `items`: those that were asked; None where the file holds the questions and targets itself. `arm`: the name of the
    arm where the file names none. `arms`: the columns that are arms, where that cannot be seen. `columns`: what
    `input`, `target`, `id`, `split`, `answer` and `arm` are called. Answers find their items by id, else by question,
    else by order. Raises ProblemsError (all of them), TooLargeError, ValidationError.
    """
    what = said("file_named", "The file {name!r}", name=name)
    told = columns or {}
    unknown = sorted(set(told) - {*PARTS, "answer", "arm"})
    if unknown:
        raise ValidationError(
            said(
                "no_such_answer_part",
                "A column map names {parts}, answer and arm; {name!r} is none of them.",
                parts=PARTS,
                name=unknown[0][:80],
            )
        )
    table = read_table(raw, what=what, form=form)
    problems = Problems(what, table.unit)
    found = form_in(table, items=items, arm=arm, arms=arms, columns=told, problems=problems)
    problems.raise_any()
    dataset = None
    if items is None:
        items = items_of(found.asked, what=what, columns=found.columns)
        dataset = dataset_of(items, name=name, source=name)
    matching = _Matching(found, items, problems)
    answers, samples = matching.answers()
    return Imported(
        answers=answers, samples=samples, dataset=dataset, warnings=(*matching.warnings, *_missing(answers))
    )


def disagreement(arm: str, answers: Iterable[tuple[ImportedAnswer, float]]) -> str | None:
    """A sentence where the file calls answers right that the scorer (its score beside each) does not, or wrong that it
    does; None where they agree."""
    judged = [(answer, score) for answer, score in answers if answer.right is not None]
    differ = [answer.item for answer, score in judged if answer.right != (score >= 1)]
    if not differ:
        return None
    return said(
        "scorer_disagrees",
        "{arm}: the file and the scorer disagree on {differ:,} of {count:,} answers ({names}); the scorer counts.",
        arm=arm,
        differ=len(differ),
        count=len(judged),
        names=_named(differ),
    )


class _Matching:
    """Brings a file's answers to their items."""

    def __init__(self, found: Form, items: Sequence[Item], problems: Problems) -> None:
        self._found = found
        self._items = items
        self._problems = problems
        self._by_id = {item.id: item.id for item in items}
        self._by_question: dict[str, list[str]] = {}
        for item in items:
            self._by_question.setdefault(normalized_question(item.input), []).append(item.id)
        self.warnings: list[str] = []
        self._first = 0
        """The number of the first sample: some files begin with 1."""

    def answers(self) -> tuple[dict[str, tuple[ImportedAnswer, ...]], int]:
        """By arm, in the items' order, missing ones included. Raises ProblemsError, ValidationError."""
        find = self._way()
        kept: dict[tuple[str, str, int], Said] = {}
        first = min((given.sample or 0 for given in self._found.said), default=0)
        self._first = 1 if first == 1 else 0
        for given in self._found.said:
            item = find(given)
            if item is not None:
                self._keep(kept, item, given)
        self._problems.raise_any()
        names = dict.fromkeys(given.arm for given in self._found.said)
        samples = max((sample for _, _, sample in kept), default=0) + 1
        if samples > MAX_SAMPLES:
            raise ValidationError(
                said(
                    "samples_too_many",
                    "An item has {count:,} samples; {most} are allowed.",
                    count=samples,
                    most=MAX_SAMPLES,
                )
            )
        return {
            arm: tuple(
                _imported(item.id, sample, kept.get((arm, item.id, sample)))
                for item in self._items
                for sample in range(samples)
            )
            for arm in names
        }, samples

    def _keep(self, kept: dict[tuple[str, str, int], Said], item: str, given: Said) -> None:
        first = kept.setdefault((given.arm, item, (given.sample or 0) - self._first), given)
        if first is not given:
            self._problems.add(
                given.line,
                said(
                    "answered_before",
                    "{arm!r} has answered {item!r} before ({line}); where it is another sample, number "
                    "them in a column `sample`.",
                    arm=given.arm[:80],
                    item=item[:80],
                    line=first.line,
                ),
            )

    def _way(self) -> Callable[[Said], str | None]:
        """How the answers of this file find their items. Raises ValidationError where they cannot."""
        told = self._found.said
        have_ids = any(one.id is not None for one in told)
        if any(one.id in self._by_id for one in told):
            return self._of_id
        if any(one.question is not None and normalized_question(one.question) in self._by_question for one in told):
            if have_ids:
                self.warnings.append(
                    said(
                        "matched_by_question",
                        "No id of the file is one of the dataset's; its answers found their items by question.",
                    )
                )
            return self._of_question
        if have_ids:
            theirs = next(one.id for one in told if one.id is not None)
            raise ValidationError(
                said(
                    "ids_unknown",
                    "No id of the file is one of the dataset's: the file has {theirs!r} and the dataset "
                    "{ours!r}. Give the answers the dataset's ids or its questions, or neither, which "
                    "goes by the order.",
                    theirs=theirs[:80],
                    ours=self._items[0].id[:80],
                )
            )
        self._check_counts()
        self.warnings.append(
            said(
                "matched_by_order",
                "The file has no ids and no question of the dataset; its answers belong to the items by order.",
            )
        )
        return self._of_place

    def _check_counts(self) -> None:
        counts = Counter((given.arm, given.sample) for given in self._found.said)
        for (arm, _), count in counts.items():
            if count != len(self._items) and not self._found.numbered:
                raise ValidationError(
                    said(
                        "counts_differ",
                        "{arm}: the file has {count:,} answers without ids, and there are {items:,} items; "
                        "give each answer the id of its item.",
                        arm=arm,
                        count=count,
                        items=len(self._items),
                    )
                )

    def _of_id(self, given: Said) -> str | None:
        item = self._by_id.get(given.id or "")
        if item is None:
            told = (
                said("row_no_id", "it has no id.")
                if given.id is None
                else said("item_unknown", "the dataset has no item {item!r}.", item=given.id[:80])
            )
            self._problems.add(given.line, told)
        return item

    def _of_question(self, given: Said) -> str | None:
        same = self._by_question.get(normalized_question(given.question or ""), [])
        if not same:
            self._problems.add(given.line, said("question_unknown", "its question is none of the dataset's."))
        elif len(same) > 1:
            self._problems.add(
                given.line,
                said(
                    "question_of_many",
                    "its question is that of {count} items; give it the id of one of them.",
                    count=len(same),
                ),
            )
        return same[0] if len(same) == 1 else None

    def _of_place(self, given: Said) -> str | None:
        if 0 <= given.place < len(self._items):
            return self._items[given.place].id
        self._problems.add(
            given.line,
            said(
                "place_too_far",
                "it belongs to item {number:,} and there are {items:,}.",
                number=given.place,
                items=len(self._items),
            ),
        )
        return None


def _imported(item: str, sample: int, given: Said | None) -> ImportedAnswer:
    if given is None:
        return ImportedAnswer(item=item, sample=sample, answer=None)
    return ImportedAnswer(
        item=item,
        sample=sample,
        answer=given.answer,
        cost_usd=given.cost_usd,
        prompt_tokens=given.prompt_tokens,
        completion_tokens=given.completion_tokens,
        seconds=given.seconds,
        right=given.right,
    )


def _missing(answers: Mapping[str, Sequence[ImportedAnswer]]) -> Iterator[str]:
    for arm, given in answers.items():
        absent = [answer.item for answer in given if answer.answer is None]
        if absent:
            yield said(
                "answers_missing",
                "{arm}: {missing:,} of {count:,} answers are missing and count as wrong ({names}).",
                arm=arm,
                missing=len(absent),
                count=len(given),
                names=_named(absent),
            )


def _named(ids: Sequence[str]) -> str:
    different = tuple(dict.fromkeys(ids))
    return ", ".join(one[:80] for one in different[:SHOWN]) + (", ..." if len(different) > SHOWN else "")
