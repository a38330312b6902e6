"""Draws what each arm's answers cost and how good they are, and the line of those that nothing beats."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.contracts.evaluation import CostUnit
from agent_lab.contracts.evaluation_report import ArmFigures
from agent_lab.evaluation.render.charts.axis import Axis, cost_axis, share_axis
from agent_lab.evaluation.render.charts.labels import Box, place_labels
from agent_lab.evaluation.render.figures import amount, cost, percent, plain, shortened, span, unit_name
from agent_lab.evaluation.render.svg import TEXT_PX, Drawing, text_width

NARROW_PX = 500
RADIUS_PX = 5.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 24, 44


def frontier_chart(arms: Sequence[ArmFigures], unit: CostUnit, *, width: int, id: str) -> Drawing:
    """The arms by cost and score, numbered in their order."""
    height = (300 if width < NARROW_PX else 360) + 6 * max(0, len(arms) - 8)
    drawing = Drawing(width, height, "Cost and quality of each arm", _description(arms, unit), id)
    costs = [end for arm in arms for end in (arm.cost, arm.cost_interval.low, arm.cost_interval.high)]
    across = cost_axis(costs, _LEFT + RADIUS_PX, width - _RIGHT - RADIUS_PX)
    scores = [end for arm in arms for end in (arm.mean_score, arm.interval.low, arm.interval.high)]
    up = share_axis(scores, height - _BOTTOM, _TOP)
    _draw_axes(drawing, across, up, unit)
    _draw_frontier(drawing, arms, across, up)
    for box in _whiskers(arms, across, up):
        drawing.line(box.left, box.top, box.right, box.bottom, "whisker")
    for arm in sorted(arms, key=lambda arm: arm.on_frontier):  # those of the frontier lie on top
        look = "dot best" if arm.on_frontier else "dot"
        drawing.circle(across.at(arm.cost), up.at(arm.mean_score), RADIUS_PX, look, _told(arm, unit))
    _draw_names(drawing, arms, across, up)
    return drawing


def _whiskers(arms: Sequence[ArmFigures], across: Axis, up: Axis) -> list[Box]:
    """The intervals of score and cost, as boxes that are as thin as lines."""
    found = []
    for arm in arms:
        x, y = across.at(arm.cost), up.at(arm.mean_score)
        found.append(Box(x, up.at(arm.interval.high), x, up.at(arm.interval.low)))
        found.append(Box(across.at(arm.cost_interval.low), y, across.at(arm.cost_interval.high), y))
    return found


def _draw_axes(drawing: Drawing, across: Axis, up: Axis, unit: CostUnit) -> None:
    bottom, right = drawing.height - _BOTTOM, drawing.width - _RIGHT
    for value in up.marks():
        drawing.line(_LEFT, up.at(value), right, up.at(value), "grid")
        drawing.text(_LEFT - 6, up.at(value) + 4, f"{100 * value:.0f} %", "axis", anchor="end")
    drawing.line(_LEFT, bottom, right, bottom, "frame")
    free_from = float(_LEFT)
    for value in across.marks(5):
        told, x = cost(value, unit), across.at(value)
        half = text_width(told, 11) / 2
        if x - half < free_from or x + half > drawing.width:
            continue
        drawing.line(x, bottom, x, bottom + 4, "frame")
        drawing.text(x, bottom + 17, told, "axis", anchor="middle")
        free_from = x + half + 6
    scale = ", by powers of ten" if across.logarithmic else ""
    drawing.text(right, drawing.height - 8, f"{unit_name(unit)} an answer{scale}", "axis", anchor="end")
    drawing.text(2, 14, "score", "axis")


def _draw_frontier(drawing: Drawing, arms: Sequence[ArmFigures], across: Axis, up: Axis) -> None:
    best = sorted((arm for arm in arms if arm.on_frontier), key=lambda arm: arm.cost)
    if len(best) < 2:
        return
    places = [(across.at(arm.cost), up.at(arm.mean_score)) for arm in best]
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:])
    drawing.path(f"M{places[0][0]:.1f} {places[0][1]:.1f}{steps}", "frontier")


def _draw_names(drawing: Drawing, arms: Sequence[ArmFigures], across: Axis, up: Axis) -> None:
    """Each point's number and name; its number alone where there is no room, and nothing where there is none at all."""
    chars = 16 if drawing.width < NARROW_PX else 30
    points = [(across.at(arm.cost), up.at(arm.mean_score)) for arm in arms]
    names = [[f"{number} {shortened(arm.arm, chars)}", str(number)] for number, arm in enumerate(arms, 1)]
    places = place_labels(
        points,
        [[(text_width(name), TEXT_PX + 3.0) for name in forms] for forms in names],
        frame=Box(_LEFT, 18, drawing.width - 2, drawing.height - _BOTTOM - 2),
        radius=RADIUS_PX,
        kept_free=_whiskers(arms, across, up),
    )
    for (x, y), forms, placed in zip(points, names, places, strict=True):
        if placed is None:
            continue
        box = placed.box
        if placed.far:
            drawing.line(x, y, min(max(x, box.left), box.right), box.bottom if box.bottom < y else box.top, "leader")
        drawing.text((box.left + box.right) / 2, box.bottom - 4, forms[placed.form], "name", anchor="middle")


def _told(arm: ArmFigures, unit: CostUnit) -> str:
    return f"{plain(arm.arm)}: {percent(arm.mean_score)} ({span(arm.interval)}), {amount(arm.cost, unit)}"


def _description(arms: Sequence[ArmFigures], unit: CostUnit) -> str:
    best = sorted((arm for arm in arms if arm.on_frontier), key=lambda arm: arm.cost)
    told = "; ".join(_told(arm, unit) for arm in best)
    return f"Each arm by its cost and its score. No other arm is at least as good for less than: {told or 'none'}."
