"""The drawings of reports: names cover nothing, bands are as thick as they are many, marks are round."""

from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.evaluation_report import Flips
from agent_lab.evaluation.render.charts.axis import Axis, around_zero, cost_axis, round_step, share_axis
from agent_lab.evaluation.render.charts.flips import flip_chart
from agent_lab.evaluation.render.charts.forest import forest_chart
from agent_lab.evaluation.render.charts.frontier import frontier_chart
from agent_lab.evaluation.render.charts.labels import Box, place_labels
from support.reports import example_report

FRAME = Box(0, 0, 600, 300)
PLACES = st.tuples(st.floats(10, 590), st.floats(10, 290))
SIZES = st.tuples(st.floats(10, 160), st.just(15.0))


@given(st.lists(st.tuples(PLACES, SIZES), max_size=20))
@settings(deadline=None)
def test_placed_names_cover_no_point_and_no_other_name(
    asked: list[tuple[tuple[float, float], tuple[float, float]]],
) -> None:
    points = [point for point, _ in asked]
    found = [
        placed.box
        for placed in place_labels(points, [[size, (8.0, 15.0)] for _, size in asked], frame=FRAME, radius=8)
        if placed
    ]
    assert not any(one.meets(other) for one, other in combinations(found, 2))
    for box in found:
        assert box.within(FRAME)
        assert not any(box.meets(Box(x - 7.9, y - 7.9, x + 7.9, y + 7.9)) for x, y in points)


def test_every_name_finds_a_place_where_there_is_room() -> None:
    points = [(100.0 * n, 150.0) for n in range(1, 6)]
    assert all(place_labels(points, [[(80.0, 15.0)]] * 5, frame=FRAME, radius=8))


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.integers(2, 10))
def test_marks_are_round_within_the_axis_and_not_too_many(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    axis = Axis(0.0, high, 0.0, 100.0)
    assert 0 < len(axis.marks(most)) <= most + 1
    assert all(0.0 <= axis.at(value) <= 100.0 for value in axis.marks(most))
    costs = cost_axis([low, high], 0.0, 100.0)
    assert costs.at(low) <= costs.at(high)
    assert costs.marks()


def test_axes_hold_what_they_show() -> None:
    assert round_step(0.03) == 0.05
    shares = share_axis([0.71, 0.93], 0.0, 1.0)
    assert (shares.low, shares.high) == (0.7, 1.0)
    zero = around_zero([0.1, 0.2], 0.0, 1.0)
    assert zero.low < 0 < 0.2 < zero.high
    assert cost_axis([1.0, 100.0], 0.0, 1.0).logarithmic
    assert not cost_axis([0.0, 100.0], 0.0, 1.0).logarithmic


def test_the_frontier_has_a_numbered_point_for_every_arm_and_says_which_none_beats() -> None:
    report = example_report()
    text = str(frontier_chart(report.arms, report.unit, width=1000, id="f"))
    numbers = re.findall(r'class="name" ?[^>]*>(\d+) ', text)
    assert sorted(numbers, key=int) == [str(n) for n in range(1, len(report.arms) + 1)]
    assert "single~challenge: 73.8 %" in text
    assert "without:challenge/challenger: 97.2 %" in text
    assert 'class="frontier"' in text


def test_the_forest_shows_the_margin_and_each_verdict_in_words() -> None:
    report = example_report()
    text = str(forest_chart(report.differences, 0.02, width=340, id="f"))
    assert 'class="margin"' in text
    assert text.count(">better<") == 4  # three verdicts, and the name of the right end
    assert text.count(">inconclusive<") == 1


@given(*(st.integers(0, 400) for _ in range(4)))
def test_bands_are_as_thick_as_their_answers_are_many(kept: int, broken: int, repaired: int, stuck: int) -> None:
    flips = Flips(
        before="draft",
        after="answer",
        right_right=kept,
        right_wrong=broken,
        wrong_right=repaired,
        wrong_wrong=stuck,
        changed=0,
    )
    text = str(flip_chart([flips], "arm", width=800, id="f"))
    bands = dict(re.findall(r'<path d="M\S+ (\S+?)C.*?" class="band (\w+)"', text))
    assert set(bands.values()) == {
        kind for kind in ("right_right", "right_wrong", "wrong_right", "wrong_wrong") if getattr(flips, kind)
    }
    assert f"{repaired} repaired · {broken} broken" in text
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" class="side', text)]
    assert not heights or abs(sum(heights) - 2 * 148.0) < 1.0
