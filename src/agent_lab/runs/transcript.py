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


def run_markdown(events: Sequence[RunEvent]) -> str:
    """The run for people: the question, every turn with what was said and what it took, the answer.

    Every foreign text stands in a fence longer than any run of backticks in it, so that nothing in it is a heading, a
    link, an image or HTML.
    """
    view = fold(events)
    page = _Page({node.id: node.label for node in view.nodes})
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
    blocks: list[str] = field(default_factory=list)
    _said: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """What the models said in each turn: a node's text that is one of these is not shown twice."""

    def open(self, view: RunView, events: Sequence[RunEvent]) -> None:
        version = f", version {view.flow_version}" if view.flow_version else ""
        self.blocks.append(f"# Run {quoted(view.run_id)}")
        facts = [f"- Flow: {quoted(view.flow_id)}{version}", f"- Status: {view.status}"]
        if view.created_at:
            facts.append(f"- Begun: {view.created_at.isoformat(timespec='seconds')}")
        if view.parent_run_id:
            facts.append(f"- Forked from: {quoted(view.parent_run_id)}")
        if view.only_node:
            facts.append(f"- A trial: {quoted(view.only_node)} was run alone")
        facts.append(f"- Took: {_figures(view.totals)}")
        self.blocks += ["\n".join(facts), "## Question", fenced(view.prompt)]
        for started in events:
            if isinstance(started, RunStarted):
                for name, value in started.request.inputs.items():
                    self.blocks += [f"Input {quoted(name)}:", fenced(value)]
                for name, pin in started.request.pins.items():
                    self.blocks += [f"Pinned {quoted(name)}:", fenced(pin.text)]

    def feed(self, event: RunEvent) -> None:
        match event:
            case NodeStarted():
                self.labels.setdefault(event.node, event.label)
                self.blocks.append(f"## {self._title(event.node, event.visit)}")
            case GenerationFinished():
                self._spoken(event)
            case WaitingForPerson():
                choices = ", ".join(quoted(choice) for choice in event.choices)
                asked = f"{self._title(event.node, event.visit)} asks a person"
                self.blocks += [asked + (f" to choose one of {choices}:" if choices else ":"), fenced(event.question)]
            case PersonAnswered():
                self.blocks += [f"{self._title(event.node, event.visit)} was answered:", fenced(event.text)]
            case VoteCast():
                self.blocks.append(f"- {quoted(event.voter)} votes for {quoted(event.choice)} ({event.weight:g})")
            case NodeFinished():
                self._finished(event)
            case _:
                return

    def close(self, view: RunView) -> None:
        if view.fault is not None:
            self.blocks += [f"## Ended as {view.status}", fenced(view.fault.message)]
        if view.answer is not None:
            self.blocks += ["## Answer", fenced(view.answer)]

    def _spoken(self, event: GenerationFinished) -> None:
        result, usage = event.result, event.result.usage
        cost = "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:f}"
        taken = "taken from the first run, " if event.reused else ""
        sample = f", answer {event.sample + 1}" if event.sample else ""
        self._said.setdefault((event.node, event.visit), set()).add(result.text)
        self.blocks += [
            f"{self._title(event.node, event.visit)}{sample}, {quoted(result.model_key)} ({taken}"
            f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out, {result.timings.total_s:.2f} s, {cost}):",
            fenced(result.text),
        ]

    def _finished(self, event: NodeFinished) -> None:
        title, output = self._title(event.node, event.visit), event.output
        if output.text and output.text not in self._said.get((event.node, event.visit), set()):
            self.blocks += [f"{title} leaves:", fenced(output.text)]
        if output.fields:
            self.blocks += [f"Fields of {title}:", fenced(json.dumps(output.fields, ensure_ascii=False, indent=2))]

    def _title(self, node: str, visit: int) -> str:
        label = quoted(self.labels.get(node) or node)
        return f"{label}, turn {visit}" if visit > 1 else label


def _figures(totals: RunTotals) -> str:
    return ", ".join(_parts(totals))


def _parts(totals: RunTotals) -> Iterator[str]:
    yield f"{totals.calls} model calls"
    if totals.reused_calls:
        yield f"{totals.reused_calls} answers taken from the first run"
    yield f"{totals.prompt_tokens} tokens in, {totals.completion_tokens} out"
    if totals.seconds:
        yield f"{totals.seconds:.2f} s"
    yield "cost unknown" if totals.cost_usd is None else f"${totals.cost_usd:f}"
