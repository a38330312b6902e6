"""Draws named values as bars below each other: cost by node, accuracy by round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_lab.evaluation.render.figures import plain, shortened
from agent_lab.evaluation.render.svg import Drawing, text_width

_ROW_PX, _BAR_PX = 40, 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A value under a name; `told`: the value as people read it."""

    name: str
    value: float
    told: str


def bar_chart(bars: Sequence[Bar], title: str, *, width: int, id: str, most: float | None = None) -> Drawing:
    """Bars from nothing to the largest, or to `most`."""
    described = "; ".join(f"{plain(bar.name)}: {bar.told}" for bar in bars)
    drawing = Drawing(width, max(_ROW_PX * len(bars), 1), title, described, id)
    full = most or max((bar.value for bar in bars), default=0.0) or 1.0
    for number, bar in enumerate(bars):
        top = _ROW_PX * number
        chars = int((width - text_width(bar.told)) / 7) - 2
        drawing.text(0, top + 14, shortened(bar.name, max(chars, 6)), "name")
        drawing.text(width, top + 14, bar.told, "axis", anchor="end")
        drawing.rect(0, top + 20, width, _BAR_PX, "track")
        drawing.rect(0, top + 20, width * min(max(bar.value / full, 0.0), 1.0), _BAR_PX, "fill")
    return drawing
