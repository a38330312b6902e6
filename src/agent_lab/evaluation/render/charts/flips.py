"""Draws what became of right and wrong answers from one step to the next, as bands as thick as they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_lab.contracts.evaluation_report import Flips
from agent_lab.evaluation.render.figures import shortened
from agent_lab.evaluation.render.svg import Drawing

NARROW_PX = 500
MOST_IN_A_ROW = 3
_PANEL_PX, _HEAD, _FOOT, _GAP, _BAR = 236, 40, 40, 8.0, 10
_BODY = _PANEL_PX - _HEAD - _FOOT - _GAP
KINDS = ("right_right", "wrong_right", "right_wrong", "wrong_wrong")
_WORDS = {
    "right_right": "stayed right",
    "wrong_right": "repaired",
    "right_wrong": "broken",
    "wrong_wrong": "stayed wrong",
}


def flip_chart(flips: Sequence[Flips], arm: str, *, width: int, id: str) -> Drawing:
    """A panel for each step, side by side or below each other."""
    in_a_row = 1 if width < NARROW_PX else max(1, min(MOST_IN_A_ROW, len(flips)))
    rows = -(-len(flips) // in_a_row)
    told = " ".join(f"From {one.before} to {one.after}: {counts(one)}." for one in flips)
    drawing = Drawing(width, rows * _PANEL_PX, f"What became of the answers of {arm}", told, id)
    panel = width / in_a_row
    for number, one in enumerate(flips):
        row, column = divmod(number, in_a_row)
        _draw_panel(drawing, one, column * panel + 8, column * panel + panel - 8, row * _PANEL_PX)
    return drawing


def counts(one: Flips) -> str:
    """138 repaired, 3 broken, 440 stayed right, 19 stayed wrong."""
    order = ("wrong_right", "right_wrong", "right_right", "wrong_wrong")
    return ", ".join(f"{getattr(one, kind):,} {_WORDS[kind]}" for kind in order)


def _draw_panel(drawing: Drawing, one: Flips, left: float, right: float, top: float) -> None:
    chars = int((right - left) / 2 / 7)
    before, after = one.right_right + one.right_wrong, one.right_right + one.wrong_right
    total = before + one.wrong_right + one.wrong_wrong
    drawing.text(left, top + 14, shortened(one.before, chars), "name")
    drawing.text(right, top + 14, shortened(one.after, chars), "name", anchor="end")
    drawing.text(left, top + 30, _share(before, total), "axis")
    drawing.text(right, top + 30, _share(after, total), "axis", anchor="end")
    if total:
        _draw_bands(drawing, one, left, right, top + _HEAD)
    repaired, broken = f"{one.wrong_right:,} repaired", f"{one.right_wrong:,} broken"
    drawing.text((left + right) / 2, top + _PANEL_PX - 22, f"{repaired} · {broken}", "name", anchor="middle")


def _share(right: int, total: int) -> str:
    return f"{100 * right / total:.1f} % right" if total else "no answers"


@dataclass(slots=True)
class _Edge:
    """One side of a panel: how far its right and its wrong answers are drawn."""

    right_px: float
    wrong_px: float

    def take(self, is_right: bool, thick: float) -> float:
        """The top of the next band on that side."""
        if is_right:
            self.right_px += thick
            return self.right_px - thick
        self.wrong_px += thick
        return self.wrong_px - thick


def _draw_bands(drawing: Drawing, one: Flips, left: float, right: float, top: float) -> None:
    """Right answers above, wrong ones below; a band from each half to each half."""
    total = one.right_right + one.right_wrong + one.wrong_right + one.wrong_wrong
    scale = _BODY / total
    before, after = (one.right_right + one.right_wrong) * scale, (one.right_right + one.wrong_right) * scale
    start, end = _Edge(top, top + before + _GAP), _Edge(top, top + after + _GAP)
    for x, good in ((left, before), (right - _BAR, after)):
        drawing.rect(x, top, _BAR, good, "side right")
        drawing.rect(x, top + good + _GAP, _BAR, _BODY - good, "side wrong")
    # A half's bands lie in the order of where they lead, so that none crosses more than it must.
    for kind in ("right_right", "right_wrong", "wrong_right", "wrong_wrong"):
        number = getattr(one, kind)
        if number:
            was, became = (word == "right" for word in kind.split("_"))
            thick = number * scale
            begin, finish = start.take(was, thick), end.take(became, thick)
            told = f"{number:,} {_WORDS[kind]}"
            drawing.path(_band(left + _BAR, begin, right - _BAR, finish, max(thick, 1.0)), f"band {kind}", told)
            if kind in {"right_right", "wrong_wrong"} and thick >= 16:
                drawing.text((left + right) / 2, (begin + finish + thick) / 2 + 4, told, "axis", anchor="middle")


def _band(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    middle = (x1 + x2) / 2
    there = f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    low1, low2 = y1 + thick, y2 + thick
    return f"{there}V{low2:.1f}C{middle:.1f} {low2:.1f} {middle:.1f} {low1:.1f} {x1:.1f} {low1:.1f}Z"
