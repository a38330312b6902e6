"""The page that a renderer writes on: as wide as the terminal, coloured where that is wanted, whole lines elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.segment import Segment, Segments
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from agent_lab.cli.clean import StreamCleaner, clean
from agent_lab.cli.output import PipeClosed
from agent_lab.settings import plain_output_wanted

MAX_WIDTH = 100
_STYLES = Theme({"good": "green", "bad": "red", "warn": "yellow", "route": "cyan"})
# Those that can be read on dark and on light.
_HUES = ("cyan", "magenta", "green")
_TAB = " " * 4


class Page(Console):
    """rich's console as AI Agent Lab wants it: our styles, nothing guessed from the text, a closed pipe is no error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(theme=_STYLES, markup=False, highlight=False, emoji=False, **options)

    @property
    def size(self) -> ConsoleDimensions:
        """The terminal's size now, but no wider than what reads well."""
        found = super().size
        return ConsoleDimensions(min(found.width, MAX_WIDTH), found.height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """Leave as every other writer here does."""
        raise PipeClosed

    def show_cursor(self, show: bool = True) -> bool:
        """Leave the cursor alone: a process that is killed could not show it again."""
        return False


@dataclass(slots=True)
class Paper:
    """Lines, tables and streamed text. Everything written is cleaned first."""

    console: Console
    live: bool = False
    """True on a terminal: text is shown as it comes and wrapped. Elsewhere lines come whole and as they are."""
    lively: bool = False
    """True where a line may be written over: who speaks is told below the text, and taken away in the end."""
    _open: str = ""
    """The line that is being written."""
    _shown_chars: int = 0
    """How much of it is on the page already."""
    _cleaner: StreamCleaner = field(default_factory=StreamCleaner)
    _doing: str = ""
    _since: datetime = field(default_factory=lambda: datetime.now(UTC))
    _spinner: Spinner | None = None
    _display: Live | None = None

    @property
    def width(self) -> int:
        """Columns."""
        return self.console.width

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line, however long it is."""
        self.end_text()
        self._put(clean(text), style)

    def sentence(self, text: str, *, style: str = "") -> None:
        """A text of our own, wrapped on a terminal."""
        self.end_text()
        if self.live:
            self.console.print(Text(clean(text), style))
        else:
            self._put(clean(text), style)

    def rule(self, title: str, *, hue: int | None = None) -> None:
        """A heading across the page."""
        self.end_text()
        look = "bold" if hue is None else f"bold {_HUES[hue % len(_HUES)]}"
        self.console.rule(Text(f"── {clean(title)}", look), align="left", style=look)

    def table(
        self,
        rows: Sequence[Sequence[str]],
        *,
        headings: Sequence[str] = (),
        styles: Sequence[str] = (),
        cut: bool = False,
        fitted: bool = False,
    ) -> None:
        """Rows in columns; on a terminal the last column is wrapped, or cut where that is wanted.

        `styles`: the style of each row's first cell. `fitted`: every column is wrapped, elsewhere too: texts side
        by side can be read so.
        """
        self.end_text()
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="bold")
        for number in range(len(rows[0])):
            last = number == len(rows[0]) - 1
            heading = one_line(headings[number], 40) if headings else ""
            least = 12 if last and not fitted else None
            table.add_column(heading, no_wrap=not last and not fitted, min_width=least, overflow="fold")
        for number, row in enumerate(rows):
            cells = [Text(one_line(cell, 400)) for cell in row]
            cells[0].stylize(styles[number] if styles else "")
            cells[-1].no_wrap, cells[-1].overflow = (True, "ellipsis") if cut and self.live else (None, None)
            table.add_row(*cells)
        if self.live:
            self.console.print(table)
            return
        width = self.width if fitted else 10_000
        for line in self.console.render_lines(table, self.console.options.update(width=width), pad=False):
            self._put("".join(segment.text for segment in line).rstrip())

    def text(self, piece: str) -> None:
        """A piece of a text that is being written."""
        self._write(self._cleaner.feed(piece))

    def end_text(self) -> None:
        """End the text and its last line."""
        self._write(self._cleaner.flush())
        if self._open:
            last, self._open = self._open, ""
            self._put_lines([last])

    def progress(self, doing: str, since: datetime | None = None) -> None:
        """Say below the text, for now, who is at work and since when; with nothing to say, take it away."""
        if not self.lively:
            return
        self._doing, self._since = doing, since or datetime.now(UTC)
        if doing and self._display is None:
            self._spinner = Spinner("line" if self.console.options.ascii_only else "dots", style="cyan")
            self._display = Live(
                self,
                console=self.console,
                transient=True,
                refresh_per_second=10,
                redirect_stdout=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._display.start(refresh=True)
        elif not doing and self._display is not None:
            display, self._display = self._display, None
            display.stop()

    def close(self) -> None:
        """Leave nothing half written."""
        self.progress("")
        self.end_text()

    def __rich__(self) -> Group:
        """What is written over: the line that is not full yet, and who is at work."""
        seconds = (datetime.now(UTC) - self._since).total_seconds()
        told = f"{one_line(self._doing, self.width - 14)} · {max(seconds, 0):.1f} s" if self._doing else ""
        if self._spinner is None or not told:
            return Group()
        self._spinner.update(text=Text(told, "dim"))
        return Group(*([Text(self._open)] if self._open else []), self._spinner)

    def _put(self, text: str, style: str = "", end: str = "\n") -> None:
        # Segments, for Text would turn tabs into spaces.
        self.console.print(Segments([Segment(text, self.console.get_style(style)), Segment(end)]), crop=False, end="")

    def _write(self, piece: str) -> None:
        """Show what of the text is certain: whether a word fits on its line is known once it is whole."""
        if not piece:
            return
        *whole, self._open = (self._open + piece).split("\n")
        if self.live:
            *sure, self._open = self._wrapped(self._open)
            whole = [part for line in whole for part in self._wrapped(line)] + sure
        if whole:
            self._put_lines(whole)
        certain = re.match(r".*\S(?=\s)", self._open)
        if self.live and not self.lively and certain and certain.end() > self._shown_chars:
            self._put(self._open[self._shown_chars : certain.end()], end="")
            self._shown_chars = certain.end()

    def _put_lines(self, lines: list[str]) -> None:
        shown, self._shown_chars = self._shown_chars, 0
        self._put("\n".join(lines)[shown:])

    def _wrapped(self, text: str) -> list[str]:
        """The text as lines that fit; the last one keeps the spaces at its end, for more may follow."""
        text = text.replace("\t", _TAB)
        lines, end = [], 0
        for line in Text(text).wrap(self.console, self.width)[:-1]:
            end = text.index(line.plain, end) + len(line.plain)
            lines.append(line.plain)
        return [*lines, text[end:].lstrip() if lines else text]


def one_line(text: str, width: int) -> str:
    """The text on one line of at most that many columns."""
    line = " ".join(clean(text).split())
    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


def standard_paper(*, moving: bool = False) -> Paper:
    """The page on standard output. `moving`: what is shown there goes on, so that a line may say who is at work."""
    live, plain = sys.stdout.isatty(), plain_output_wanted()
    console = Page(color_system=None) if plain else Page()
    if not live:
        console.width = 80
    return Paper(console, live=live, lively=moving and live and not plain)
