"""Writes a run down whole: as one JSON document, or as Markdown in which no text can be anything but text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_lab.contracts.events import (
    RUN_EVENT,
    GenerationFinished,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RunEvent,
    RunStarted,
    VoteCast,
    WaitingForPerson,
)
from agent_lab.contracts.run import RunTotals, RunView
from agent_lab.runs.record import with_seconds
from agent_lab.runs.reducer import fold
from agent_lab.runs.transcript_words import Language, Words

_FENCES = re.compile("`+")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, marks that turn the reading direction, other line ends, halves of surrogate pairs."""


def run_document(events: Sequence[RunEvent]) -> dict[str, Any]:
    """The run as it adds up, and every event of it with the questions as the models got them."""
    view = with_seconds(fold(events), events)
    return {
        "run": view.model_dump(mode="json"),
        "events": [RUN_EVENT.dump_python(event, mode="json", by_alias=True) for event in events],
    }


def run_markdown(events: Sequence[RunEvent], language: Language = "en") -> str:
    """The run for people: the question, every turn with what was said and what it took, the answer.

    Every foreign text stands in a fence longer than any run of backticks in it, so that nothing in it is a heading, a
    link, an image or HTML.
    """
    view = fold(events)
    page = _Page({node.id: node.label for node in view.nodes}, Words(language))
    page.open(view, events)
    for event in events:
        page.feed(event)
    page.close(view)
    return "\n\n".join(page.blocks) + "\n"


def fenced(text: str) -> str:
    """The text as a block that nothing in it can end."""
    shown = _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    fence = "`" * max(3, 1 + _longest(shown))
    return f"{fence}text\n{shown}\n{fence}"


def quoted(text: str) -> str:
    """A short text within a line, on one line, as it stands."""
    shown = _UNSEEN.sub("\ufffd", " ".join(text.split()))
    if not shown:
        return ""
    ticks = "`" * (1 + _longest(shown))
    return f"{ticks} {shown} {ticks}" if shown.startswith("`") or shown.endswith("`") else f"{ticks}{shown}{ticks}"


def _longest(text: str) -> int:
    return max((len(found) for found in _FENCES.findall(text)), default=0)


@dataclass(slots=True)
class _Page:
    """The blocks so far."""

    labels: dict[str, str]
    words: Words
    blocks: list[str] = field(default_factory=list)
    _said: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """What the models said in each turn: a node's text that is one of these is not shown twice."""

    def open(self, view: RunView, events: Sequence[RunEvent]) -> None:
        self.blocks.append(f"# {self.words('run', id=quoted(view.run_id))}")
        facts = "\n".join(f"- {fact}" for fact in self._facts(view))
        self.blocks += [facts, f"## {self.words('question')}", fenced(view.prompt)]
        for started in events:
            if isinstance(started, RunStarted):
                for name, value in started.request.inputs.items():
                    self.blocks += [self.words("input", name=quoted(name)), fenced(value)]
                for name, pin in started.request.pins.items():
                    self.blocks += [self.words("pinned", name=quoted(name)), fenced(pin.text)]

    def _facts(self, view: RunView) -> Iterator[str]:
        flow = quoted(view.flow_id)
        if view.flow_version:
            yield self.words("flow_version", flow=flow, version=view.flow_version)
        else:
            yield self.words("flow", flow=flow)
        yield self.words("status", status=self.words.status(view.status))
        if view.created_at:
            yield self.words("begun", at=view.created_at.isoformat(timespec="seconds"))
        if view.parent_run_id:
            yield self.words("forked_from", run=quoted(view.parent_run_id))
        if view.only_node:
            yield self.words("trial", node=quoted(view.only_node))
        yield self.words("took", figures=", ".join(_figures(view.totals, self.words)))

    def feed(self, event: RunEvent) -> None:
        match event:
            case NodeStarted():
                self.labels.setdefault(event.node, event.label)
                self.blocks.append(f"## {self._title(event.node, event.visit)}")
            case GenerationFinished():
                self._spoken(event)
            case WaitingForPerson():
                self.blocks += [self._asked(event), fenced(event.question)]
            case PersonAnswered():
                title = self._title(event.node, event.visit)
                self.blocks += [self.words("was_answered", title=title), fenced(event.text)]
            case VoteCast():
                votes = {"voter": quoted(event.voter), "choice": quoted(event.choice)}
                self.blocks.append(f"- {self.words('votes', **votes, weight=self.words.weight(event.weight))}")
            case NodeFinished():
                self._finished(event)
            case _:
                return

    def _asked(self, event: WaitingForPerson) -> str:
        title, choices = self._title(event.node, event.visit), ", ".join(quoted(choice) for choice in event.choices)
        return self.words("asks_one", title=title, choices=choices) if choices else self.words("asks", title=title)

    def close(self, view: RunView) -> None:
        if view.fault is not None:
            self.blocks += [
                f"## {self.words('ended_as', status=self.words.status(view.status))}",
                fenced(view.fault.message),
            ]
        if view.answer is not None:
            self.blocks += [f"## {self.words('answer')}", fenced(view.answer)]

    def _spoken(self, event: GenerationFinished) -> None:
        result, usage = event.result, event.result.usage
        sample = f", {self.words('sample', number=event.sample + 1)}" if event.sample else ""
        figures = [
            *([self.words("taken")] if event.reused else []),
            self.words("tokens", read=usage.prompt_tokens, written=usage.completion_tokens),
            self.words.seconds(result.timings.total_s),
            self.words.cost(usage.cost_usd),
        ]
        self._said.setdefault((event.node, event.visit), set()).add(result.text)
        self.blocks += [
            f"{self._title(event.node, event.visit)}{sample}, {quoted(result.model_key)} ({', '.join(figures)}):",
            fenced(result.text),
        ]

    def _finished(self, event: NodeFinished) -> None:
        title, output = self._title(event.node, event.visit), event.output
        if output.text and output.text not in self._said.get((event.node, event.visit), set()):
            self.blocks += [self.words("leaves", title=title), fenced(output.text)]
        if output.fields:
            told = json.dumps(output.fields, ensure_ascii=False, indent=2)
            self.blocks += [self.words("fields", title=title), fenced(told)]

    def _title(self, node: str, visit: int) -> str:
        label = quoted(self.labels.get(node) or node)
        return self.words("turn", label=label, visit=visit) if visit > 1 else label


def _figures(totals: RunTotals, words: Words) -> Iterator[str]:
    yield words("calls", calls=totals.calls)
    if totals.reused_calls:
        yield words("reused", calls=totals.reused_calls)
    yield words("tokens", read=totals.prompt_tokens, written=totals.completion_tokens)
    if totals.seconds:
        yield words.seconds(totals.seconds)
    yield words.cost(totals.cost_usd)
