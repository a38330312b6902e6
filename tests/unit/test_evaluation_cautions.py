"""What the report of an evaluation warns of, and when it does not."""

from __future__ import annotations

from agent_lab.contracts.evaluation import AnyArm, BestSingleArm, Cell, FlowArm, Item
from agent_lab.evaluation.report.build import build_report
from support.cells import EQUAL, FLOW, SINGLE, cells, info, report_of, table


def test_an_item_in_both_splits_is_warned_of_and_so_is_a_choice_made_on_the_tested_items() -> None:
    asked = [
        Item(id="a", input="What is 2 and 2?", target="4", split="tune"),
        Item(id="b", input="What is  2 and 2?", target="4", split="test"),
        Item(id="c", input="What is 3 and 3?", target="6", split="test"),
    ]
    best = BestSingleArm(name="best-single")
    made = [Cell(arm="best-single", item=item.id, score=1.0, choice="4") for item in asked]
    found = build_report(info([best], 3), asked, made, [], scorer_version="number@1", binary=True)
    told = "\n".join(found.warnings)
    assert "1 question is both in the split for tuning and in that for testing" in told
    assert "best-single was chosen on 1 of the items that it is tested on" in told
    assert "1 of 3 items ask what another item asks" in told


def test_answers_in_which_nothing_could_be_read_are_warned_of_above_five_in_a_hundred() -> None:
    unread = cells("single", [0.0] * 6, choice=None)
    made = [*unread, *cells("single", [1.0] * 100)[6:]]
    told = "\n".join(report_of([SINGLE], made, 100).warnings)
    assert "In 6 % of the answers of single the scorer could read nothing" in told
    few = "\n".join(report_of([SINGLE], [*unread[:5], *cells("single", [1.0] * 100)[5:]], 100).warnings)
    assert "could read nothing" not in few


def test_too_few_items_for_the_margin_are_warned_of_only_where_nothing_could_be_told() -> None:
    mine, theirs = table(150, 15, 10, 25)
    found = report_of([FLOW, EQUAL], [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs)], 200)
    assert any("200 items are too few to show 2 points" in warning for warning in found.warnings)
    mine, theirs = table(100, 60, 5, 35)
    found = report_of([FLOW, EQUAL], [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs)], 200)
    assert not any("too few" in warning for warning in found.warnings)


def test_too_few_items_for_several_flows_are_told_as_each_flows_sentence_tells_them() -> None:
    mine, theirs = table(150, 15, 10, 25)
    flows: list[AnyArm] = [FlowArm(name=f"flow-{at}", flow=f"f{at}") for at in range(4)]
    made = [cell for flow in flows for cell in cells(flow.name, mine)]
    found = report_of([*flows, SINGLE], [*made, *cells("single", theirs)], 200, baseline="single")
    smallest = f"{found.differences[0].smallest_difference * 100:.1f} points"
    assert f"What shows with these is {smallest}." in found.warnings[-1]
