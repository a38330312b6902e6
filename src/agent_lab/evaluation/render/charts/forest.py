"""Draws paired differences with their intervals, and the band within which a difference would not matter."""

from __future__ import annotations

from collections.abc import Sequence

from agent_lab.contracts.evaluation_report import PairedDifference
from agent_lab.evaluation.render.charts.axis import Axis, around_zero
from agent_lab.evaluation.render.figures import VERDICTS, pair_name, points, points_span, shortened
from agent_lab.evaluation.render.svg import Drawing

NARROW_PX = 500
_ROW_PX = 46
_TOP, _BOTTOM, _SIDE = 22, 40, 10


def forest_chart(differences: Sequence[PairedDifference], margin: float, *, width: int, id: str) -> Drawing:
    """One row a difference: its name, its interval, and what may be said of it."""
    height = _TOP + _ROW_PX * len(differences) + _BOTTOM
    told = "; ".join(
        f"{pair_name(one)}: {points(one.difference)} points ({points_span(one.interval)})" for one in differences
    )
    drawing = Drawing(width, height, "Paired differences", f"In points, with intervals. {told}.", id)
    ends = [end for one in differences for end in (one.interval.low, one.interval.high, one.difference)]
    axis = around_zero([*ends, margin, -margin], _SIDE, width - _SIDE)
    bottom = height - _BOTTOM
    drawing.rect(axis.at(-margin), _TOP - 4, axis.at(margin) - axis.at(-margin), bottom - _TOP + 4, "margin")
    _draw_marks(drawing, axis, bottom)
    for number, one in enumerate(differences):
        _draw_row(drawing, axis, one, _TOP + _ROW_PX * number)
    drawing.text(_SIDE, height - 4, f"points; shaded: less than {100 * margin:g} either way", "axis")
    return drawing


def _draw_marks(drawing: Drawing, axis: Axis, bottom: float) -> None:
    for value in axis.marks(7 if drawing.width >= NARROW_PX else 5):
        x = axis.at(value)
        drawing.line(x, _TOP - 4, x, bottom, "zero" if abs(value) < 1e-9 else "grid")
        drawing.text(x, bottom + 15, points(value).replace(".0", ""), "axis", anchor="middle")
    drawing.text(_SIDE, 12, "worse", "axis")
    drawing.text(drawing.width - _SIDE, 12, "better", "axis", anchor="end")


def _draw_row(drawing: Drawing, axis: Axis, one: PairedDifference, top: float) -> None:
    middle = top + 32
    chars = int((drawing.width - 2 * _SIDE) / 7) - len(VERDICTS[one.verdict]) - 2
    drawing.text(_SIDE, top + 14, shortened(pair_name(one), chars), "name")
    drawing.text(drawing.width - _SIDE, top + 14, VERDICTS[one.verdict], f"name {one.verdict}", anchor="end")
    low, high = axis.at(one.interval.low), axis.at(one.interval.high)
    drawing.line(low, middle, high, middle, f"bar {one.verdict}")
    for x in (low, high):
        drawing.line(x, middle - 5, x, middle + 5, f"bar {one.verdict}")
    told = f"{pair_name(one)}: {points(one.difference)} ({points_span(one.interval)})"
    drawing.circle(axis.at(one.difference), middle, 5, f"mark {one.verdict}", told)
