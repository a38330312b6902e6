"""Lays two runs side by side: what each node said and took in the one and in the other, and what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agent_lab.contracts.events import RunStarted
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.registry import Usd
from agent_lab.contracts.run import NodeView, RunStatus, RunTotals, RunView
from agent_lab.flows.difference import Change, Difference, difference

MAX_DIFF_LINES = 400
"""Of one text; a diff of more is cut. Whatever is longer is compared as far as the bounds below reach."""
MAX_TEXT_LINES = 1_000
MAX_LINE_CHARS = 2_000
MAX_ALL_LINES = 20_000
"""Lines that are compared in all: past it a node says only whether its texts are the same."""


class TextDiff(Contract):
    """What became of a text: the lines of a unified diff without its file header, nothing where they are the same."""

    same: bool
    lines: tuple[str, ...] = ()
    cut: bool = False
    """True where the texts are too long to be compared to their end."""


class NodeSide(Contract):
    """A node in one of the two runs."""

    status: str
    model: str | None
    visits: int
    calls: int
    reused_calls: int
    prompt_tokens: int
    tokens: int
    cost_usd: Usd | None
    seconds: float


class NodeComparison(Contract):
    """A node in both runs; a side is None where the run has no such node."""

    id: str
    label: str
    kind: str
    left: NodeSide | None
    right: NodeSide | None
    text: TextDiff
    same_fields: bool


class RunSide(Contract):
    """One of the two runs as a whole."""

    run_id: str
    parent_run_id: str | None
    flow_id: str
    flow_hash: str
    flow_version: int | None
    status: RunStatus
    totals: RunTotals


class TotalsDifference(Contract):
    """The right run's figures less the left one's. None where one of the two is not known."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Usd | None
    seconds: float


class RunChanges(Contract):
    """What the right run was started with that the left one was not."""

    flow: Difference
    request: tuple[Change, ...]
    """Inputs and options; the question is compared as a text."""


class RunComparison(Contract):
    """Two runs side by side. Diffs lead from the left one to the right one."""

    left: RunSide
    right: RunSide
    same_flow: bool
    prompt: TextDiff
    answer: TextDiff
    nodes: tuple[NodeComparison, ...]
    first_difference: str | None
    """The first node, in the order of the flow, whose text or fields differ or that only one run has."""
    difference: TotalsDifference
    changes: RunChanges | None = None
    """What was asked otherwise; None where only what came of it is compared."""


MEASURED = frozenset({"seconds", "tokens", "model", "models"})
"""Fields of answers that say what they took and who gave them."""


@dataclass(slots=True)
class _Budget:
    """Lines that may still be compared."""

    lines: int = MAX_ALL_LINES

    def diff(self, left: str, right: str) -> TextDiff:
        if left == right:
            return TextDiff(same=True)
        if self.lines <= 0:
            return TextDiff(same=False, cut=True)
        before, cut_before = _lines(left)
        after, cut_after = _lines(right)
        self.lines -= len(before) + len(after)
        lines = tuple(_changed(before, after))
        cut = cut_before or cut_after or len(lines) > MAX_DIFF_LINES
        return TextDiff(same=False, lines=lines[:MAX_DIFF_LINES], cut=cut)


def compare(left: RunView, right: RunView, *, begun: tuple[RunStarted, RunStarted] | None = None) -> RunComparison:
    """The two runs side by side; the time that it takes is bounded whatever they hold. `begun`: how each began."""
    budget = _Budget()
    prompt = budget.diff(left.prompt, right.prompt)
    answer = budget.diff(left.answer or "", right.answer or "")
    nodes = tuple(_node(one, other, budget) for one, other in _pairs(left.nodes, right.nodes))
    return RunComparison(
        left=_side(left),
        right=_side(right),
        same_flow=left.flow_hash == right.flow_hash,
        prompt=prompt,
        answer=answer,
        nodes=nodes,
        first_difference=next((node.id for node in nodes if _differs(node)), None),
        difference=_difference(left.totals, right.totals),
        changes=_changes(*begun) if begun else None,
    )


def _changes(left: RunStarted, right: RunStarted) -> RunChanges:
    flows = [begun.flow.model_dump(mode="json", by_alias=True, exclude_defaults=True) for begun in (left, right)]
    requests = [begun.request.model_dump(mode="json", exclude={"flow", "prompt"}) for begun in (left, right)]
    return RunChanges(flow=difference(*flows), request=difference(*requests).changes)


def _pairs(left: Sequence[NodeView], right: Sequence[NodeView]) -> Iterator[tuple[NodeView | None, NodeView | None]]:
    """The nodes of both by id, in the order of the left run; then those that only the right one has."""
    others = {node.id: node for node in right}
    for node in left:
        yield node, others.pop(node.id, None)
    for node in others.values():
        yield None, node


def _node(left: NodeView | None, right: NodeView | None, budget: _Budget) -> NodeComparison:
    known = left or right
    if known is None:
        raise ValueError("a node of neither run cannot be compared")
    return NodeComparison(
        id=known.id,
        label=known.label,
        kind=known.kind,
        left=_node_side(left),
        right=_node_side(right),
        text=budget.diff(left.text if left else "", right.text if right else ""),
        same_fields=_said(left) == _said(right),
    )


def _said(node: NodeView | None) -> dict[str, JsonValue]:
    """The fields without those that are figures of the call: these are told apart, and differ from run to run."""
    return {name: value for name, value in (node.fields if node else {}).items() if name not in MEASURED}


def _node_side(node: NodeView | None) -> NodeSide | None:
    if node is None:
        return None
    return NodeSide(**{name: getattr(node, name) for name in NodeSide.model_fields})


def _differs(node: NodeComparison) -> bool:
    return node.left is None or node.right is None or not (node.text.same and node.same_fields)


def _side(run: RunView) -> RunSide:
    return RunSide(**{name: getattr(run, name) for name in RunSide.model_fields})


def _difference(left: RunTotals, right: RunTotals) -> TotalsDifference:
    known = left.cost_usd is not None and right.cost_usd is not None
    return TotalsDifference(
        calls=right.calls - left.calls,
        prompt_tokens=right.prompt_tokens - left.prompt_tokens,
        completion_tokens=right.completion_tokens - left.completion_tokens,
        cost_usd=right.cost_usd - left.cost_usd if known else None,  # type: ignore[operator]
        seconds=right.seconds - left.seconds,
    )


def _lines(text: str) -> tuple[list[str], bool]:
    """The text's lines as far as they are compared, and whether that is not all of it."""
    # Not `splitlines` on the whole: a text of a million empty lines would make a million of them first.
    parts = text.split("\n", MAX_TEXT_LINES)
    cut = len(parts) > MAX_TEXT_LINES or any(len(part) > MAX_LINE_CHARS for part in parts)
    return [part[:MAX_LINE_CHARS].rstrip("\r") for part in parts[:MAX_TEXT_LINES]], cut


def _changed(before: list[str], after: list[str]) -> Iterator[str]:
    for number, line in enumerate(difflib.unified_diff(before, after, lineterm="", n=2)):
        if number >= 2:
            yield line
