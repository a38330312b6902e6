"""Two runs side by side: what differs is told, what is the same is not, and it takes no time whatever they hold."""

import time
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.run import NodeView, RunOptions, RunTotals, RunView
from agent_lab.runs.comparison import MAX_DIFF_LINES, MAX_TEXT_LINES, compare
from support.stores import started


def node(name: str, text: str = "", **more: Any) -> NodeView:
    return NodeView(id=name, kind="generate", label=name.title(), role=name, text=text, **more)


def view(*nodes: NodeView, **more: Any) -> RunView:
    known: dict[str, Any] = {
        "run_id": "r1",
        "request_id": "q",
        "flow_id": "challenge",
        "flow_hash": "h",
        "prompt": "Why?",
        "status": "completed",
    }
    return RunView(**(known | more), nodes=nodes)


def test_a_run_beside_itself_differs_in_nothing() -> None:
    run = view(node("creator", "a\nb", calls=1), node("refiner", "c"), answer="c")
    found = compare(run, run)
    assert found.first_difference is None
    assert found.same_flow
    assert (found.answer.same, found.answer.lines) == (True, ())
    assert all(one.text.same and one.same_fields for one in found.nodes)
    assert (found.difference.calls, found.difference.cost_usd) == (0, None)


def test_what_differs_is_told_line_by_line_and_named_first() -> None:
    left = view(node("creator", "same"), node("refiner", "one\ntwo\nthree"), answer="32")
    right = view(node("creator", "same"), node("refiner", "one\n2\nthree", model="other"), answer="42", run_id="r2")
    found = compare(left, right)
    assert found.first_difference == "refiner"
    assert found.nodes[1].text.lines == ("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three")
    assert found.answer.lines == ("@@ -1 +1 @@", "-32", "+42")
    assert found.nodes[1].right is not None
    assert found.nodes[1].right.model == "other"
    assert (found.left.run_id, found.right.run_id) == ("r1", "r2")


def test_the_same_words_with_other_fields_are_a_difference() -> None:
    found = compare(view(node("a", fields={"score": 1})), view(node("a", fields={"score": 2})))
    assert (found.nodes[0].text.same, found.nodes[0].same_fields, found.first_difference) == (True, False, "a")


def test_what_a_call_took_and_who_answered_is_no_other_field() -> None:
    quick, slow = ({"seconds": took, "tokens": 7, "model": who, "score": 1} for took, who in ((0.1, "a"), (2.0, "b")))
    found = compare(view(node("a", "x", fields=quick)), view(node("a", "x", fields=slow)))
    assert (found.nodes[0].same_fields, found.first_difference) == (True, None)


def test_a_node_that_one_run_lacks_stands_alone() -> None:
    found = compare(view(node("a"), node("b", "x")), view(node("a"), node("c", "y")))
    assert [(one.id, one.left is None, one.right is None) for one in found.nodes] == [
        ("a", False, False),
        ("b", False, True),
        ("c", True, False),
    ]
    assert found.first_difference == "b"


def test_figures_are_subtracted_and_an_unknown_price_stays_unknown() -> None:
    cheap = view(totals=RunTotals(calls=1, prompt_tokens=5, cost_usd=Decimal("0.10"), seconds=1.0))
    dear = view(totals=RunTotals(calls=3, prompt_tokens=9, cost_usd=Decimal("0.25"), seconds=3.5))
    found = compare(cheap, dear).difference
    assert (found.calls, found.prompt_tokens, found.cost_usd, found.seconds) == (2, 4, Decimal("0.15"), 2.5)
    assert compare(cheap, view()).difference.cost_usd is None


def test_what_was_asked_otherwise_is_told_of_the_flow_and_of_the_request() -> None:
    first = started()
    nodes = (first.flow.nodes[0].model_copy(update={"kind": "vote"}),)
    options = RunOptions(model="other", models={"answer": "small"})
    second = first.model_copy(
        update={
            "flow": first.flow.model_copy(update={"nodes": nodes}),
            "request": first.request.model_copy(update={"prompt": "How?", "options": options}),
        }
    )
    found = compare(view(), view(), begun=(first, second)).changes
    assert found is not None
    assert [(node.id, node.changes[0].path) for node in found.flow.nodes_changed] == [("answer", "/kind")]
    assert [(one.path, one.after) for one in found.request] == [
        ("/options/model", "other"),
        ("/options/models/answer", "small"),
    ]
    same = compare(view(), view(), begun=(first, first)).changes
    assert same is not None
    assert (same.flow.is_empty, same.request) == (True, ())
    assert compare(view(), view()).changes is None


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_diff_is_empty_where_texts_are_the_same_and_bounded_where_not(left: str, right: str) -> None:
    found = compare(view(answer=left), view(answer=right)).answer
    assert found.same == (left == right)
    assert len(found.lines) <= MAX_DIFF_LINES
    if found.same:
        assert found.lines == ()


def test_huge_texts_are_compared_as_far_as_the_bounds_reach_and_quickly() -> None:
    began = time.process_time()
    lines = compare(view(answer="\n" * 1_000_000), view(answer="x\n" * 1_000_000)).answer
    one_line = compare(view(answer="a" * 1_000_000), view(answer="b" * 1_000_000)).answer
    many = [node(f"n{number}", "\n".join(str(k * number) for k in range(MAX_TEXT_LINES))) for number in range(200)]
    other = [one.model_copy(update={"text": one.text[::-1]}) for one in many]
    nodes = compare(view(*many), view(*other)).nodes
    assert time.process_time() - began < 5
    assert lines.cut
    assert one_line.cut
    assert sum(len(line) for line in one_line.lines) < 5_000
    assert not nodes[-1].text.lines
    assert (nodes[-1].text.same, nodes[-1].text.cut) == (False, True)
