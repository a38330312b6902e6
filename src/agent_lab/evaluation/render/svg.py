"""Writes drawings as SVG; whatever is written into one is text, never markup."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from agent_lab.evaluation.render.figures import plain

TEXT_PX = 12
Anchor = Literal["start", "middle", "end"]


def escape(text: str) -> str:
    """The text as text, in an element as in an attribute."""
    return html.escape(plain(text), quote=True)


def text_width(text: str, size: float = TEXT_PX) -> float:
    """How wide a text is at the most, in the fonts that a page may be shown in."""
    wide = sum(unicodedata.east_asian_width(char) in "FWA" or char in "mwMW—%" for char in text)
    return size * (0.58 * (len(text) - wide) + 1.0 * wide)


@dataclass(slots=True)
class Drawing:
    """Shapes in the order in which they are drawn. Colours are classes: the page's style says what they are."""

    width: float
    height: float
    title: str
    description: str
    id: str
    """Unique on its page; of letters, digits and dashes."""
    _parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str) -> None:
        """A straight line."""
        self._parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{escape(look)}"/>')

    def rect(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """A rectangle; what would have no width or height is left out."""
        if width > 0 and height > 0:
            place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            self._parts.append(f'<rect {place} class="{escape(look)}"/>')

    def circle(self, x: float, y: float, radius: float, look: str, told: str = "") -> None:
        """A circle. `told`: what it says when it is pointed at."""
        title = f"<title>{escape(told)}</title>" if told else ""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{escape(look)}">{title}</circle>'
        )

    def path(self, steps: str, look: str, told: str = "") -> None:
        """A path of our own making."""
        title = f"<title>{escape(told)}</title>" if told else ""
        self._parts.append(f'<path d="{escape(steps)}" class="{escape(look)}">{title}</path>')

    def text(self, x: float, y: float, text: str, look: str = "", *, anchor: Anchor = "start") -> None:
        """A text on its base line."""
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f'<text {place} class="{escape(look)}">{escape(text)}</text>')

    def __str__(self) -> str:
        """The drawing, to be put into a page."""
        size = f'viewBox="0 0 {self.width:.0f} {self.height:.0f}" width="{self.width:.0f}" height="{self.height:.0f}"'
        names = f'role="img" aria-labelledby="{self.id}-t {self.id}-d"'
        title = f'<title id="{self.id}-t">{escape(self.title)}</title>'
        head = f'{title}<desc id="{self.id}-d">{escape(self.description)}</desc>'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {names}>{head}{"".join(self._parts)}</svg>'
