"""Reads the answers out of what other harnesses log: lm-evaluation-harness' samples and inspect_ai's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from agent_lab.contracts.documents import canonical_json
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.data.datasets import KNOWN_AS
from agent_lab.evaluation.data.tables import Problems, Row, Table
from agent_lab.evaluation.importing.answers import Form, Said, as_text, is_right

Values = Mapping[str, JsonValue]


def harness_samples(table: Table, arm: str, problems: Problems) -> Form:
    """lm-evaluation-harness' `samples_*.jsonl`: a row for each document and filter. What the model wrote counts."""
    given: list[Said] = []
    asked: dict[int, Row] = {}
    for row in table.rows:
        place = row.values.get("doc_id")
        answers = [text for group in _list(row.values.get("resps")) for text in _list(group)]
        if not isinstance(place, int) or not answers or not all(isinstance(text, str) for text in answers):
            problems.add(
                row.line,
                said(
                    "no_text_written",
                    "it holds no text that a model wrote (doc_id, resps); only generated answers count.",
                ),
            )
        elif place not in asked:
            doc = row.values.get("doc")
            question = _question_of(doc) or as_text(canonical_json(doc).decode("ascii"))
            asked[place] = Row(row.line, {"id": str(place), "input": question, "target": row.values.get("target")})
            right = _measured(row.values)
            given += [
                Said(
                    line=row.line,
                    arm=arm,
                    place=place,
                    question=question,
                    sample=sample,
                    answer=as_text(text),
                    right=right,
                )
                for sample, text in enumerate(answers)
            ]
    return Form(said=tuple(given), asked=Table(tuple(asked.values())), columns={}, numbered=True)


def _measured(values: Values) -> bool | None:
    names = [name for name in _list(values.get("metrics")) if isinstance(name, str)]
    return next((is_right(values[name]) for name in names if name in values), None)


def inspect_log(table: Table, arm: str, problems: Problems) -> Form:
    """inspect_ai's log in JSON: a row for each sample and epoch."""
    about = _object((table.about or {}).get("eval"))
    name = as_text(about.get("model")) or arm
    given: list[Said] = []
    asked: dict[str, Row] = {}
    for place, row in enumerate(table.rows):
        sample = row.values
        key, question = as_text(sample.get("id")), _last_turn(sample.get("input"))
        if key is None or question is None:
            problems.add(row.line, said("no_id_or_input", "it has no id or no input."))
            continue
        target = sample.get("target")
        told = target[0] if isinstance(target, list) and len(target) == 1 else target
        asked.setdefault(key, Row(row.line, {"id": key, "input": question, "target": told}))
        given.append(_inspected(row, sample, name, place, key, question))
    return Form(said=tuple(given), asked=Table(tuple(asked.values()), "item"), columns={})


def _inspected(row: Row, sample: Values, arm: str, place: int, key: str, question: str) -> Said:
    usage = [_object(one) for one in _object(sample.get("model_usage")).values()]
    epoch, seconds = sample.get("epoch"), sample.get("total_time")
    scores = [_object(one).get("value") for one in _object(sample.get("scores")).values()]
    return Said(
        line=row.line,
        arm=arm,
        place=place,
        id=key,
        question=question,
        sample=epoch - 1 if isinstance(epoch, int) and epoch > 0 else None,
        answer=None if sample.get("error") else _completion(_object(sample.get("output"))),
        prompt_tokens=sum(_tokens(one.get("input_tokens")) for one in usage),
        completion_tokens=sum(_tokens(one.get("output_tokens")) for one in usage),
        seconds=float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 0.0,
        right=is_right(scores[0]) if scores else None,
    )


def _completion(output: Values) -> str | None:
    if isinstance(output.get("completion"), str):
        return as_text(output["completion"])
    for choice in _list(output.get("choices")):
        return _words(_object(_object(choice).get("message")).get("content"))
    return None


def _last_turn(told: JsonValue) -> str | None:
    """The question: the text itself, or what the user said last."""
    if isinstance(told, str):
        return as_text(told)
    given = [
        _words(turn["content"])
        for turn in map(_object, _list(told))
        if turn.get("role") == "user" and "content" in turn
    ]
    return given[-1] if given else None


def _words(content: JsonValue) -> str | None:
    if isinstance(content, list):
        parts = (_object(part).get("text") for part in content)
        return as_text("".join(part for part in parts if isinstance(part, str)))
    return as_text(content)


def _question_of(doc: JsonValue) -> str | None:
    known = _object(doc)
    return next(
        (as_text(known[name]) for name in (*KNOWN_AS["input"], "query") if isinstance(known.get(name), str)), None
    )


def _object(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> Iterator[JsonValue]:
    yield from value if isinstance(value, list) else ()


def _tokens(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
